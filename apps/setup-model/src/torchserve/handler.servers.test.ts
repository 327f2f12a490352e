import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openControlClient, parseGrpcAddress } from '@aibench/grpc';
import {
  describeWithPython,
  describeWithServer,
  runBinary,
  runPython,
  startTorchServe,
  type TorchServe,
  temporaryFolder,
} from '@aibench/testing';
import { PredictionResponse, PredictionsRequest, torchServeMethod } from '@aibench/torchserve';
import { beforeAll, expect, it } from 'vitest';

/** The size of the batch that it is run in, and the sum of the row: whoever gets another's answer notices. */
const script = `import sys, torch
class Sum(torch.nn.Module):
    def forward(self, transaction):
        sums = transaction.sum(dim=1, keepdim=True)
        return torch.cat([torch.full_like(sums, transaction.size(0)), sums], dim=1)
torch.jit.script(Sum()).save(sys.argv[1])
`;

/** What the handler in every archive does with requests that TorchServe has joined. */
await describeWithPython('torchserve', 'the handler', (python) => {
  describeWithServer('java', 'in TorchServe', () => tests(python));
});

function tests(python: string): void {
  let torchServe: TorchServe;

  beforeAll(async () => {
    const folder = temporaryFolder();
    // PyTorch reads the source of what it makes a script of, so that has to lie in a file.
    writeFileSync(join(folder, 'sum.py'), script);
    const model = join(folder, 'sum.pt');
    expect(await runPython(python, [join(folder, 'sum.py'), model])).toMatchObject({ exitCode: 0 });
    torchServe = await startTorchServe({ python, modelStore: folder });
    const { stderr, exitCode } = await runBinary('setup-model', [
      ...['--server', 'torchserve', '--model', 'sum', '--model-file', model, '--model-store', folder],
      ...['--torchserve-host', torchServe.inference, '--torchserve-management-host', torchServe.management],
      // A batch is run once it is full, or after this time.
      ...['--batch-size', '4', '--batch-delay', '5s'],
    ]);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  }, 120_000);

  async function post(init: RequestInit): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`http://${torchServe.inference}/predictions/sum`, { ...init, method: 'POST' });
    const isJson = answer.headers.get('content-type') === 'application/json';
    const body = isJson ? await answer.json() : floatsOf(Buffer.from(await answer.arrayBuffer()));
    return { status: answer.status, body };
  }

  const postJson = (transaction: unknown) =>
    post({ headers: { 'content-type': 'application/json' }, body: JSON.stringify({ transaction }) });

  function postForm(transaction: readonly number[]) {
    const body = new FormData();
    const bytes = Buffer.from(Float32Array.from(transaction).buffer);
    body.set('transaction', new Blob([bytes], { type: 'application/octet-stream' }), 'transaction');
    return post({ body });
  }

  async function callGrpc(input: Record<string, Buffer>): Promise<Buffer> {
    const address = parseGrpcAddress(torchServe.grpcInference, { flag: '--host', defaultPort: 7_070 });
    const client = openControlClient(address, { flag: '--host', timeoutMs: 30_000 });
    try {
      const message = PredictionsRequest.encode({ modelName: 'sum', modelVersion: '', input }).finish();
      const answer = await client.call(torchServeMethod.predictions, message);
      return Buffer.from(PredictionResponse.decode(answer.message).prediction);
    } finally {
      await client.close();
    }
  }

  it('runs them as one, and gives each its own answer', async () => {
    const answers = await Promise.all([
      postJson(row(1)),
      postJson([row(2)]),
      postForm(row(3)),
      callGrpc({ transaction: Buffer.from(Float32Array.from(row(4)).buffer) }),
    ]);
    expect([...answers.slice(0, 3), floatsOf(answers[3])]).toEqual([
      { status: 200, body: { outputs: [[4, 30]] } },
      { status: 200, body: { outputs: [[4, 60]] } },
      { status: 200, body: [4, 90] },
      [4, 120],
    ]);
  });

  it('runs those as one that have the same shapes', async () => {
    const two = [row(1), row(2)];
    const answers = await Promise.all([
      postJson(two),
      postJson(row(3)),
      postForm(two.flat()),
      postJson(row(4)),
    ]);
    expect(answers.map(({ body }) => body)).toEqual([
      {
        outputs: [
          [4, 30],
          [4, 60],
        ],
      },
      { outputs: [[2, 90]] },
      [4, 30, 4, 60],
      { outputs: [[2, 120]] },
    ]);
  });

  it('refuses only those that are wrong', async () => {
    const answers = await Promise.all([
      postJson(row(1)),
      postJson([1]),
      postForm(row(3)),
      // In float32, the sum of these is none.
      postJson([3e38, 3e38, ...row(0).slice(2)]),
    ]);
    expect(answers).toEqual([
      { status: 200, body: { outputs: [[3, 30]] } },
      {
        status: 400,
        body: {
          ...{ code: 400, type: 'InternalServerException' },
          message: 'input transaction has 1 numbers, which are no float32 [-1,30]',
        },
      },
      { status: 200, body: [3, 90] },
      {
        status: 500,
        body: {
          ...{ code: 500, type: 'InternalServerException' },
          message: 'output out has a number that JSON has none for',
        },
      },
    ]);
  });

  it('can refuse over gRPC with the reason alone: TorchServe passes the status over', async () => {
    const [wrong] = await Promise.all([
      callGrpc({ transaction: Buffer.alloc(4) }),
      ...[1, 2, 3].map((n) => postJson(row(n))),
    ]);
    expect(JSON.parse(wrong.toString())).toMatchObject({
      code: 400,
      message: 'input transaction has 4 bytes, which are no float32 [-1,30]',
    });
  });
}

function row(value: number): number[] {
  return Array.from({ length: 30 }, () => value);
}

function floatsOf(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}
