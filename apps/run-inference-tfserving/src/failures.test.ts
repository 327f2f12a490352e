import { join } from 'node:path';
import { connectRedis, parseRedisAddress } from '@aibench/redis';
import {
  type ReferenceServer,
  startBinary,
  startReferenceServer,
  startTcpPeer,
  temporaryFolder,
} from '@aibench/testing';
import { DataType, ModelVersionStatus_State, TensorProto } from '@aibench/tfserving';
import { beforeAll, describe, expect, it } from 'vitest';
import { floats, type StubOptions, startServingStub } from './serving-stub.test.fixture.js';
import {
  loadReferences,
  makeDataFile,
  makeModels,
  readResult,
  runInference,
  runWithResult,
  serveModels,
} from './tfserving-run.test.fixture.js';

const rows = 1_000;
let dataFile: string;
let models: string;
let server: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  models = await makeModels();
  server = await serveModels(models);
});

/** Asks one server; there must be no more on stderr than one line. */
async function ask(host: string, ...flags: readonly string[]) {
  const run = await runWithResult(['--file', dataFile, '--tensorflow-serving-host', host, ...flags]);
  expect(run.stderr.trim().split('\n').length).toBeLessThanOrEqual(1);
  return run;
}

describe('a model', () => {
  it.each([
    [['--model', 'mine'], 'has no model mine version 1'],
    [['--model-version', '7'], 'has no model financialNet_NoReference version 7, but 1 AVAILABLE'],
    [['--model', 'mine', '--model-version', '0'], 'has no model mine'],
    [
      ['--signature', 'classify'],
      'financialNet_NoReference version 1: the model has no signature classify, but serving_default',
    ],
    [['--model', 'financialNet'], 'input reference float32 [256] is one that the use case does not have'],
  ])('that is not there, or another, is named before the load: %j', async (flags, words) => {
    const { tfserving } = server.addresses;
    const { exitCode, stderr, result } = await ask(tfserving, ...flags);
    expect(stderr).toContain(words);
    expect(stderr).toContain(tfserving);
    expect(exitCode).toBe(1);
    expect(result).toBeUndefined();
  });

  it.each<[string, StubOptions, string]>([
    [
      'takes another type',
      { inputs: { transaction: { dtype: DataType.DT_HALF, shape: [-1, 30] } } },
      'input transaction float32 [1,30] is DT_HALF [-1,30] there',
    ],
    [
      'takes another shape',
      { inputs: { transaction: { dtype: DataType.DT_FLOAT, shape: [-1, 28] } } },
      'input transaction float32 [1,30] is float32 [-1,28] there',
    ],
    [
      'gives another shape',
      { outputs: { out: { dtype: DataType.DT_FLOAT, shape: [-1, 3] } } },
      'output out float32 [1,2] is float32 [-1,3] there',
    ],
    [
      'is loading',
      { state: ModelVersionStatus_State.LOADING },
      'model financialNet_NoReference version 1 does not answer yet: 1 LOADING',
    ],
    [
      'could not be loaded',
      { state: ModelVersionStatus_State.END, stateError: 'no such op' },
      'does not answer yet: 1 END (no such op)',
    ],
  ])('that %s is refused before the load', async (_what, options, words) => {
    const { exitCode, stderr, result } = await ask(await startServingStub(options));
    expect(stderr).toContain(words);
    expect(exitCode).toBe(1);
    expect(result).toBeUndefined();
  });
});

