import { type ReferenceServer, startReferenceServer } from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { answerZeros, startFakeTorchServe } from './fake-torchserve.test.fixture.js';
import {
  loadReferences,
  makeDataFile,
  makeModelStore,
  runInference,
  runWithResult,
} from './torchserve-run.test.fixture.js';

const rows = 1_000;
let dataFile: string;
let store: string;
let server: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  store = await makeModelStore();
  server = await startReferenceServer(['--model-store', store, '--torchserve-models', 'all']);
  await loadReferences(server.addresses.redis, dataFile);
});

/** The flags of a run against a server. */
function against({ addresses }: ReferenceServer): string[] {
  const { redis, torchserve, torchserveGrpc, torchserveManagement } = addresses;
  return [
    ...['--torchserve-host', torchserve, '--torchserve-grpc-host', torchserveGrpc],
    ...['--torchserve-management-host', torchserveManagement, '--redis-host', redis, '--file', dataFile],
  ];
}

const ways: [string, string[], string][] = [
  ['http', [], 'json'],
  ['http', ['--body', 'binary'], 'binary'],
  ['http', ['--http-client', 'undici'], 'json'],
  ['http', ['--http-client', 'undici', '--body', 'binary'], 'binary'],
  ['grpc', [], 'binary'],
  ['grpc', ['--grpc-client', 'grpc-js'], 'binary'],
  ['grpc', ['--workers-per-connection', '3', '--threads', '2'], 'binary'],
];

