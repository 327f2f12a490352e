import { join } from 'node:path';
import {
  describeWithPython,
  describeWithServer,
  type FlaskServer,
  makeTlsCertificate,
  type RedisServer,
  startBinary,
  startFlask,
  startRedis,
  startReferenceServer,
  temporaryFolder,
} from '@aibench/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  answeredWindows,
  loadReferences,
  makeDataFile,
  makeModels,
  readResult,
  runInference,
  runWithResult,
  succeed,
} from './flask-run.test.fixture.js';

const rows = 500;
const backends = ['onnxruntime', 'tensorflow'] as const;

for (const backend of backends) {
  await describeWithPython(`flask-${backend}`, `Flask with ${backend}`, (python) => {
    describeWithServer('redis-server', 'and Redis', () => tests(python, backend));
  });
}

// Back ends differ in how long they take to start, which would be all of the test with TensorFlow.
await describeWithPython('flask-onnxruntime', 'Flask', (python) => {
  it('is asked again after it was killed and started anew', { timeout: 120_000 }, async () => {
    const models = await makeModels();
    const first = await startFlask({ python, models });
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-flask', [
      ...['--restapi-host', first.address, '--file', await makeDataFile(rows), '--limit-rps', '100'],
      ...['--duration', '15s', '--reporting-period', '500ms'],
      ...['--ignore-errors', '--verify', '--json-out-file', json],
    ]);
    await run.waitFor(/\n *1\.0s .*\n/);
    await first.kill();
    // A failure, and then a period without an answer, so that there is a gap whatever the machine does.
    await run.waitFor(/ [1-9]\d*\n *[\d.]+s +0 .*\n/);
    await startFlask({ python, models, insteadOf: first });
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
  });
});

describeWithServer('openssl', 'TLS', () => {
  it('is spoken where it is trusted, and told where it is not', async () => {
    const { certificatePath, keyPath } = await makeTlsCertificate();
    const tls = ['--tls-cert', certificatePath, '--tls-key', keyPath];
    const place = ['--protocols', 'flask', '--flask-models', await makeModels()];
    const server = await startReferenceServer([...place, ...tls]);
    const input = ['--file', await makeDataFile(100), '--verify', '--ready-timeout', '0s'];
    const encrypted = [...input, '--restapi-host', `https://${server.addresses.flask}`];
    for (const client of ['own', 'undici']) {
      const flags = [...encrypted, '--http-client', client];
      const trusted = await runWithResult([...flags, '--tls-ca', certificatePath]);
      expect(trusted.stderr).toBe('');
      expect(trusted.result!.counts.verified).toBe(100);
      expect((await runInference([...flags, '--tls-insecure'])).exitCode).toBe(0);
    }
    const refused = await runInference(encrypted);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('--tls-ca');
    const plain = await runInference([...input, '--restapi-host', `http://${server.addresses.flask}`]);
    expect(plain.exitCode).toBe(1);
    expect(plain.stderr).toContain('https://');
    expect(plain.stderr.trim().split('\n')).toHaveLength(1);
    const plainServer = await startReferenceServer(place);
    const other = ['--restapi-host', `https://${plainServer.addresses.flask}`];
    const unencrypted = await runInference([...input, ...other]);
    expect(unencrypted.exitCode).toBe(1);
    expect(unencrypted.stderr).toContain('does not speak TLS as expected');
  });
});