describe('answers', () => {
  it.each<[string, StubOptions['predict'], string]>([
    [
      'of another type',
      {
        out: TensorProto.fromPartial({
          dtype: DataType.DT_INT64,
          tensorShape: { dim: [{ size: 1 }, { size: 2 }] },
          int64Val: [1, 0],
        }),
      },
      "the answer's out is int64 [1,2] instead of float32 [1,2]",
    ],
    [
      'of another shape',
      { out: floats([2, 2], [1, 2, 3, 4]) },
      "the answer's out is float32 [2,2] instead of float32 [1,2]",
    ],
    ['of another name', { classes: floats([1, 2], [1, 0]) }, 'the answer has no output out, but classes'],
  ])('%s end the run, or are counted', async (_what, predict, words) => {
    const host = await startServingStub({ ...(predict === undefined ? {} : { predict }) });
    const ended = await ask(host);
    expect(ended.stderr).toMatch(new RegExp(`${host} answered for row \\d+: `));
    expect(ended.stderr).toContain(words);
    expect(ended.result?.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_ANSWER' });
    const { result } = await ask(host, '--ignore-errors', '--max-queries', '20');
    expect(result!.counts).toMatchObject({ sent: 20, answered: 0, failed: 20 });
    expect(result!.counts.failures).toMatchObject([{ code: 'AIBENCH_ANSWER', count: 20 }]);
  });

  it('of a status are counted by it', async () => {
    const host = await startServingStub({
      predict: [3, 'Expects arg[0] to be float but double is provided'],
    });
    const ended = await ask(host);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(/answered for row \d+: INVALID_ARGUMENT: Expects arg\[0\] to be float/);
    const { result } = await ask(host, '--ignore-errors', '--max-queries', '20');
    expect(result!.counts.failures).toMatchObject([
      { code: 'AIBENCH_SERVER', status: 'INVALID_ARGUMENT', count: 20 },
    ]);
  });

  it('that are wrong are caught', async () => {
    const host = await startServingStub();
    const { exitCode, stderr, result } = await ask(host, '--verify');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/the answer for row \d+ is wrong: out is \[0\.500000, 0\.500000\] instead of/);
    expect(result?.outcome).toMatchObject({ code: 'AIBENCH_MISMATCH' });
  });

  it("are missing where a request is above the server's limit", async () => {
    const { addresses } = await serveModels(models, ['--max-message-bytes', '64']);
    const { result } = await ask(addresses.tfserving, '--ignore-errors', '--max-queries', '20');
    expect(result!.counts.failures).toMatchObject([
      { code: 'AIBENCH_SERVER', status: 'RESOURCE_EXHAUSTED', count: 20 },
    ]);
    const ended = await ask(addresses.tfserving);
    expect(ended.stderr).toContain('RESOURCE_EXHAUSTED');
    expect(ended.stderr).toContain("the server's limit");
  });
});

describe('some failures', () => {
  it('leave the other answers right with --ignore-errors', async () => {
    const { addresses } = await serveModels(models, ['--fail-every', '100']);
    const { exitCode, result } = await ask(addresses.tfserving, '--ignore-errors', '--verify');
    expect(exitCode).toBe(0);
    const { failures, ...counts } = result!.counts;
    expect(counts).toMatchObject({ sent: rows, failed: 10, verified: rows - 10, mismatched: 0 });
    expect(failures).toMatchObject([
      { code: 'AIBENCH_SERVER', status: expect.stringMatching(/^[A-Z_]+$/), count: 10 },
    ]);
  });
});

describe('a server that is too slow', () => {
  it('is given up, and asked anew with --ignore-errors', async () => {
    const { addresses } = await serveModels(models, ['--delay', '1s']);
    const flags = ['--request-timeout', '200ms', '--max-queries', '16'];
    const ended = await ask(addresses.tfserving, ...flags);
    expect(ended.exitCode).toBe(1);
    expect(ended.result?.outcome.code).toBe('AIBENCH_TIMEOUT');
    const { result } = await ask(addresses.tfserving, ...flags, '--ignore-errors');
    expect(result!.counts).toMatchObject({ sent: 16, answered: 0, failed: 16, cutOff: 0 });
    const codes = new Set(result!.counts.failures.map(({ code }) => code));
    expect([...codes]).toEqual(['AIBENCH_TIMEOUT']);
    expect(result!.counts.failures.map(({ status }) => status)).toContain('DEADLINE_EXCEEDED');
  });
});

