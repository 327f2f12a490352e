import { connect } from 'node:net';
import { type ReferenceServer, startReferenceServer, startTcpPeer } from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addModel,
  loadReferences,
  makeDataFile,
  makeModels,
  runInference,
  runWithResult,
  succeed,
} from './flask-run.test.fixture.js';

const rows = 1_000;
let dataFile: string;
let models: string;
let server: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  models = await makeModels('--enable-reference-data-redis');
  await addModel(models);
  server = await startReferenceServer(['--protocols', 'redis,flask', '--flask-models', models]);
  await loadReferences(server.addresses.redis, dataFile);
});

/** The flags of a run against a server. */
function against({ addresses }: ReferenceServer = server): string[] {
  return ['--restapi-host', addresses.flask, '--file', dataFile, '--redis-host', addresses.redis];
}

describe.each([
  ['multipart', '/v2/predict', []],
  ['multipart', '/v2/predict', ['--http-client', 'undici']],
  ['json', '/v1/predict', []],
  ['json', '/v1/predict', ['--http-client', 'undici', '--threads', '2']],
])('aibench-run-inference-flask with %s to %s %j', (body, path, way) => {
  it.each([
    ['without reference data', [], ['encode', 'wait', 'decode'], 'financialNet_NoReference'],
    [
      'with reference data',
      ['--enable-reference-data-redis'],
      ['reference', 'encode', 'wait', 'decode'],
      'financialNet',
    ],
    [
      'from a model that is named',
      ['--enable-reference-data-redis', '--model', 'financialNet'],
      ['reference', 'encode', 'wait', 'decode'],
      'financialNet',
    ],
  ])('gets every answer right %s', async (_how, flags, stages, model) => {
    const { exitCode, stderr, result } = await runWithResult([
      ...[...against(), '--restapi-request-uri', path, '--verify', ...way, ...flags],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({
      ...{ sent: rows, answered: rows, failed: 0, cutOff: 0, verified: rows, mismatched: 0, reconnects: 0 },
    });
    expect(Object.keys(result!.stages)).toEqual(stages);
    expect(result!.server).toMatchObject({ product: 'aibench-reference-server', isReference: true });
    expect(result!.server.details).toMatchObject({
      body,
      model,
      backend: 'onnxruntime',
      redisCluster: false,
    });
  });
});

describe('aibench-run-inference-flask', () => {
  it('sends to any path, in the form asked for', async () => {
    const asked: string[] = [];
    const foreign = await startTcpPeer((socket) => {
      socket.on('data', (data) => {
        const text = data.toString('latin1');
        const { 0: line = '' } = text.split('\r\n');
        const type = /content-type: ([^;\r]*)/i.exec(text)?.[1];
        asked.push(`${line} ${type}`);
        const [status, body] = line.startsWith('GET')
          ? ['404 Not Found', 'what?']
          : ['200 OK', '[[0.25,0.75]]'];
        socket.write(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      });
    });
    const { exitCode, stderr, result } = await runWithResult([
      ...['--restapi-host', foreign.address, '--file', dataFile, '--max-queries', '20', '--workers', '2'],
      ...['--restapi-request-uri', '/score?v=1', '--body', 'json', '--model', 'a b'],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ answered: 20, failed: 0 });
    expect(result!.server).toMatchObject({ product: 'unknown', version: 'unknown', isReference: false });
    const inferences = asked.filter((line) => line.startsWith('POST'));
    expect(inferences).toHaveLength(20);
    expect(new Set(inferences)).toEqual(new Set(['POST /score?v=1&model=a%20b HTTP/1.1 application/json']));
  });

  it('sends headers and a login of the user with every request, and records neither', async () => {
    const heads: string[] = [];
    const foreign = await startTcpPeer((socket) => {
      socket.on('data', (data) => {
        const text = data.toString('latin1');
        if (/^(GET|POST) /.test(text)) heads.push(text.split('\r\n\r\n')[0]!.toLowerCase());
        const body = '{"outputs":[[0.25,0.75]]}';
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      });
    });
    const { exitCode, file } = await runWithResult(
      [
        ...['--restapi-host', foreign.address, '--file', dataFile, '--max-queries', '8', '--workers', '2'],
        ...['--header', 'X-Run: sesame-1', '--header', 'X-Other: 2'],
      ],
      { env: { AIBENCH_BEARER_TOKEN: 'sesame-2' } },
    );
    expect(exitCode).toBe(0);
    expect(heads.length).toBeGreaterThanOrEqual(9);
    for (const head of heads) {
      expect(head).toContain('\r\nx-run: sesame-1');
      expect(head).toContain('\r\nx-other: 2');
      expect(head).toContain('\r\nauthorization: bearer sesame-2');
    }
    expect(JSON.stringify(file)).not.toContain('sesame');
  });

  it('spreads the workers over several services', async () => {
    const connections = [0, 0];
    const proxies = await Promise.all(
      connections.map((_, i) =>
        startTcpPeer((socket) => {
          const upstream = connect(Number(server.addresses.flask.split(':')[1]), '127.0.0.1');
          upstream.on('error', () => socket.destroy());
          upstream.on('close', () => socket.destroy());
          socket.on('close', () => upstream.destroy());
          socket.once('data', (data) => {
            // The first of a connection tells whose it is: a worker's, or that of the questions before the load.
            if (data.toString('latin1').startsWith('GET /health')) connections[i]! += 1;
          });
          socket.pipe(upstream).pipe(socket);
        }),
      ),
    );
    const hosts = proxies.map(({ address }) => address).join(',');
    const load = ['--workers', '6', '--threads', '2', '--verify'];
    const { exitCode, result } = await runWithResult([...against(), '--restapi-host', hosts, ...load]);
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ answered: rows, verified: rows, mismatched: 0 });
    expect(result!.server.details['addresses']).toBe(hosts);
    // Three workers each, and the question before the load.
    expect(connections).toEqual([4, 4]);
  });

  it('is measured against a null server, with --calibrate', async () => {
    for (const path of ['/v1/predict', '/v2/predict']) {
      const { exitCode, stderr, result } = await runWithResult([
        ...[...against(), '--restapi-request-uri', path, '--calibrate', '--duration', '1s'],
        ...['--enable-reference-data-redis'],
      ]);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      expect(result!.client.calibration?.answeredPerSecond).toBeGreaterThan(0);
    }
  });

  it("takes the flags of the Go suite's scripts", async () => {
    const { exitCode, stderr } = await runInference([
      ...[`-restapi-host=${server.addresses.flask}`, '-restapi-read-timeout', '5s', '-workers=4'],
      ...['-restapi-request-uri=/v2/predict', `-redis-host=redis://${server.addresses.redis}`],
      ...['-enable-reference-data-redis=true', '-verify', `-file=${dataFile}`, '-limit-rps=0', '-debug=0'],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  it('finds a model that was set up meanwhile', async () => {
    const folder = await makeModels('--model', 'other', '--enable-reference-data-redis');
    const fresh = await startReferenceServer(['--protocols', 'redis,flask', '--flask-models', folder]);
    const before = await runInference(against(fresh));
    expect(before.exitCode).toBe(1);
    expect(before.stderr).toContain('has no model with the inputs transaction; there are: other');
    const place = ['--server', 'flask', '--restapi-host', fresh.addresses.flask, '--models-dir', folder];
    const { stdout } = await succeed('setup-model', place);
    expect(stdout.toString()).toMatch(/financialNet_NoReference, onnxruntime .*, as expected\n$/);
    expect((await runInference([...against(fresh), '--verify'])).exitCode).toBe(0);
  });
});
