import { connect } from 'node:net';
import { type ReferenceServer, startReferenceServer, startTcpPeer } from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addModel,
  loadReferences,
  makeDataFile,
  makeRepository,
  runInference,
  runWithResult,
  succeed,
} from './triton-run.test.fixture.js';

const rows = 1_000;
let dataFile: string;
let repository: string;
let server: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  repository = await makeRepository('--enable-reference-data-redis');
  await addModel(repository);
  await addModel(repository, '--backend', 'tensorflow', '--model', 'graphdef');
  await addModel(repository, '--enable-reference-data-redis', '--model', 'batched', '--batch-size', '8');
  server = await startReferenceServer(['--model-repository', repository]);
  await loadReferences(server.addresses.redis, dataFile);
});

/** The flags of a run over one of the protocols. */
function over(protocol: string, of = server): string[] {
  const { triton, tritonHttp, redis } = of.addresses;
  const host = protocol === 'http' ? tritonHttp! : triton!;
  return ['--protocol', protocol, '--host', host, '--file', dataFile, '--redis-host', redis];
}

describe.each([
  ['grpc', []],
  ['grpc', ['--grpc-client', 'grpc-js']],
  ['grpc', ['--workers-per-connection', '3', '--threads', '2']],
  ['http', []],
  ['http', ['--http-client', 'undici']],
])('aibench-run-inference-triton over %s %j', (protocol, way) => {
  it.each([
    ['without reference data', [], ['encode', 'wait', 'decode'], '1x30'],
    [
      'with reference data',
      ['--enable-reference-data-redis'],
      ['reference', 'encode', 'wait', 'decode'],
      '1x30,256',
    ],
    [
      'with a batch dimension',
      ['--enable-reference-data-redis', '--model', 'batched'],
      ['reference', 'encode', 'wait', 'decode'],
      '1x30,1x256',
    ],
  ])('gets every answer right %s', async (_how, flags, stages, inputShapes) => {
    const { exitCode, stderr, result } = await runWithResult([
      ...over(protocol),
      '--verify',
      ...way,
      ...flags,
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({
      ...{ sent: rows, answered: rows, failed: 0, cutOff: 0, verified: rows, mismatched: 0, reconnects: 0 },
    });
    expect(Object.keys(result!.stages)).toEqual(stages);
    expect(result!.server).toMatchObject({ product: 'aibench-reference-server', isReference: true });
    expect(result!.server.details).toMatchObject({
      ...{ protocol, inputShapes, outputShapes: '1x2', serverReady: true },
      [`${protocol}Client`]: /-client$/.test(way[0] ?? '') ? way[1] : 'own',
    });
  });
});

describe.each(['grpc', 'http'])('aibench-run-inference-triton over %s', (protocol) => {
  it.each([
    ['a GraphDef', ['--model', 'graphdef']],
    ['the version asked for', ['--model-version', '1']],
  ])('gets answers from %s', async (_which, flags) => {
    const { exitCode, result } = await runWithResult([...over(protocol), '--verify', ...flags]);
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ answered: rows, verified: rows, mismatched: 0 });
  });

  it("keeps the server's own statistics, once a period", async () => {
    const { file } = await runWithResult([
      ...[...over(protocol), '--limit-rps', '2000', '--reporting-period', '100ms'],
      ...['--metrics-host', server.addresses['tritonMetrics']!],
    ]);
    const [address] = over(protocol).slice(3);
    const readings = Object.values(file!.ServerRunTimeStats).map((reading) => reading[address!]!);
    expect(readings.length).toBeGreaterThanOrEqual(2);
    const counts = readings.map((reading) => reading['inference_count']!);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)! - counts[0]!).toBeGreaterThan(0);
    expect(readings.at(-1)!['inference_stats.success.count']).toBeGreaterThanOrEqual(rows);
    expect(readings.at(-1)!['nv_inference_count']).toBeGreaterThanOrEqual(rows);
  });

  it('spreads the workers over several hosts', async () => {
    const others = await Promise.all(
      [1, 2].map(() => startReferenceServer(['--model-repository', repository])),
    );
    const hosts = others.map((each) => over(protocol, each)[3]).join(',');
    const { exitCode, file } = await runWithResult([
      ...[...over(protocol), '--host', hosts, '--workers', '6', '--threads', '2', '--verify'],
    ]);
    expect(exitCode).toBe(0);
    const last = Object.values(Object.values(file!.ServerRunTimeStats).at(-1)!);
    const counts = last.map((each) => each['inference_count']!);
    expect(counts).toHaveLength(2);
    expect(counts[0]! + counts[1]!).toBe(rows);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('is measured against a null server, with --calibrate', async () => {
    const { exitCode, stderr, result } = await runWithResult([
      ...[...over(protocol), '--calibrate', '--duration', '1s'],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.client.calibration?.answeredPerSecond).toBeGreaterThan(0);
  });
});

describe('aibench-run-inference-triton', () => {
  it.each([
    ['grpc', ['--workers-per-connection', '6'], 10],
    ['http', [], 0],
  ])('has a connection for each worker, unless they share, over %s', async (protocol, sharing, fewer) => {
    const connectionsOf = async (flags: readonly string[]) => {
      const [, , , host = ''] = over(protocol);
      const proxy = await startTcpPeer((socket) => {
        const upstream = connect(Number(host.split(':')[1]), '127.0.0.1');
        upstream.on('error', () => socket.destroy());
        upstream.on('close', () => socket.destroy());
        socket.on('close', () => upstream.destroy());
        socket.pipe(upstream).pipe(socket);
      });
      const load = ['--workers', '12', '--threads', '1', '--max-queries', '200', '--verify'];
      const result = await runWithResult([...over(protocol), '--host', proxy.address, ...load, ...flags]);
      expect(result.exitCode).toBe(0);
      return proxy.connections();
    };
    const alone = await connectionsOf([]);
    expect(alone).toBeGreaterThanOrEqual(12);
    expect(alone - (await connectionsOf(sharing))).toBe(fewer);
  });

  it('asks 127.0.0.1:8001 by default, and 127.0.0.1:8000 over HTTP', async () => {
    const { exitCode, stdout } = await runInference(['--help']);
    expect(exitCode).toBe(0);
    expect(stdout.toString().replaceAll(/\s+/g, ' ')).toContain(
      'without it 127.0.0.1:8001, with --protocol http 127.0.0.1:8000',
    );
  });

  it("takes the flags of the Go suite's scripts", async () => {
    const { exitCode, stderr } = await runInference([
      ...[`-host=${server.addresses['triton']}`, '-model=financialNet', '-model-version', '1', '-workers=4'],
      ...[`-redis-host=redis://${server.addresses.redis}`, '-enable-reference-data-redis=true', '-verify'],
      ...[`-file=${dataFile}`, '-limit-rps=0', '-debug=0'],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  it('finds a model that was set up meanwhile in explicit mode', async () => {
    const explicit = await startReferenceServer([
      ...['--model-repository', repository, '--triton-model-control', 'explicit'],
    ]);
    const before = await runInference(over('grpc', explicit));
    expect(before.exitCode).toBe(1);
    expect(before.stderr).toContain('has not loaded model financialNet_NoReference');
    const place = ['--server', 'triton', '--host', explicit.addresses['triton']!];
    const { stdout } = await succeed('setup-model', [...place, '--model-repository', repository]);
    expect(stdout.toString()).toMatch(/financialNet_NoReference version 1, onnxruntime, .*, as expected\n$/);
    expect((await runInference([...over('grpc', explicit), '--verify'])).exitCode).toBe(0);
  });
});
