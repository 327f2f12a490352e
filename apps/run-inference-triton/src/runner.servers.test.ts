import { join } from 'node:path';
import {
  describeWithPython,
  describeWithServer,
  makeTlsCertificate,
  type RedisServer,
  runBinary,
  startBinary,
  startRedis,
  startReferenceServer,
  startTritonServer,
  type TritonServer,
  temporaryFolder,
} from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  answeredWindows,
  loadReferences,
  makeDataFile,
  makeRepository,
  readResult,
  runInference,
  runWithResult,
  succeed,
} from './triton-run.test.fixture.js';

const rows = 1_000;
const explicit = ['--model-control-mode', 'explicit'];

await describeWithPython('triton', 'Triton', (python) => {
  describeWithServer('redis-server', 'with Redis', () => tests(python));
});

describeWithServer('openssl', 'TLS', () => {
  it.each(['grpc', 'http'])(
    'is spoken over %s where it is trusted, and told where it is not',
    async (protocol) => {
      const { certificatePath, keyPath } = await makeTlsCertificate();
      const tls = ['--tls-cert', certificatePath, '--tls-key', keyPath];
      const server = await startReferenceServer(['--model-repository', await makeRepository(), ...tls]);
      const host = protocol === 'http' ? server.addresses.tritonHttp : server.addresses.triton;
      const schemes = protocol === 'http' ? ['https', 'http'] : ['grpcs', 'grpc'];
      const input = ['--file', await makeDataFile(100), '--verify', '--protocol', protocol];
      const encrypted = [...input, '--host', `${schemes[0]}://${host}`];
      const trusted = await runWithResult([...encrypted, '--tls-ca', certificatePath]);
      expect(trusted.stderr).toBe('');
      expect(trusted.result!.counts.verified).toBe(100);
      expect((await runInference([...encrypted, '--tls-insecure'])).exitCode).toBe(0);
      const otherClient = protocol === 'grpc' ? ['--grpc-client', 'grpc-js'] : ['--http-client', 'undici'];
      const other = [...encrypted, '--tls-ca', certificatePath, ...otherClient];
      expect((await runInference(other)).stderr).toBe('');
      const refused = await runInference(encrypted);
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain('--tls-ca');
      const plain = await runInference([...input, '--host', `${schemes[1]}://${host}`]);
      expect(plain.exitCode).toBe(1);
      expect(plain.stderr).toContain(`${schemes[0]}://`);
      expect(plain.stderr.trim().split('\n')).toHaveLength(1);
      const plainServer = await startReferenceServer();
      const { tritonHttp, triton } = plainServer.addresses;
      const place = `${schemes[0]}://${protocol === 'http' ? tritonHttp : triton}`;
      const unencrypted = await runInference([...input, '--host', place]);
      expect(unencrypted.exitCode).toBe(1);
      expect(unencrypted.stderr).toContain('does not speak TLS as expected');
    },
  );
});

