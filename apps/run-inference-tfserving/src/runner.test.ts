import type { ReferenceServer } from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addModel,
  loadReferences,
  makeDataFile,
  makeModels,
  runInference,
  runWithResult,
  serveModels,
} from './tfserving-run.test.fixture.js';

const rows = 1_000;
let dataFile: string;
let server: ReferenceServer;
let models: string;

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  models = await makeModels();
  await addModel(models, ...['--enable-reference-data-redis', '--model-version', '2', '--batch-size', '8']);
  server = await serveModels(models);
  await loadReferences(server.addresses.redis, dataFile);
});

function flags(): string[] {
  const { tfserving, redis } = server.addresses;
  return ['--file', dataFile, '--tensorflow-serving-host', tfserving, '--redis-host', redis];
}

describe('aibench-run-inference-tfserving', () => {
  it.each([
    ['own', []],
    ['own', ['--enable-reference-data-redis']],
    ['own', ['--workers-per-connection', '6']],
    ['grpc-js', []],
    ['grpc-js', ['--enable-reference-data-redis']],
  ] as const)('gets every answer right, by the client %s, %j', async (client, more) => {
    const { exitCode, stderr, result } = await runWithResult([
      ...flags(),
      ...['--verify', '--workers', '12', '--threads', '2', '--grpc-client', client, ...more],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: rows, answered: rows, verified: rows, mismatched: 0 });
    const withReference = more.some((each) => each.includes('reference'));
    const stages = ['encode', 'wait', 'decode'];
    expect(Object.keys(result!.stages)).toEqual(withReference ? ['reference', ...stages] : stages);
    expect(result!.server).toMatchObject({
      ...{ product: 'aibench-reference-server', isReference: true },
      details: {
        ...{ addresses: server.addresses.tfserving, modelVersion: 1, grpcClient: client },
        model: withReference ? 'financialNet' : 'financialNet_NoReference',
        inputShapes: withReference ? '[[1,30],[256]]' : '[[1,30]]',
      },
    });
  });

  it('takes the newest version where asked to, and sends its shapes', async () => {
    const { exitCode, result } = await runWithResult([
      ...flags(),
      ...['--verify', '--enable-reference-data-redis', '--model-version', '0'],
    ]);
    expect(exitCode).toBe(0);
    expect(result!.counts.verified).toBe(rows);
    expect(result!.server.details).toMatchObject({ modelVersion: 2, inputShapes: '[[1,30],[1,256]]' });
  });

  it("takes the Go suite's flags as its scripts write them", async () => {
    const { tfserving, redis } = server.addresses;
    const { exitCode, result } = await runWithResult([
      ...[`-file=${dataFile}`, `-tensorflow-serving-host=${tfserving}`, `-redis-host=${redis}`, '-verify'],
      ...['-model=financialNet', '-model-version=1', '-enable-reference-data-redis=true', '-workers=4'],
      ...['-burn-in=10', '-max-queries=100', '-limit-rps=0', '-print-responses=false', '-debug=0'],
    ]);
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: 100, verified: 100, mismatched: 0 });
  });

  it('spreads the workers over several servers, and keeps the metrics of each', async () => {
    const other = await serveModels(models);
    const servers = [server.addresses, other.addresses];
    const hosts = servers.map(({ tfserving }) => tfserving);
    const run = () =>
      runWithResult([
        ...['--file', dataFile, '--tensorflow-serving-host', hosts.join(','), '--workers', '6', '--verify'],
        ...['--metrics-host', servers.map(({ tfservingRest }) => tfservingRest).join(',')],
        ...['--threads', '2', '--reporting-period', '100ms', '--limit-rps', '2000'],
      ]);
    const first = await run();
    expect(first.stderr).toBe('');
    const second = await run();
    const requestsOf = ({ file }: typeof first) => {
      const readings = Object.values(file!.ServerRunTimeStats);
      return hosts.map((host) => readings.at(-1)![host]!['serving:request_count{status="OK"}']!);
    };
    const shares = requestsOf(second).map((count, i) => count - requestsOf(first)[i]!);
    expect(shares[0]! + shares[1]!).toBe(rows);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    expect(Object.values(second.file!.ServerRunTimeStats).length).toBeGreaterThanOrEqual(2);
    const last = Object.values(second.file!.ServerRunTimeStats).at(-1)!;
    const latency = 'serving:request_latency_sum{API="Predict",entrypoint="GRPC",status="OK"}';
    expect(last[hosts[1]!]![latency]).toBeGreaterThan(0);
    expect(Object.keys(last[hosts[0]!]!).filter((name) => name.includes('bucket'))).toEqual([]);
  });

  it('goes on without statistics where their address is wrong, and says so', async () => {
    const { exitCode, stderr, file } = await runWithResult([
      ...flags(),
      ...['--max-queries', '50', '--metrics-host', `http://${server.addresses.tfservingRest}/elsewhere`],
    ]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/statistics could not be read: http:\S+\/elsewhere answered with HTTP status 404/);
    expect(file!.ServerRunTimeStats).toEqual({});
  });

  it('prints the answers', async () => {
    const { stdout } = await runInference([...flags(), '--max-queries', '3', '--print-responses']);
    const lines = stdout.toString().match(/^row \d+: out\[1,2\] = 0\.\d+, 0\.\d+$/gm);
    expect(lines?.map((line) => line.slice(0, 6)).sort()).toEqual(['row 0:', 'row 1:', 'row 2:']);
  });

  it('measures the client against a null server', async () => {
    const { exitCode, stderr, result } = await runWithResult([
      ...flags(),
      ...['--calibrate', '--enable-reference-data-redis', '--verify', '--workers', '2'],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.counts.verified).toBe(rows);
    expect(JSON.stringify(result)).toContain('calibration');
  });
});