describe.each(ways)('aibench-run-inference-torchserve over %s %j', (protocol, way, body) => {
  it.each([
    ['without reference data', [], ['encode', 'wait', 'decode'], 'financialNet_NoReference'],
    [
      'with reference data',
      ['--enable-reference-data-redis'],
      ['reference', 'encode', 'wait', 'decode'],
      'financialNet',
    ],
  ])('gets every answer right %s', async (_how, flags, stages, model) => {
    const { exitCode, stderr, result } = await runWithResult([
      ...[...against(server), '--protocol', protocol, '--verify'],
      ...[...way, ...flags],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({
      ...{ sent: rows, answered: rows, failed: 0, cutOff: 0, verified: rows, mismatched: 0, reconnects: 0 },
    });
    expect(Object.keys(result!.stages)).toEqual(stages);
    expect(result!.server).toMatchObject({ product: 'aibench-reference-server', isReference: true });
    expect(result!.server.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(result!.server.details).toMatchObject({
      ...{ protocol, body, model, modelVersion: '1.0', versions: '1.0', archive: `${model}.mar` },
      ...{ batchSize: 1, maxBatchDelayMs: 100 },
    });
    expect(Number(result!.server.details['workersReady'])).toBeGreaterThan(0);
    expect(result!.server.details).not.toHaveProperty('modelNotDescribed');
  });
});

describe.each(['http', 'grpc'])('aibench-run-inference-torchserve over %s', (protocol) => {
  it('asks the version that is named', async () => {
    const flags = ['--protocol', protocol, '--model-version', '1.0', '--max-queries', '50', '--verify'];
    const { exitCode, result } = await runWithResult([...against(server), ...flags]);
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ verified: 50, mismatched: 0 });
  });

  it("keeps the server's own metrics, once a period", async () => {
    const { file } = await runWithResult([
      ...[...against(server), '--protocol', protocol, '--limit-rps', '2000', '--reporting-period', '100ms'],
      ...['--torchserve-metrics-host', server.addresses.torchserveMetrics],
    ]);
    const address = protocol === 'http' ? server.addresses.torchserve : server.addresses.torchserveGrpc;
    const readings = Object.values(file!.ServerRunTimeStats).map((reading) => reading[address]!);
    expect(readings.length).toBeGreaterThanOrEqual(2);
    for (const name of ['ts_inference_requests_total', 'ts_inference_latency_microseconds']) {
      const counts = readings.map((reading) => reading[name]!);
      expect(counts).toEqual([...counts].sort((a, b) => a - b));
      expect(counts.at(-1)! - counts[0]!).toBeGreaterThan(0);
    }
    expect(readings.at(-1)!['ts_inference_requests_total']).toBeGreaterThanOrEqual(rows);
    expect(readings.at(-1)!['ts_queue_latency_microseconds']).toBeGreaterThanOrEqual(0);
  });

  it('spreads the workers over several hosts', async () => {
    const others = await Promise.all(
      [1, 2].map(() =>
        startReferenceServer([
          ...['--protocols', 'torchserve', '--model-store', store, '--torchserve-models', 'all'],
        ]),
      ),
    );
    const list = (name: 'torchserve' | 'torchserveGrpc' | 'torchserveManagement' | 'torchserveMetrics') =>
      others.map(({ addresses }) => addresses[name]).join(',');
    const { exitCode, file } = await runWithResult([
      ...['--protocol', protocol, '--file', dataFile, '--workers', '6', '--threads', '2', '--verify'],
      ...['--torchserve-host', list('torchserve'), '--torchserve-grpc-host', list('torchserveGrpc')],
      ...['--torchserve-management-host', list('torchserveManagement')],
      ...['--torchserve-metrics-host', list('torchserveMetrics')],
    ]);
    expect(exitCode).toBe(0);
    const last = Object.values(Object.values(file!.ServerRunTimeStats).at(-1)!);
    const counts = last.map((each) => each['ts_inference_requests_total']!);
    expect(counts).toHaveLength(2);
    expect(counts[0]! + counts[1]!).toBe(rows);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('is measured against a null server, with --calibrate', async () => {
    const flags = ['--protocol', protocol, '--calibrate', '--duration', '1s'];
    const { exitCode, stderr, result } = await runWithResult([...against(server), ...flags]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.client.calibration?.answeredPerSecond).toBeGreaterThan(0);
  });

  it('does without the management port where none is given', async () => {
    const { torchserve, torchserveGrpc } = server.addresses;
    const { exitCode, result } = await runWithResult([
      ...['--protocol', protocol, '--torchserve-host', torchserve, '--torchserve-grpc-host', torchserveGrpc],
      ...['--file', dataFile, '--max-queries', '50', '--verify'],
    ]);
    expect(exitCode).toBe(0);
    expect(result!.server.isReference).toBe(true);
    expect(result!.server.details).not.toHaveProperty('batchSize');
    expect(result!.server.details['modelNotDescribed']).toBe('pass --torchserve-management-host');
  });
});

describe('aibench-run-inference-torchserve', () => {
  it("takes the flags of the Go suite's scripts", async () => {
    const { torchserve, torchserveManagement, redis } = server.addresses;
    const { exitCode, stderr } = await runInference([
      ...[`-torchserve-host=${torchserve}`, '-torchserve-request-uri', '/predictions/financialNet'],
      ...['-torchserve-read-timeout=5s', `-redis-host=${redis}`, '-enable-reference-data-redis=true'],
      ...[`-file=${dataFile}`, '-limit-rps=0', '-debug=0', '-workers=4', '-verify'],
      ...['-torchserve-management-host', torchserveManagement],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  it('sends headers and a token with every request, and keeps them out of the result', async () => {
    const seen: string[] = [];
    const host = await startFakeTorchServe(answerZeros, {
      onRequest: ({ method, headers }) =>
        seen.push(`${method} ${headers['x-run']} ${headers['authorization']} ${headers['content-type']}`),
    });
    const flags = ['--file', dataFile, '--max-queries', '5', '--workers', '1', '--torchserve-host', host];
    const added = ['--header', 'X-Run: se, ven', '--bearer-token', 'sesame'];
    const { exitCode, text, result } = await runWithResult([...flags, ...added]);
    expect(exitCode).toBe(0);
    const posts = seen.filter((line) => line.startsWith('POST'));
    expect(posts).toEqual(Array(5).fill('POST se, ven Bearer sesame application/json'));
    expect(seen.filter((line) => line.startsWith('GET')).length).toBeGreaterThanOrEqual(2);
    expect(seen.every((line) => line.includes('Bearer sesame'))).toBe(true);
    expect(text).not.toContain('sesame');
    expect(text).not.toContain('se, ven');
    expect(result!.flags).toMatchObject({ header: ['X-Run: ***'], 'bearer-token': '***' });
    seen.length = 0;
    const environment = { env: { AIBENCH_BEARER_TOKEN: 'open' } };
    expect((await runWithResult(flags, environment)).text).not.toContain('open"');
    expect(seen.some((line) => line.startsWith('POST') && line.includes('Bearer open'))).toBe(true);
  });

  it('says that it is TorchServe where nothing says otherwise, behind a gateway, too', async () => {
    const host = await startFakeTorchServe(answerZeros, {
      ping: (response) => response.writeHead(404).end(),
    });
    const flags = ['--file', dataFile, '--max-queries', '5', '--torchserve-host', host];
    const { result } = await runWithResult([...flags, '--torchserve-request-uri', '/gateway/fraud']);
    expect(result!.server).toMatchObject({ product: 'TorchServe', version: 'unknown', isReference: false });
    expect(result!.server.details).toMatchObject({ path: '/gateway/fraud' });
  });
});
