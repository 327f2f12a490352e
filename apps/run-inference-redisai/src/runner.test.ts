import { join } from 'node:path';
import { connectRedis, parseInfo, parseRedisAddress, replyText } from '@aibench/redis';
import { type ReferenceServer, temporaryFolder } from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeDataFile, readResult, runInference, startLoadedServer } from './loaded-server.test.fixture.js';

const rows = 1_000;
let dataFile: string;
let newServer: ReferenceServer;
let oldServer: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  newServer = await startLoadedServer(dataFile);
  oldServer = await startLoadedServer(dataFile, ['--redisai-version', '10003']);
});

/** INFO and DBSIZE of a server. */
async function look(
  server: ReferenceServer,
): Promise<{ connections: number; keys: number; inferences: number }> {
  const connection = await connectRedis(parseRedisAddress(server.addresses.redis));
  const info = parseInfo(replyText(await connection.call('INFO')));
  const keys = Number(await connection.call('DBSIZE'));
  await connection.close();
  return {
    keys,
    connections: Number(info.get('total_connections_received')),
    inferences: Number(info.get('inferences')),
  };
}

describe('aibench-run-inference-redisai', () => {
  it('gets every answer of 10,000 right, on several threads', async () => {
    const many = await makeDataFile(10_000);
    const server = await startLoadedServer(many);
    const json = join(temporaryFolder(), 'result.json');
    const { exitCode, stderr } = await runInference([
      ...['--host', server.addresses.redis, '--enable-reference-data-redis', '--file', many, '--verify'],
      ...['--workers', '16', '--threads', '2', '--burn-in', '1000', '--json-out-file', json],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const { Result, ...go } = readResult(json);
    expect(Result.counts).toMatchObject({
      ...{ sent: 10_000, answered: 10_000, failed: 0, cutOff: 0, burnIn: 1_000, measured: 9_000 },
      ...{ verified: 10_000, mismatched: 0 },
    });
    expect(go.Workers).toBe(16);
    expect(go.Totals).toMatchObject({ TotalQueries: 10_000, TotalErrors: 0 });
    expect(go.OverallRates.overallOpsRate).toBeGreaterThan(0);
    expect(go.OverallQuantiles.AllQueries['q50']).toBeGreaterThan(0);
    expect(Object.keys(Result.stages)).toEqual(['encode', 'wait', 'decode']);
    expect(Result.server).toMatchObject({ product: 'aibench-reference-server', isReference: true });
    expect(Result.server.details).toMatchObject({
      ...{ addresses: server.addresses.redis, models: 'financialNet', backend: 'TF', device: 'CPU' },
      ...{ cluster: false, commandFamily: 'execute' },
    });
  });

  describe.each([
    ['new', () => newServer, 'execute'],
    ['old', () => oldServer, 'run'],
  ] as const)('on a server of the %s command family', (_name, server, family) => {
    it.each([
      ['a DAG', ['--use-dag']],
      ['a DAG, with reference data', ['--use-dag', '--enable-reference-data-redis']],
      ['separate commands', ['-use-dag=false']],
      ['separate commands, with reference data', ['-use-dag=false', '-enable-reference-data-redis=true']],
      ['a shared connection', ['--pool-pipeline-concurrency', '4', '--threads', '2']],
      [
        'a shared connection, separate commands and a window',
        ['--pool-pipeline-concurrency', '3', '--use-dag=false', '--pool-pipeline-window', '2ms'],
      ],
    ])('asks by %s and leaves nothing behind', async (_how, flags) => {
      const { redis } = server().addresses;
      const before = await look(server());
      const json = join(temporaryFolder(), 'result.json');
      const { exitCode, stderr } = await runInference([
        ...['-host', redis, '-file', dataFile, '-verify', '-workers', '8', '-json-out-file', json, ...flags],
      ]);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      const { Result } = readResult(json);
      expect(Result.counts).toMatchObject({ answered: rows, verified: rows, mismatched: 0 });
      expect(Result.server.details['commandFamily']).toBe(family);
      const after = await look(server());
      expect(after.keys).toBe(before.keys);
      expect(after.inferences - before.inferences).toBe(rows);
    });
  });

  it('uses the older commands of a newer server where told to', async () => {
    const { exitCode } = await runInference([
      ...['--host', newServer.addresses.redis, '--file', dataFile, '--verify', '--command-family', 'old'],
    ]);
    expect(exitCode).toBe(0);
  });

  it('shares connections among workers only where told to', async () => {
    const connectionsOf = async (flags: readonly string[]) => {
      const before = await look(newServer);
      const host = ['--host', newServer.addresses.redis];
      await runInference([...host, '--file', dataFile, '--workers', '12', '--max-queries', '100', ...flags]);
      return (await look(newServer)).connections - before.connections;
    };
    const alone = await connectionsOf([]);
    const shared = await connectionsOf(['--pool-pipeline-concurrency', '6']);
    expect(alone - shared).toBe(10);
  });

  it('spreads the workers over several hosts', async () => {
    const servers = [newServer, oldServer];
    const before = await Promise.all(servers.map(look));
    const ports = servers.map(({ addresses }) => addresses.redis.split(':')[1]);
    const json = join(temporaryFolder(), 'result.json');
    const { exitCode } = await runInference([
      ...['--host', '127.0.0.1,127.0.0.1', '--port', ports.join(','), '--file', dataFile, '--verify'],
      ...['--enable-reference-data-redis', '--workers', '6', '--threads', '2', '--json-out-file', json],
    ]);
    expect(exitCode).toBe(0);
    const after = await Promise.all(servers.map(look));
    const shares = after.map(({ inferences }, i) => inferences - before[i]!.inferences);
    expect(shares[0]! + shares[1]!).toBe(rows);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    // One of the two lacks the newer commands.
    expect(readResult(json).Result.server.details['commandFamily']).toBe('run');
  });

  it("keeps the servers' own statistics, once a period", async () => {
    const json = join(temporaryFolder(), 'result.json');
    const { redis } = newServer.addresses;
    await runInference([
      ...['--host', redis, '--file', dataFile, '--limit-rps', '2000', '--reporting-period', '100ms'],
      ...['--json-out-file', json, '--reset-server-stats'],
    ]);
    const readings = Object.values(readResult(json).ServerRunTimeStats);
    expect(readings.length).toBeGreaterThanOrEqual(2);
    for (const reading of readings) {
      expect(reading[redis]).toMatchObject({ 'ai_info.device': 'CPU', 'ai_info.errors': 0 });
      expect(reading[redis]).toHaveProperty('used_memory');
      expect(Object.keys(reading[redis]!).filter((name) => /^cmdstat_(?!ai\.)/i.test(name))).toEqual([]);
    }
    // The first one holds what came before this run; each is followed by a reset.
    const calls = readings.slice(1).map((reading) => Number(reading[redis]!['ai_info.calls']));
    expect(Math.max(...calls)).toBeLessThan(rows);
    expect(Math.max(...calls)).toBeGreaterThan(0);
  });

  it('prints the answers', async () => {
    const { stdout } = await runInference([
      ...['--host', newServer.addresses.redis, '--file', dataFile, '--max-queries', '3', '--print-responses'],
    ]);
    const lines = stdout.toString().match(/^row \d+: out\[1,2\] = 0\.\d+, 0\.\d+$/gm);
    expect(lines?.map((line) => line.slice(0, 6)).sort()).toEqual(['row 0:', 'row 1:', 'row 2:']);
  });

  it('treats a server that is no cluster as what it is, since the Go scripts pass -cluster-mode to any', async () => {
    const json = join(temporaryFolder(), 'result.json');
    const { exitCode } = await runInference([
      ...['-host=127.0.0.1', `-port=${newServer.addresses.redis.split(':')[1]}`, '-cluster-mode', '-verify'],
      ...[
        `-file=${dataFile}`,
        '-enable-reference-data-redis=true',
        '-use-dag=true',
        `-json-out-file=${json}`,
      ],
      ...['-model-filename=./creditcardfraud.pb', '-model=financialNet', '-debug=0', '-limit-rps=0'],
    ]);
    expect(exitCode).toBe(0);
    expect(readResult(json).Result.server.details).toMatchObject({
      ...{ cluster: false, modelFilename: './creditcardfraud.pb' },
    });
  });
});