function tests(python: string, backend: (typeof backends)[number]): void {
  let dataFile: string;
  let redis: RedisServer;
  let models: string;

  beforeAll(async () => {
    dataFile = await makeDataFile(rows);
    redis = await startRedis();
    await loadReferences(redis.address, dataFile);
    models = temporaryFolder();
  }, 60_000);

  /** The flags of a run against a service. */
  function against({ address }: FlaskServer): string[] {
    return ['--restapi-host', address, '--file', dataFile, '--redis-host', redis.address];
  }

  describe.each([
    ['sync', 'sync', {}],
    ['gthread', 'gthread', {}],
    // Each has its share of the connections, and keeps them open.
    [undefined, 'gthread', { AIBENCH_CLIENTS: '24' }],
  ] as const)('in workers of class %s, which are %s, with %j', (workerClass, actualClass, env) => {
    let flask: FlaskServer;

    beforeAll(async () => {
      flask = await startFlask({
        ...{ python, models, backend, workers: 2, env },
        ...(workerClass === undefined ? {} : { workerClass }),
      });
      // While it runs: the first time they are new to it, the second time replaced by the same.
      for (const flags of [[], ['--enable-reference-data-redis']]) {
        const place = ['--server', 'flask', '--restapi-host', flask.address, '--models-dir', models];
        const { stdout } = await succeed('setup-model', [...place, ...flags]);
        const line = `${flask.address} \\(Flask 3\\.\\d+\\.\\d+\\): financialNet(_NoReference)?, ${backend} \\d\\S+, 2 workers, .*, as expected\n$`;
        expect(stdout.toString()).toMatch(new RegExp(line));
      }
    }, 180_000);

    // TensorFlow's workers hold hundreds of megabytes.
    afterAll(() => flask.stop());

    describe.each([
      ['multipart', '/v2/predict', []],
      ['multipart', '/v2/predict', ['--http-client', 'undici']],
      ['json', '/v1/predict', []],
      ['json', '/v1/predict', ['--http-client', 'undici']],
    ])('with %s to %s %j', (body, path, way) => {
      it.each([
        ['without reference data', [], ['encode', 'wait', 'decode'], 'financialNet_NoReference'],
        // More clients than workers, which wait in the kernel's queue or the worker's.
        [
          'with reference data',
          ['--enable-reference-data-redis', '--workers', '24'],
          ['reference', 'encode', 'wait', 'decode'],
          'financialNet',
        ],
      ])('answers rightly %s', { timeout: 60_000 }, async (_how, flags, stages, model) => {
        const { exitCode, stderr, result } = await runWithResult([
          ...[...against(flask), '--restapi-request-uri', path, '--verify', ...way, ...flags],
        ]);
        expect(stderr).toBe('');
        expect(exitCode).toBe(0);
        expect(result!.counts).toMatchObject({
          ...{
            sent: rows,
            answered: rows,
            failed: 0,
            cutOff: 0,
            verified: rows,
            mismatched: 0,
            reconnects: 0,
          },
        });
        expect(Object.keys(result!.stages)).toEqual(stages);
        expect(result!.server).toMatchObject({ product: 'Flask', isReference: false });
        expect(result!.server.version).toMatch(/^3\.\d+\.\d+$/);
        expect(result!.server.details).toMatchObject({
          ...{
            addresses: flask.address,
            path,
            body,
            backend,
            model,
            workers: 2,
            workerClass: actualClass,
            threads: 1,
          },
          ...{ gunicorn: expect.stringMatching(/^\d+\./), backendVersion: expect.stringMatching(/^\d+\./) },
        });
      });
    });

    it('counts what it refuses by status, in its words', async () => {
      const flags = ['--restapi-request-uri', '/v1/predict', '--body', 'multipart', '--ignore-errors'];
      const { result } = await runWithResult([...against(flask), ...flags, '--max-queries', '20']);
      expect(result!.counts).toMatchObject({ sent: 20, answered: 0, failed: 20, reconnects: 0 });
      expect(result!.counts.failures).toMatchObject([
        {
          code: 'AIBENCH_SERVER',
          status: '400',
          count: 20,
          firstMessage: expect.stringContaining('is not JSON'),
        },
      ]);
    });
  });

  describe('as it stands', () => {
    let flask: FlaskServer;

    beforeAll(async () => {
      models = await makeModels();
      flask = await startFlask({ python, models, backend });
    }, 180_000);

    it.each([
      [['--model', 'nope'], 'has no model nope, but financialNet_NoReference', 'aibench-setup-model'],
      [
        ['--enable-reference-data-redis'],
        'has no model with the inputs transaction, reference; there are: financialNet_NoReference',
        'aibench-setup-model',
      ],
      [
        ['--enable-reference-data-redis', '--model', 'financialNet_NoReference'],
        'the use case has reference float32 [256], the model transaction float32 [-1,30]',
        '--enable-reference-data-redis',
      ],
    ])('has %j refused before anything is sent', async (flags, words, hint) => {
      const { exitCode, stderr, file } = await runWithResult([...against(flask), ...flags]);
      expect(stderr).toContain(words);
      expect(stderr).toContain(hint);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(exitCode).toBe(1);
      expect(file).toBeUndefined();
    });

    it('answers with a replaced model at once', { timeout: 120_000 }, async () => {
      const place = ['--server', 'flask', '--restapi-host', flask.address, '--models-dir', models];
      const digest = async () => {
        const { result } = await runWithResult([...against(flask), '--verify', '--max-queries', '50']);
        expect(result!.counts).toMatchObject({ verified: 50, mismatched: 0 });
        return result!.server.details['modelSha256'];
      };
      const before = await digest();
      // The other model under this name: it takes other inputs, and nobody answers for the one that was here.
      const name = 'financialNet_NoReference';
      await succeed('setup-model', [...place, '--enable-reference-data-redis', '--model', name]);
      const { stderr } = await runInference(against(flask));
      expect(stderr).toContain('has no model with the inputs transaction;');
      const { result } = await runWithResult([
        ...[...against(flask), '--verify', '--enable-reference-data-redis'],
      ]);
      expect(result!.counts).toMatchObject({ verified: rows, mismatched: 0 });
      await succeed('setup-model', place);
      expect(await digest()).toBe(before);
    });

    it('is waited for while its workers start', { timeout: 120_000 }, async () => {
      const first = await startFlask({ python, models, backend });
      await first.kill();
      const run = startBinary('run-inference-flask', [
        ...[...against(first), '--quiet', '--max-queries', '50', '--verify', '--ready-timeout', '100s'],
      ]);
      await startFlask({ python, models, backend, insteadOf: first });
      const { exitCode, stderr } = await run.ended;
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
    });

    it('is not taken for another port', async () => {
      const { exitCode, stderr } = await runInference([
        ...[...against(flask), '--restapi-host', redis.address, '--ready-timeout', '0s'],
      ]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(redis.address);
      expect(stderr).toContain('--restapi-host');
      expect(stderr.trim().split('\n')).toHaveLength(1);
    });

    it('names reference data that is missing', { timeout: 60_000 }, async () => {
      const empty = await startRedis();
      await succeed('setup-model', [
        ...['--server', 'flask', '--restapi-host', flask.address, '--models-dir', models],
        '--enable-reference-data-redis',
      ]);
      const { exitCode, stderr, result } = await runWithResult([
        ...[...against(flask), '--enable-reference-data-redis', '--redis-host', empty.address],
        ...['--workers', '1'],
      ]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`Redis at ${empty.address} has no key referenceBLOB:{0}`);
      expect(result!.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_MISSING_KEY' });
    });
  });
}
