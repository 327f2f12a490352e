import {
  describeWithPython,
  describeWithServer,
  runBinary,
  startTorchServe,
  temporaryFolder,
} from '@aibench/testing';
import { Empty, PredictionsRequest, torchServeMethod } from '@aibench/torchserve';
import { beforeAll, expect, it } from 'vitest';
import { GrpcCaller } from '../testing/grpc-caller.js';
import { floatBytes } from '../testing/test-models.js';
import { startServer } from '../testing/test-server.js';

/** Where a server's ports are. */
interface Ports {
  readonly inference: string;
  readonly management: string;
  readonly grpc: string;
}

/** A call over HTTP: which port, and what is sent to it. */
type HttpCall = readonly [port: 'inference' | 'management', method: string, path: string, init?: RequestInit];

const transaction = Array.from({ length: 30 }, (_, i) => Math.sin(i));
const reference = Array.from({ length: 256 }, (_, i) => Math.cos(i));
const right = { transaction, reference };

const json = (body: unknown): RequestInit => ({
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

function form(tensors: Readonly<Record<string, readonly number[]>>): RequestInit {
  const body = new FormData();
  for (const [name, values] of Object.entries(tensors)) {
    body.set(name, new Blob([floatBytes(...values)], { type: 'application/octet-stream' }), name);
  }
  return { body };
}

const model = '/predictions/financialNet';

const httpCalls: readonly HttpCall[] = [
  ['inference', 'GET', '/ping'],
  ['inference', 'POST', model, json(right)],
  ['inference', 'POST', `${model}/1.0`, json(right)],
  ['inference', 'PUT', model, json(right)],
  ['inference', 'POST', model, { body: Buffer.from(JSON.stringify(right)) }],
  ['inference', 'POST', model, { body: JSON.stringify(right), headers: { 'content-type': 'text/plain' } }],
  ['inference', 'POST', model, { body: 'a=b', headers: { 'content-type': 'text/plain' } }],
  ['inference', 'POST', model, json({ ...right, transaction: [transaction, transaction], reference })],
  ['inference', 'POST', model, form(right)],
  ['inference', 'POST', '/predictions/no', json(right)],
  ['inference', 'POST', `${model}/9`, json(right)],
  ['inference', 'POST', '/predictions', json(right)],
  ['inference', 'POST', '/elsewhere', json(right)],
  ['inference', 'GET', '/models'],
  ['inference', 'GET', '/'],
  ['inference', 'POST', model, json('hello')],
  ['inference', 'POST', model, json([1])],
  ['inference', 'POST', model, json({})],
  ['inference', 'POST', model, json({ transaction })],
  ['inference', 'POST', model, json({ ...right, more: [1] })],
  ['inference', 'POST', model, json({ ...right, transaction: transaction.slice(1) })],
  ['inference', 'POST', model, json({ ...right, reference: [...reference, 1] })],
  ['inference', 'POST', model, json({ ...right, transaction: [] })],
  ['inference', 'POST', model, json({ ...right, transaction: ['x', ...transaction.slice(1)] })],
  ['inference', 'POST', model, json({ ...right, transaction: null })],
  ['inference', 'POST', model, json({ ...right, transaction: [1e39, ...transaction.slice(1)] })],
  ['inference', 'POST', model, form({ transaction })],
  ['inference', 'POST', model, form({ ...right, transaction: transaction.slice(1) })],
  ['management', 'GET', '/models'],
  ['management', 'GET', '/models?limit=1'],
  ['management', 'GET', '/models?limit=x&next_page_token=1'],
  ['management', 'GET', '/models/no'],
  ['management', 'GET', '/models/financialNet/9'],
  ['management', 'PUT', '/models/no?min_worker=1'],
  ['management', 'PUT', '/models/financialNet?min_worker=2&max_worker=1'],
  ['management', 'PUT', '/models/financialNet/1.0/set-default'],
  ['management', 'PUT', '/models/financialNet/9/set-default'],
  ['management', 'PUT', '/models/no/1.0/set-default'],
  ['management', 'DELETE', '/models/no'],
  ['management', 'DELETE', '/models/financialNet/9'],
  ['management', 'POST', '/models'],
  ['management', 'POST', '/models?url=no.mar'],
  ['management', 'POST', '/models?url=financialNet.mar'],
  ['management', 'POST', '/models?url=financialNet.mar&model_name=idle&initial_workers=0'],
  ['management', 'PUT', '/models/idle?min_worker=0&synchronous=true'],
  ['inference', 'POST', '/predictions/idle', json(right)],
  ['management', 'PUT', '/models/idle/1.0?min_worker=1&synchronous=true'],
  ['inference', 'POST', '/predictions/idle', json(right)],
  ['management', 'DELETE', '/models/idle/1.0'],
  ['management', 'POST', '/models/financialNet'],
  ['management', 'GET', '/'],
  ['management', 'GET', '/ping'],
  ['management', 'GET', '/elsewhere'],
];

function predictions(fields: Partial<PredictionsRequest>): Uint8Array {
  const input = Object.fromEntries(
    Object.entries(right).map(([name, values]) => [name, floatBytes(...values)]),
  );
  return PredictionsRequest.encode({
    modelName: 'financialNet',
    modelVersion: '',
    input,
    ...fields,
  }).finish();
}

const grpcCalls: readonly (readonly [string, string, Uint8Array])[] = [
  ['its health', torchServeMethod.ping, Empty.encode({}).finish()],
  ['an inference', torchServeMethod.predictions, predictions({})],
  ['a version', torchServeMethod.predictions, predictions({ modelVersion: '1.0' })],
  ['no model', torchServeMethod.predictions, predictions({ modelName: '' })],
  ['an unknown model', torchServeMethod.predictions, predictions({ modelName: 'no' })],
  ['an unknown version', torchServeMethod.predictions, predictions({ modelVersion: '9' })],
  ['no inputs', torchServeMethod.predictions, predictions({ input: {} })],
  [
    'an input of another size',
    torchServeMethod.predictions,
    predictions({ input: { transaction: floatBytes(1), reference: floatBytes(...reference) } }),
  ],
];

async function httpOutcome(ports: Ports, [port, method, path, init]: HttpCall): Promise<unknown> {
  const response = await fetch(`http://${ports[port]}${path}`, { ...init, method });
  const bytes = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type');
  return {
    status: response.status,
    type,
    connection: response.headers.get('connection'),
    body: type === 'application/json' ? readJson(bytes) : floatsOf(bytes),
  };
}

/**
 * Numbers are rounded: two builds of ONNX Runtime may differ in the last bit. That a model has no worker is followed by
 * advice, which is each server's own.
 */
function readJson(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString(), (_key, value: unknown) => {
    if (typeof value === 'number') return Number(value.toPrecision(5));
    return typeof value === 'string'
      ? value.replace(/(?<=has no worker to serve inference request).*/, '')
      : value;
  }) as unknown;
}

function floatsOf(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 4 }, (_, i) => Number(bytes.readFloatLE(i * 4).toPrecision(5)));
}