describe('a server that goes away', () => {
  const load = ['--duration', '30s', '--reporting-period', '100ms'];

  function start(host: string, json: string, ...flags: string[]) {
    return startBinary('run-inference-tfserving', [
      ...['--tensorflow-serving-host', host, '--file', dataFile, '--json-out-file', json, ...flags],
    ]);
  }

  it('ends the run with a result', async () => {
    const { addresses, stop } = await serveModels(models, ['--delay', '2ms']);
    const json = join(temporaryFolder(), 'result.json');
    const run = start(addresses.tfserving, json, ...load);
    // The second line of the table: the load is on.
    await run.waitFor(/\n *0\.2s .*\n/);
    await stop();
    const { exitCode, stderr } = await run.ended;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(addresses.tfserving);
    const { outcome, counts } = readResult(json).Result;
    expect(outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_CONNECTION' });
    expect(counts.answered).toBeGreaterThan(0);
    expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
  });

  it.each(['own', 'grpc-js'])(
    'and comes back is asked again with --ignore-errors, by the client %s',
    async (client) => {
      const { addresses, stop } = await serveModels(models, ['--delay', '2ms']);
      const json = join(temporaryFolder(), 'result.json');
      const flags = ['--ignore-errors', '--verify', '--grpc-client', client];
      const run = start(
        addresses.tfserving,
        json,
        ...['--duration', '8s', '--reporting-period', '100ms', ...flags],
      );
      await run.waitFor(/\n *0\.2s .*\n/);
      await stop();
      const port = addresses.tfserving.split(':')[1]!;
      const again = await serveModels(models, ['--delay', '2ms', '--tfserving-port', port]);
      const { exitCode, stderr } = await run.ended;
      expect(stderr).not.toMatch(/\n\s+at /);
      const { counts, windows } = readResult(json).Result;
      expect(counts.failures.map(({ code }) => code)).toContain('AIBENCH_CONNECTION');
      // The gap: answers, then none for a while, then answers again.
      const hasAnswers = windows.map(({ answered }) => (answered > 0 ? '+' : '-')).join('');
      expect(hasAnswers).toMatch(/\+-+\+/);
      expect(counts.reconnects).toBeGreaterThanOrEqual(8);
      expect(counts.mismatched).toBe(0);
      expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
      expect(exitCode).toBe(0);
      // It has answered after it came back, too.
      const metrics = await fetch(`http://${again.addresses.tfservingRest}/monitoring/prometheus/metrics`);
      expect(await metrics.text()).toMatch(/request_count\{.*status="OK"\} \d/);
    },
  );
});

describe('what listens', () => {
  it('is named where it is nothing', async () => {
    const { port, stop } = await startTcpPeer(() => {});
    await stop();
    const { exitCode, stderr, result } = await ask(`127.0.0.1:${port}`);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot connect to the gRPC server at 127.0.0.1:${port}: connection refused`);
    expect(stderr).toContain('--tensorflow-serving-host');
    expect(result).toBeUndefined();
  });

  it.each<[string, () => string, string]>([
    ['Redis', () => server.addresses.redis, 'speaks the Redis protocol, not gRPC'],
    ['HTTP/1', () => server.addresses.tfservingRest, 'speaks HTTP/1, not gRPC'],
    ['Triton', () => server.addresses.triton, 'UNIMPLEMENTED'],
    ['a server without TLS', () => `grpcs://${server.addresses.tfserving}`, 'does not speak TLS'],
  ])('is named where it is %s', async (_what, host, words) => {
    const { exitCode, stderr } = await ask(host());
    expect(stderr).toContain(words);
    expect(exitCode).toBe(1);
  });

  it('is given up where it says nothing', async () => {
    const { address } = await startTcpPeer(() => {});
    const { exitCode, stderr } = await ask(address, '--request-timeout', '200ms');
    expect(stderr).not.toBe('');
    expect(exitCode).toBe(1);
  });
});

describe('reference data', () => {
  const withReference = '--enable-reference-data-redis';

  it('is missed by its key', async () => {
    const { tfserving, redis } = server.addresses;
    const { exitCode, stderr, result } = await ask(
      tfserving,
      ...['--redis-host', redis, withReference, '--workers', '1'],
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`Redis at ${redis} has no key referenceBLOB:{0}`);
    expect(stderr).toContain('aibench-load-data');
    expect(result?.outcome.code).toBe('AIBENCH_MISSING_KEY');
  });

  it('of another size is not sent', async () => {
    const { addresses } = await serveModels(models);
    await loadReferences(addresses.redis, dataFile);
    const connection = await connectRedis(parseRedisAddress(addresses.redis));
    await connection.call('SET', 'referenceBLOB:{3}', 'short');
    await connection.close();
    const flags = ['--redis-host', addresses.redis, withReference, '--ignore-errors', '--verify'];
    const { result } = await ask(addresses.tfserving, ...flags);
    expect(result!.counts).toMatchObject({ answered: rows - 1, failed: 1, verified: rows - 1 });
    expect(result!.counts.failures[0]).toMatchObject({
      code: 'AIBENCH_ANSWER',
      firstMessage: expect.stringContaining('referenceBLOB:{3} in Redis has 5 bytes instead of 1024'),
    });
  });

  it('has to have a Redis', async () => {
    const { port, stop } = await startTcpPeer(() => {});
    await stop();
    const flags = ['--redis-host', `127.0.0.1:${port}`, withReference];
    const { exitCode, stderr } = await ask(server.addresses.tfserving, ...flags);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot connect to Redis at 127.0.0.1:${port}`);
    expect(stderr).toContain('--redis-host');
    // Without reference data nobody looks for it.
    const without = await ask(server.addresses.tfserving, '--redis-host', `127.0.0.1:${port}`);
    expect(without.exitCode).toBe(0);
  });

  it('may be lost with its Redis, which is counted', async () => {
    const store = await startReferenceServer(['--protocols', 'redis']);
    await loadReferences(store.addresses.redis, dataFile);
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-tfserving', [
      ...['--tensorflow-serving-host', server.addresses.tfserving, '--redis-host', store.addresses.redis],
      ...['--file', dataFile, '--json-out-file', json, withReference],
      ...['--duration', '30s', '--reporting-period', '100ms'],
    ]);
    await run.waitFor(/\n *0\.2s .*\n/);
    await store.stop();
    const { exitCode, stderr } = await run.ended;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`the connection to Redis at ${store.addresses.redis} was lost`);
    expect(readResult(json).Result.outcome.code).toBe('AIBENCH_CONNECTION');
  });
});

describe('usage', () => {
  it.each([
    [['--tensorflow-serving-hosts', 'a'], 'did you mean --tensorflow-serving-host?'],
    [['--tensorflow-serving-host', 'http://localhost'], '"http://localhost" is no address of a gRPC server'],
    [['--tensorflow-serving-host', ''], 'no TensorFlow Serving is given'],
    [['--metrics-host', 'a,b'], '2 metrics ports and 1 servers do not pair up'],
    [['--metrics-host', 'http://[::'], 'is no address of metrics'],
    [['--model-version', '-1'], 'is below 0'],
    [['--model-version', 'latest'], 'is no whole number'],
    [['--redis-host', 'redis://user:secret@[localhost'], 'is no Redis address'],
    [['--grpc-client', 'curl'], 'none of own, grpc-js'],
  ])('%j is refused in one line', async (flags, words) => {
    const { exitCode, stderr } = await runInference(['--file', dataFile, ...flags]);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('secret');
    const lines = stderr.trim().replace(/\n.*: see --help$/, '');
    expect(lines.split('\n')).toHaveLength(1);
    expect(exitCode).toBe(2);
  });
});
