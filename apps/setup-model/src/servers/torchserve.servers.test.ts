import { copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeWithPython,
  describeWithServer,
  runBinary,
  runPython,
  startTorchServe,
  type TorchServe,
  temporaryFolder,
} from '@aibench/testing';
import { beforeAll, expect, it } from 'vitest';

await describeWithPython('torchserve', 'setting a model up on TorchServe', (python) => {
  describeWithServer('java', 'on Java', () => tests(python));
});

function tests(python: string): void {
  let modelStore: string;
  let torchServe: TorchServe;

  beforeAll(async () => {
    modelStore = temporaryFolder();
    torchServe = await startTorchServe({ python, modelStore });
  }, 120_000);

  function setUp(...flags: string[]) {
    return runBinary('setup-model', [
      ...['--server', 'torchserve', '--torchserve-host', torchServe.inference],
      ...['--torchserve-management-host', torchServe.management, '--model-store', modelStore, ...flags],
    ]);
  }

  async function describeModel(path: string): Promise<unknown> {
    return (await fetch(`http://${torchServe.management}/models/${path}`)).json();
  }

  it.each([
    [[], 'financialNet_NoReference', 'out', 1, 1],
    [['--enable-reference-data-redis'], 'financialNet', 'output', 1, 1],
    [
      ['--enable-reference-data-redis', '--batch-size', '8', '--batch-delay', '5ms', '--model-workers', '2'],
      ...['financialNet', 'output', 2, 8],
    ],
  ] as const)('registers with %j, again, too', { timeout: 120_000 }, async (...row) => {
    const [flags, model, output, workers, batchSize] = row;
    for (let time = 0; time < 2; time++) {
      const { exitCode, stdout, stderr } = await setUp(...flags);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      const [line, ...others] = stdout.toString().trim().split('\n');
      expect(others).toEqual([]);
      expect(line).toMatch(/^127\.0\.0\.1:\d+ \(TorchServe 0\.\d+\.\d+\): /);
      expect(line).toContain(`: ${model} version 1.0, ONNX Runtime, ${workers} worker`);
      expect(line).toMatch(new RegExp(`answers ${output}\\[1,2\\] = 0\\.\\d+, 0\\.\\d+, as expected$`));
      expect(await describeModel(model)).toMatchObject([
        { batchSize, minWorkers: workers, maxWorkers: workers, responseTimeout: 120, modelVersion: '1.0' },
      ]);
    }
  });

  it('makes another version the default, and replaces one of several', { timeout: 120_000 }, async () => {
    const flags = ['--model', 'versioned'];
    for (const version of ['1.0', '2.0', '1.0']) {
      const { stderr } = await setUp(...flags, '--model-version', version);
      expect(stderr).toBe('');
      expect(await describeModel('versioned')).toMatchObject([{ modelVersion: version }]);
    }
    expect(await describeModel('versioned/all')).toHaveLength(2);
  });

  it('runs a TorchScript file, and takes a ready archive', { timeout: 120_000 }, async () => {
    const folder = temporaryFolder();
    const script = join(folder, 'mine.pt');
    const program = `import sys, torch
class Sum(torch.nn.Module):
    def forward(self, transaction, reference):
        total = transaction.sum(dim=1, keepdim=True)
        return torch.cat([total, reference.sum().reshape(1, 1)], dim=1)
torch.jit.script(Sum()).save(sys.argv[1])`;
    // PyTorch reads the source of what it makes a script of, so that has to lie in a file.
    writeFileSync(join(folder, 'sum.py'), program);
    const made = await runPython(python, [join(folder, 'sum.py'), script]);
    expect(made).toMatchObject({ exitCode: 0, stderr: '' });
    const flags = ['--enable-reference-data-redis', '--model-version', '7'];
    const known = await setUp('--model', 'scripted', '--model-file', script, ...flags);
    expect(known.stderr).toBe('');
    expect(known.stdout.toString()).toMatch(
      /scripted version 7, TorchScript, .* which has the right form\n$/,
    );
    const body = JSON.stringify({ transaction: Array(30).fill(0.5), reference: Array(256).fill(0.25) });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`http://${torchServe.inference}/predictions/scripted`, {
      ...{ method: 'POST', headers, body },
    });
    expect(await answer.json()).toEqual({ outputs: [[15, 64]] });

    const archive = join(folder, 'ready.mar');
    copyFileSync(join(modelStore, 'scripted.mar'), archive);
    const ready = await setUp('--model', 'ready', '--model-file', archive, ...flags.slice(0, 1));
    expect(ready.stderr).toBe('');
    expect(ready.stdout.toString()).toContain('ready version 7, an archive of your own, 1 worker');
  });

  it('says why the model is none for the use case', { timeout: 120_000 }, async () => {
    const onnx = join(temporaryFolder(), 'other.onnx');
    await runBinary('setup-model', [
      ...['--server', 'redisai', '--backend', 'ONNX', '--enable-reference-data-redis'],
      ...['--output-dir', join(onnx, '..')],
    ]);
    copyFileSync(join(onnx, '..', 'financialNet.onnx'), onnx);
    const { exitCode, stderr } = await setUp('--model', 'other', '--model-file', onnx);
    expect(stderr).toContain('cannot register model other: 500: Failed to start workers for model other');
    expect(stderr).toContain("the server's log says why");
    expect(exitCode).toBe(1);
    expect(torchServe.log()).toContain(
      "the model takes ['transaction', 'reference'] and gives ['output'], instead of",
    );
  });

  it.each([
    [
      () => ['--torchserve-management-host', torchServe.inference],
      "does not answer as TorchServe's management API",
      '--torchserve-management-host',
    ],
    [
      () => ['--torchserve-management-host', torchServe.grpcManagement],
      'does not speak HTTP/1',
      '--torchserve-management-host',
    ],
    [() => ['--torchserve-host', torchServe.management], 'answered 404', '--torchserve-host'],
    [
      () => ['--model-store', temporaryFolder(), '--model', 'elsewhere'],
      'Model not found at: elsewhere.mar',
      '--model-store',
    ],
  ])('refuses a wrong place %#', async (flags, words, hint) => {
    const { exitCode, stderr } = await setUp(...flags());
    expect(stderr).toContain(words);
    expect(stderr).toContain(hint);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(exitCode).toBe(1);
  });

  it('needs the tokens of a server that asks for them', { timeout: 120_000 }, async () => {
    const store = temporaryFolder();
    const guarded = await startTorchServe({ python, modelStore: store, tokenAuth: true });
    const { inference, management } = guarded.tokens!;
    const place = [
      '--torchserve-host',
      guarded.inference,
      '--torchserve-management-host',
      guarded.management,
    ];
    const attempt = (...flags: string[]) => setUp(...place, '--model-store', store, ...flags);
    const without = await attempt();
    expect(without.stderr).toContain('Token Authorization failed');
    expect(without.stderr).toContain('--management-token');
    expect(readdirSync(store)).toEqual([]);
    const withOne = await attempt('--management-token', management);
    expect(withOne.stderr).toContain('Token Authorization failed');
    expect(withOne.stderr).toContain('--bearer-token');
    const withBoth = await attempt('--management-token', management, '--bearer-token', inference);
    expect(withBoth.stderr).toBe('');
    expect(withBoth.stdout.toString()).toMatch(/as expected\n$/);
  });

  it('says how to start a server that takes no models', { timeout: 120_000 }, async () => {
    const store = temporaryFolder();
    const closed = await startTorchServe({ python, modelStore: store, modelApi: false });
    const place = ['--torchserve-host', closed.inference, '--torchserve-management-host', closed.management];
    const { exitCode, stderr } = await setUp(...place, '--model-store', store);
    expect(stderr).toContain('405: Requested method is not allowed');
    expect(stderr).toContain('--enable-model-api');
    expect(exitCode).toBe(1);
  });

  it('writes nothing where no server answers', async () => {
    const store = join(temporaryFolder(), 'store');
    const { exitCode, stderr } = await setUp(
      ...['--torchserve-management-host', '127.0.0.1:1', '--model-store', store],
    );
    expect(stderr).toContain('cannot connect to the HTTP server at 127.0.0.1:1');
    expect(exitCode).toBe(1);
    expect(existsSync(store)).toBe(false);
  });
}