async function grpcOutcome(caller: GrpcCaller, path: string, bytes: Uint8Array): Promise<unknown> {
  try {
    const { message } = await caller.callBytes(path, bytes);
    return path === torchServeMethod.ping ? message.toString() : floatsOf(message.subarray(2));
  } catch (error) {
    const { code, details } = error as { readonly code: number; readonly details: string };
    return { code, details };
  }
}

await describeWithPython('torchserve', 'TorchServe', (python) => {
  describeWithServer('java', 'on Java', () => {
    let modelStore: string;

    beforeAll(async () => {
      modelStore = temporaryFolder();
      for (const flags of [[], ['--enable-reference-data-redis']]) {
        await runBinary('setup-model', ['--server', 'torchserve', '--output-dir', modelStore, ...flags]);
      }
    });

    /** The real server and ours, with both models registered in the same way. */
    async function startBoth(): Promise<readonly [Ports, Ports]> {
      // TorchServe's own default, which the settings for benchmarks change.
      const configuration = ['job_queue_size=100'];
      const torchServe = await startTorchServe({ python, modelStore, configuration });
      const { addresses } = await startServer({ protocols: ['torchserve'], modelStore });
      const both = [
        { ...torchServe, grpc: torchServe.grpcInference },
        {
          ...{ inference: addresses.torchserve!, management: addresses.torchserveManagement! },
          grpc: addresses.torchserveGrpc!,
        },
      ] as const;
      for (const { management } of both) {
        for (const name of ['financialNet', 'financialNet_NoReference']) {
          const query = `url=${name}.mar&initial_workers=1&synchronous=true&batch_size=1&max_batch_delay=5`;
          const { status } = await fetch(`http://${management}/models?${query}`, { method: 'POST' });
          expect(status).toBe(200);
        }
      }
      return both;
    }

    it('is answered in the same words', { timeout: 240_000 }, async () => {
      const [real, ours] = await startBoth();
      const outcomes: [unknown[], unknown[]] = [[], []];
      for (const call of httpCalls) {
        outcomes[0].push([...call.slice(0, 3), await httpOutcome(real, call)]);
        outcomes[1].push([...call.slice(0, 3), await httpOutcome(ours, call)]);
      }
      const callers = [new GrpcCaller(real.grpc), new GrpcCaller(ours.grpc)] as const;
      for (const [what, path, bytes] of grpcCalls) {
        outcomes[0].push([what, await grpcOutcome(callers[0], path, bytes)]);
        outcomes[1].push([what, await grpcOutcome(callers[1], path, bytes)]);
      }
      expect(outcomes[1]).toEqual(outcomes[0]);
    });

    it('describes a model by the same fields', { timeout: 240_000 }, async () => {
      const [real, ours] = await startBoth();
      const describe = async ({ management }: Ports): Promise<Record<string, unknown>> => {
        const answer = await fetch(`http://${management}/models/financialNet/all`);
        const [{ workers, ...described }] = (await answer.json()) as [
          Record<string, unknown> & { readonly workers: readonly Record<string, unknown>[] },
        ];
        const worker = { ...workers[0], id: '', startTime: '', memoryUsage: 0, pid: 0 };
        return { workers: [worker, ...workers.slice(1)], ...described };
      };
      const { engine, ...told } = await describe(ours);
      expect(engine).toBe('aibench-reference-server/0.0.0-test');
      expect(await describe(real)).toMatchObject(told);
    });
  });
});
