import { join } from 'node:path';
import {
  describeWithPython,
  describeWithServer,
  type RedisServer,
  startBinary,
  startRedis,
  startTorchServe,
  type TorchServe,
  temporaryFolder,
} from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  answeredWindows,
  loadReferences,
  makeDataFile,
  readResult,
  runInference,
  runWithResult,
  succeed,
} from './torchserve-run.test.fixture.js';

const rows = 1_000;

await describeWithPython('torchserve', 'TorchServe', (python) => {
  describeWithServer(['java', 'redis-server'], 'with Redis', () => tests(python));
});

function tests(python: string): void {
  let dataFile: string;
  let modelStore: string;
  let redis: RedisServer;
  let torchServe: TorchServe;

  beforeAll(async () => {
    dataFile = await makeDataFile(rows);
    redis = await startRedis();
    await loadReferences(redis.address, dataFile);
    modelStore = temporaryFolder();
    torchServe = await startTorchServe({ python, modelStore });
    await setUp();
    await setUp('--enable-reference-data-redis');
    const batching = ['--model', 'batched', '--batch-size', '8', '--batch-delay', '5ms'];
    await setUp('--enable-reference-data-redis', ...batching);
  }, 300_000);

  /** Sets a model up on the server. */
  function setUp(...flags: string[]) {
    return succeed('setup-model', [
      ...['--server', 'torchserve', '--model-store', modelStore, '--torchserve-host', torchServe.inference],
      ...['--torchserve-management-host', torchServe.management, ...flags],
    ]);
  }

  /** The flags of a run against a server. */
  function against(server: TorchServe): string[] {
    return [
      ...['--torchserve-host', server.inference, '--torchserve-grpc-host', server.grpcInference],
      ...['--torchserve-management-host', server.management],
      ...['--file', dataFile, '--redis-host', redis.address],
    ];
  }

  /** Gives a model this many workers. */
  async function scale(server: TorchServe, model: string, workers: number): Promise<void> {
    const query = `min_worker=${workers}&max_worker=${workers}&synchronous=true`;
    const answer = await fetch(`http://${server.management}/models/${model}?${query}`, { method: 'PUT' });
    expect(answer.status).toBe(200);
  }

  const ways: [string, string[], string][] = [
    ['http', [], 'json'],
    ['http', ['--body', 'binary'], 'binary'],
    ['http', ['--http-client', 'undici', '--body', 'binary'], 'binary'],
    ['grpc', [], 'binary'],
    ['grpc', ['--grpc-client', 'grpc-js'], 'binary'],
    ['grpc', ['--workers-per-connection', '4'], 'binary'],
  ];

  describe.each(ways)('over %s %j', (protocol, way, body) => {
    it.each([
      ['without reference data', [], ['encode', 'wait', 'decode'], 'financialNet_NoReference', 1],
      [
        'with reference data',
        ['--enable-reference-data-redis'],
        ...[['reference', 'encode', 'wait', 'decode'], 'financialNet', 1],
      ],
      [
        'where it joins requests',
        ['--enable-reference-data-redis', '--model', 'batched', '--workers', '16'],
        ...[['reference', 'encode', 'wait', 'decode'], 'batched', 8],
      ],
    ] as const)('answers rightly %s', { timeout: 120_000 }, async (...row) => {
      const [, flags, stages, model, batchSize] = row;
      const { exitCode, stderr, result } = await runWithResult([
        ...[...against(torchServe), '--protocol', protocol, '--verify'],
        ...[...way, ...flags],
      ]);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      expect(result!.counts).toMatchObject({
        ...{ sent: rows, answered: rows, failed: 0, cutOff: 0, verified: rows, mismatched: 0, reconnects: 0 },
      });
      expect(Object.keys(result!.stages)).toEqual(stages);
      expect(result!.server).toMatchObject({ product: 'TorchServe', isReference: false });
      expect(result!.server.version).toMatch(/^0\.\d+\.\d+$/);
      expect(result!.server.details).toMatchObject({
        ...{ protocol, body, model, modelVersion: '1.0', versions: '1.0', archive: `${model}.mar` },
        ...{ batchSize, workersReady: '1', workersMin: 1, workersMax: 1 },
      });
    });
  });

  describe.each(['http', 'grpc'])('over %s', (protocol) => {
    const address = () => (protocol === 'http' ? torchServe.inference : torchServe.grpcInference);
    const over = () => [...against(torchServe), '--protocol', protocol];

    it("keeps the server's own metrics", { timeout: 60_000 }, async () => {
      const flags = [...over(), '--torchserve-metrics-host', torchServe.metrics];
      const lastReading = async () => {
        const { file } = await runWithResult(flags);
        return Object.values(file!.ServerRunTimeStats).at(-1)![address()]!;
      };
      const before = await lastReading();
      const last = await lastReading();
      expect(last['ts_inference_requests_total']! - before['ts_inference_requests_total']!).toBe(rows);
      expect(last['ts_inference_latency_microseconds']).toBeGreaterThan(0);
      expect(last['ts_queue_latency_microseconds']).toBeGreaterThan(0);
    });

    it.each([
      [['--model', 'nope'], 'has no model nope, but batched, financialNet', 'aibench-setup-model'],
      [
        ['--model-version', '9'],
        'has no version 9 of model financialNet_NoReference, but 1.0',
        '--model-version',
      ],
    ])('refuses %j before anything is sent', async (flags, words, hint) => {
      const { exitCode, stderr, file } = await runWithResult([...over(), ...flags]);
      expect(stderr).toContain(words);
      expect(stderr).toContain(hint);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(exitCode).toBe(1);
      expect(file).toBeUndefined();
    });

    it.each([
      [
        ['--model', 'financialNet'],
        'input reference is missing, there are transaction',
        '--enable-reference-data-redis',
      ],
      [
        ['--model', 'financialNet_NoReference', '--enable-reference-data-redis'],
        'there is no input reference, but transaction',
        '--model',
      ],
    ])('tells what the handler has to say of %j', async (flags, words, hint) => {
      const { exitCode, stderr, result } = await runWithResult([...over(), ...flags]);
      expect(stderr).toContain(words);
      expect(stderr).toContain(hint);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(exitCode).toBe(1);
      const status = protocol === 'http' ? '400' : 'INVALID_ARGUMENT';
      expect(result!.counts.failures).toMatchObject([{ code: 'AIBENCH_SERVER', status }]);
    });

    it('names reference data that is missing', async () => {
      const empty = await startRedis();
      const flags = ['--enable-reference-data-redis', '--redis-host', empty.address, '--workers', '1'];
      const { exitCode, stderr, result } = await runWithResult([...over(), ...flags]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`Redis at ${empty.address} has no key referenceBLOB:{0}`);
      expect(result!.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_MISSING_KEY' });
    });

    it('is told by its port', async () => {
      const wrong = protocol === 'http' ? torchServe.grpcInference : torchServe.inference;
      const flag = protocol === 'http' ? '--torchserve-host' : '--torchserve-grpc-host';
      const { exitCode, stderr } = await runInference([...over(), flag, wrong]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(wrong);
      expect(stderr).toContain(flag);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    });

    it('counts what a model without workers refuses', { timeout: 120_000 }, async () => {
      await setUp('--model', 'idle');
      const run = startBinary('run-inference-torchserve', [
        ...[...over(), '--model', 'idle', '--verify', '--ignore-errors', '--limit-rps', '100'],
        ...['--duration', '6s', '--reporting-period', '500ms', '--json-out-file', jsonFile(protocol)],
      ]);
      await run.waitFor(/\n *1\.0s .*\n/);
      await scale(torchServe, 'idle', 0);
      const { exitCode, stderr } = await run.ended;
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(exitCode).toBe(0);
      const { counts } = readResult(jsonFile(protocol)).Result;
      const refused = counts.failures.find(({ firstMessage }) => firstMessage.includes('has no worker'));
      expect(refused).toMatchObject({
        ...{ code: 'AIBENCH_SERVER', status: protocol === 'http' ? '503' : 'INTERNAL' },
      });
      expect(counts.answered).toBeGreaterThan(0);
      expect(refused!.count).toBeGreaterThan(0);
      expect(counts.mismatched).toBe(0);
      expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);

      const { exitCode: refusedAtOnce, stderr: words } = await runInference([...over(), '--model', 'idle']);
      expect(refusedAtOnce).toBe(1);
      expect(words).toContain('none of the 0 workers of model idle is ready');
    });

    it('counts what it has no room for', { timeout: 120_000 }, async () => {
      const models = ['financialNet_NoReference.mar'];
      const configuration = ['job_queue_size=1'];
      const small = await startTorchServe({ python, modelStore, models, configuration });
      const { exitCode, stderr, result } = await runWithResult([
        ...[...against(small), '--protocol', protocol, '--verify', '--ignore-errors', '--workers', '32'],
      ]);
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(exitCode).toBe(0);
      const { counts } = result!;
      expect(counts.failures).toMatchObject([
        {
          ...{
            code: 'AIBENCH_SERVER',
            status: protocol === 'http' ? '503' : 'INTERNAL',
            count: counts.failed,
          },
          firstMessage: expect.stringContaining('has no worker to serve inference request'),
        },
      ]);
      expect(counts).toMatchObject({ sent: rows, verified: counts.answered, mismatched: 0, cutOff: 0 });
      expect(counts.answered).toBeGreaterThan(0);
      expect(counts.failed).toBeGreaterThan(0);
    });

    it('is waited for while its workers start', { timeout: 120_000 }, async () => {
      const models = ['financialNet_NoReference.mar'];
      const starting = await startTorchServe({ python, modelStore, models });
      const { exitCode, stderr, result } = await runWithResult([
        ...[...against(starting), '--protocol', protocol, '--verify', '--max-queries', '50'],
      ]);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      expect(result!.counts).toMatchObject({ verified: 50, failed: 0 });
    });

    it('is asked again after it was killed and started anew', { timeout: 180_000 }, async () => {
      const models = ['financialNet_NoReference.mar'];
      const first = await startTorchServe({ python, modelStore, models });
      const json = join(temporaryFolder(), 'result.json');
      const run = startBinary('run-inference-torchserve', [
        ...[...against(first), '--protocol', protocol, '--limit-rps', '100', '--duration', '25s'],
        ...['--reporting-period', '500ms', '--ignore-errors', '--verify', '--json-out-file', json],
      ]);
      await run.waitFor(/\n *1\.0s .*\n/);
      await first.kill();
      await startTorchServe({ python, modelStore, models, insteadOf: first });
      const { exitCode, stderr } = await run.ended;
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(exitCode).toBe(0);
      const result = readResult(json).Result;
      const { counts } = result;
      // The gap that it left: answers, then none for a while, then answers again.
      expect(answeredWindows(result)).toMatch(/\+-+\+/);
      expect(counts.failures.map(({ code }) => code)).toContain('AIBENCH_CONNECTION');
      expect(counts.reconnects).toBeGreaterThanOrEqual(1);
      expect(counts.mismatched).toBe(0);
      expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
      // What was answered after its return: before, there was a second or two of 100 a second.
      expect(counts.answered).toBeGreaterThan(400);
    });

    it('asks with the keys of a server that wants them', { timeout: 120_000 }, async () => {
      const models = ['financialNet_NoReference.mar'];
      const guarded = await startTorchServe({ python, modelStore, models, tokenAuth: true });
      const { inference, management } = guarded.tokens!;
      const run = [...against(guarded), '--protocol', protocol, '--verify', '--max-queries', '50'];
      const without = await runInference(run);
      expect(without.exitCode).toBe(1);
      expect(without.stderr).toContain('Token Authorization failed');
      expect(without.stderr).toContain('AIBENCH_BEARER_TOKEN');
      expect(without.stderr.trim().split('\n')).toHaveLength(1);
      const keys = { env: { AIBENCH_BEARER_TOKEN: inference, AIBENCH_MANAGEMENT_TOKEN: management } };
      const withKeys = await runWithResult(run, keys);
      expect(withKeys.stderr).toBe('');
      expect(withKeys.result!.counts).toMatchObject({ verified: 50, failed: 0 });
    });
  });

  it('takes the request URI of the Go suite, and reports a path that is none', async () => {
    const uri = (path: string) => [...against(torchServe), '-torchserve-request-uri', path];
    const right = await runWithResult([...uri('/predictions/financialNet_NoReference/1.0'), '-verify']);
    expect(right.stderr).toBe('');
    expect(right.result!.counts.verified).toBe(rows);
    const wrong = await runInference(uri('/elsewhere'));
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toContain('answered 404');
  });

  const folder = temporaryFolder();
  function jsonFile(name: string): string {
    return join(folder, `${name}.json`);
  }
}