function tests(python: string): void {
  let dataFile: string;
  let redis: RedisServer;
  let triton: TritonServer;
  let repository: string;

  /** Sets a model up on the server, in its Python back end. */
  function setUp(...flags: string[]) {
    const place = ['--host', triton.grpc, '--model-repository', repository];
    return runBinary('setup-model', ['--server', 'triton', '--backend', 'python', ...place, ...flags]);
  }

  beforeAll(async () => {
    dataFile = await makeDataFile(rows);
    redis = await startRedis();
    await loadReferences(redis.address, dataFile);
    repository = temporaryFolder();
    triton = await startTritonServer({ python, repository, args: explicit });
    for (const flags of [[], ['--enable-reference-data-redis']]) {
      const { stdout, stderr, exitCode } = await setUp(...flags);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      const line = `${triton.grpc} \\(Triton 2\\.\\d+\\.\\d+\\): financialNet(_NoReference)? version 1, python, .*, as expected\n$`;
      expect(stdout.toString()).toMatch(new RegExp(line));
    }
    await setUp(
      '--enable-reference-data-redis',
      '--model',
      'batched',
      '--batch-size',
      '8',
      '--queue-delay',
      '1ms',
    );
  }, 300_000);

  /** The flags of a run over one of the protocols. */
  function over(protocol: string): string[] {
    const host = protocol === 'http' ? triton.http : triton.grpc;
    return ['--protocol', protocol, '--host', host, '--file', dataFile, '--redis-host', redis.address];
  }

  describe.each([
    ['grpc', []],
    ['grpc', ['--grpc-client', 'grpc-js']],
    ['grpc', ['--workers-per-connection', '4']],
    ['http', []],
    ['http', ['--http-client', 'undici']],
  ])('over %s %j', (protocol, way) => {
    it.each([
      ['without reference data', [], ['encode', 'wait', 'decode'], 'financialNet_NoReference', '1x30'],
      [
        'with reference data',
        ['--enable-reference-data-redis'],
        ['reference', 'encode', 'wait', 'decode'],
        'financialNet',
        '1x30,256',
      ],
      [
        'with a batch dimension',
        ['--enable-reference-data-redis', '--model', 'batched', '--workers', '16'],
        ['reference', 'encode', 'wait', 'decode'],
        'batched',
        '1x30,1x256',
      ],
    ])('answers rightly %s', { timeout: 60_000 }, async (_how, flags, stages, model, inputShapes) => {
      const { exitCode, stderr, result } = await runWithResult([
        ...over(protocol),
        '--verify',
        ...way,
        ...flags,
      ]);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      expect(result!.counts).toMatchObject({
        ...{ sent: rows, answered: rows, failed: 0, verified: rows, mismatched: 0 },
      });
      expect(Object.keys(result!.stages)).toEqual(stages);
      expect(result!.server).toMatchObject({ product: 'Triton', isReference: false });
      expect(result!.server.version).toMatch(/^2\.\d+\.\d+$/);
      expect(result!.server.details).toMatchObject({
        ...{ protocol, model, versions: '1', backend: 'python', instances: '1 KIND_CPU', inputShapes },
        ...{ outputShapes: '1x2', dynamicBatching: model === 'batched', redisCluster: false },
      });
    });

    it("keeps the server's own statistics, and its metrics", async () => {
      const { file } = await runWithResult([...over(protocol), ...way, '--metrics-host', triton.metrics]);
      const [address] = over(protocol).slice(3);
      const last = Object.values(file!.ServerRunTimeStats).at(-1)![address!]!;
      expect(last['inference_count']).toBeGreaterThanOrEqual(rows);
      expect(last['inference_stats.success.count']).toBe(last['inference_count']);
      expect(last['inference_stats.compute_infer.ns']).toBeGreaterThan(0);
      expect(last['nv_inference_count']).toBe(last['inference_count']);
      expect(last).toHaveProperty('nv_cpu_utilization');
    });

    it.each([
      [['--model', 'nope'], `has no model nope`, 'aibench-setup-model'],
      [
        ['--model-version', '9'],
        `has no version 9 of model financialNet_NoReference, but 1`,
        '--model-version',
      ],
      [['--model', 'financialNet'], 'also wants reference FP32 [256]', '--enable-reference-data-redis'],
      [
        ['--model', 'financialNet_NoReference', '--enable-reference-data-redis'],
        'the use case has reference FP32 [256], the model transaction FP32 [1,30]',
        '--model',
      ],
    ])('refuses %j before anything is sent', async (flags, words, hint) => {
      const { exitCode, stderr, file } = await runWithResult([...over(protocol), ...way, ...flags]);
      expect(stderr).toContain(words);
      expect(stderr).toContain(hint);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(exitCode).toBe(1);
      expect(file).toBeUndefined();
    });
  });

  it('joins requests where it is told to', async () => {
    const { file } = await runWithResult([
      ...over('grpc'),
      ...['--enable-reference-data-redis', '--model', 'batched', '--workers', '32'],
    ]);
    const last = Object.values(file!.ServerRunTimeStats).at(-1)![triton.grpc]!;
    expect(last['execution_count']).toBeLessThan(last['inference_count']!);
  });

  it.each(['grpc', 'http'])('is told by its port, not over %s', async (protocol) => {
    const wrong = protocol === 'grpc' ? triton.http : triton.grpc;
    const { exitCode, stderr } = await runInference([...over(protocol), '--host', wrong]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(wrong);
    expect(stderr).toContain('--host');
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each(['grpc', 'http'])('names reference data that is missing, over %s', async (protocol) => {
    const empty = await startRedis();
    const { exitCode, stderr, result } = await runWithResult([
      ...over(protocol),
      ...['--enable-reference-data-redis', '--redis-host', empty.address, '--workers', '1'],
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`Redis at ${empty.address} has no key referenceBLOB:{0}`);
    expect(result!.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_MISSING_KEY' });
  });

  it.each(['grpc', 'http'])(
    'is asked again over %s after it was killed and started anew',
    { timeout: 120_000 },
    async (protocol) => {
      const models = await makeRepository('--backend', 'python', '--model', 'again');
      const first = await startTritonServer({ python, repository: models });
      const json = join(temporaryFolder(), 'result.json');
      const run = startBinary('run-inference-triton', [
        ...['--protocol', protocol, '--host', protocol === 'http' ? first.http : first.grpc],
        ...['--model', 'again', '--file', dataFile, '--limit-rps', '200', '--duration', '15s'],
        ...['--reporting-period', '500ms', '--ignore-errors', '--verify', '--json-out-file', json],
      ]);
      await run.waitFor(/\n *1\.0s .*\n/);
      await first.kill();
      await startTritonServer({ python, repository: models, insteadOf: first });
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
      // What was answered after its return: before, there was a second or two of 200 a second.
      expect(counts.answered).toBeGreaterThan(800);
    },
  );

  it('is waited for where it loads its models by itself', { timeout: 120_000 }, async () => {
    const models = await makeRepository('--backend', 'python');
    const other = await startTritonServer({ python, repository: models });
    const place = ['--server', 'triton', '--backend', 'python', '--model-repository', models];
    const { stdout } = await succeed('setup-model', [...place, '--host', other.grpc]);
    expect(stdout.toString()).toMatch(/loaded by the server itself; answers .*, as expected\n$/);
  });

  it.each(['onnxruntime', 'tensorflow'])('says why it cannot load a model for %s', async (backend) => {
    // The configuration is read all the same, so all that there can be in it is.
    const { exitCode, stderr } = await setUp(
      ...['--model', 'broken', '--backend', backend, '--enable-reference-data-redis', '--batch-size', '8'],
      ...[
        '--preferred-batch-sizes',
        '4,8',
        '--queue-delay',
        '1ms',
        '--instances',
        '2',
        '--intra-op-threads',
        '1',
      ],
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${triton.grpc} cannot load model broken: `);
    expect(stderr).toContain(`unable to find backend library for backend '${backend}'`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    const run = await runInference([...over('grpc'), '--model', 'broken']);
    expect(run.stderr).toContain('has not loaded model broken');
    // Others' models are no hindrance.
    expect((await runInference([...over('grpc'), '--verify', '--max-queries', '50'])).exitCode).toBe(0);
  });
}
