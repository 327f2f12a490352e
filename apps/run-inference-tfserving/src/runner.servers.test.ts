import { join } from 'node:path';
import {
  describeWithPython,
  describeWithServer,
  makeTlsCertificate,
  type RedisServer,
  runBinary,
  startBinary,
  startRedis,
  startTensorFlowServer,
  type TensorFlowServer,
  temporaryFolder,
} from '@aibench/testing';
import { beforeAll, expect, it } from 'vitest';
import {
  addModel,
  loadReferences,
  makeDataFile,
  makeModels,
  readResult,
  runWithResult,
  serveModels,
  succeed,
} from './tfserving-run.test.fixture.js';

const rows = 1_000;

await describeWithPython('tensorflow', 'TensorFlow behind the official stubs', (python) => {
  let dataFile: string;
  let redis: RedisServer;
  let models: string;
  let server: TensorFlowServer;

  beforeAll(async () => {
    dataFile = await makeDataFile(rows);
    redis = await startRedis();
    await loadReferences(redis.address, dataFile);
    models = await makeModels();
    await addModel(models, ...['--enable-reference-data-redis', '--model', 'batched', '--batch-size', '8']);
    server = await startTensorFlowServer({ python, configFile: join(models, 'models.config') });
  }, 300_000);

  function flags(): string[] {
    return ['--file', dataFile, '--tensorflow-serving-host', server.grpc, '--redis-host', redis.address];
  }

  it('loads the models that aibench-setup-model has written, and answers as expected', async () => {
    for (const more of [[], ['--enable-reference-data-redis']]) {
      const { stdout, stderr } = await runBinary('setup-model', [
        ...['--server', 'tfserving', '--model-base-path', models],
        ...['--tensorflow-serving-host', server.grpc, ...more],
      ]);
      expect(stderr).toBe('');
      expect(stdout.toString()).toMatch(
        new RegExp(
          `^${server.grpc} \\(TensorFlow Serving\\): financialNet\\S* version 1, .*, as expected\n$`,
        ),
      );
    }
  });

  it('loads a version that is added while it runs', async () => {
    const { exitCode, stdout, stderr } = await runBinary('setup-model', [
      ...['--server', 'tfserving', '--model-base-path', models, '--model-version', '5'],
      ...['--tensorflow-serving-host', server.grpc],
    ]);
    expect(stderr).toBe('');
    expect(stdout.toString()).toContain('financialNet_NoReference version 5');
    expect(exitCode).toBe(0);
    const run = await runWithResult([...flags(), '--model-version', '0', '--max-queries', '50', '--verify']);
    expect(run.result!.server.details['modelVersion']).toBe(5);
    expect(run.result!.counts.verified).toBe(50);
  });

  it('is told why a model cannot be loaded', async () => {
    const own = join(temporaryFolder(), 'saved_model.pb');
    await succeed('generate-data', ['--max-transactions', '3', '--output-file', own]);
    const { exitCode, stderr } = await runBinary('setup-model', [
      ...['--server', 'tfserving', '--model-base-path', models, '--model-version', '6', '--model-file', own],
      ...['--tensorflow-serving-host', server.grpc],
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${server.grpc} could not load model financialNet_NoReference version 6: `);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each([
    ['own', []],
    ['own', ['--enable-reference-data-redis']],
    ['own', ['--enable-reference-data-redis', '--model', 'batched']],
    ['grpc-js', ['--enable-reference-data-redis']],
  ] as const)('is benchmarked, every answer verified, by the client %s: %j', async (client, more) => {
    const { exitCode, stderr, result, file } = await runWithResult([
      ...flags(),
      ...['--verify', '--workers', '16', '--grpc-client', client, '--metrics-host', server.rest, ...more],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: rows, verified: rows, mismatched: 0, failed: 0 });
    expect(result!.server).toMatchObject({ product: 'TensorFlow Serving', isReference: false });
    const last = Object.values(file!.ServerRunTimeStats).at(-1)!;
    expect(last[server.grpc]!['serving:request_count{status="OK"}']).toBeGreaterThanOrEqual(rows);
  });

  it.each([
    [['--model', 'mine'], 'has no model mine version 1'],
    [['--model-version', '9'], 'has no model financialNet_NoReference version 9, but '],
    [['--model', 'financialNet'], 'input reference float32 [256] is one that the use case does not have'],
    [['--signature', 'classify'], 'has no signature classify, but serving_default'],
  ])('is found not to have what is asked: %j', async (more, words) => {
    const { exitCode, stderr } = await runWithResult([...flags(), ...more]);
    expect(stderr).toContain(words);
    expect(exitCode).toBe(1);
  });

  it('is asked again when it comes back', async () => {
    const configFile = join(models, 'models.config');
    const first = await startTensorFlowServer({ python, configFile });
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-tfserving', [
      ...['--tensorflow-serving-host', first.grpc, '--file', dataFile, '--json-out-file', json],
      ...['--ignore-errors', '--verify', '--duration', '25s', '--reporting-period', '100ms'],
    ]);
    await run.waitFor(/\n *0\.2s .*\n/);
    await first.stop();
    const again = await startTensorFlowServer({ python, configFile, insteadOf: first });
    const { exitCode } = await run.ended;
    expect(exitCode).toBe(0);
    const { counts } = readResult(json).Result;
    expect(counts.failures.map(({ code }) => code)).toContain('AIBENCH_CONNECTION');
    expect(counts.mismatched).toBe(0);
    const metrics = await fetch(`http://${again.rest}/monitoring/prometheus/metrics`);
    expect(await metrics.text()).toMatch(/request_count\{.*status="OK"\} [1-9]/);
  }, 120_000);
});

describeWithServer('openssl', 'TLS', () => {
  it('is spoken with a server whose authority is trusted, and with any where told to', async () => {
    const { certificatePath, keyPath } = await makeTlsCertificate();
    const models = await makeModels();
    const { addresses } = await serveModels(models, ['--tls-cert', certificatePath, '--tls-key', keyPath]);
    const dataFile = await makeDataFile(100);
    const plain = ['--tensorflow-serving-host', addresses.tfserving];
    const host = ['--tensorflow-serving-host', `grpcs://${addresses.tfserving}`];
    const input = ['--file', dataFile, '--verify'];
    for (const client of ['own', 'grpc-js']) {
      const how = ['--grpc-client', client];
      const trusted = await runWithResult([...host, ...input, ...how, '--tls-ca', certificatePath]);
      expect(trusted.stderr).toBe('');
      expect(trusted.result!.counts.verified).toBe(100);
      expect((await runWithResult([...host, ...input, ...how, '--tls-insecure'])).exitCode).toBe(0);
      const refused = await runWithResult([...host, ...input, ...how]);
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain('--tls-ca');
      const unencrypted = await runWithResult([...plain, ...input, ...how]);
      expect(unencrypted.exitCode).toBe(1);
      expect(unencrypted.stderr).toContain('grpcs://');
      expect(unencrypted.stderr.trim().split('\n')).toHaveLength(1);
    }
  });
});
