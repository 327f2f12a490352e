import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { connectRedis, parseRedisAddress } from '@aibench/redis';
import {
  type ReferenceServer,
  startBinary,
  startReferenceServer,
  startTcpPeer,
  temporaryFolder,
} from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  makeDataFile,
  readResult,
  runInference,
  startLoadedServer,
  succeed,
} from './loaded-server.test.fixture.js';

const rows = 1_000;
let dataFile: string;
let server: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  // Without reference data.
  server = await startLoadedServer(undefined);
});

/** Runs with a result file, which is there whatever becomes of the run. */
async function runWithResult(address: string, flags: readonly string[]) {
  const json = join(temporaryFolder(), 'result.json');
  const args = ['--host', address, '--file', dataFile, '--json-out-file', json, ...flags];
  const { exitCode, stderr } = await runInference(args);
  expect(stderr).not.toMatch(/\n\s+at /);
  return { exitCode, stderr, result: existsSync(json) ? readResult(json).Result : undefined };
}

describe('answers', () => {
  it('that are wrong are caught', async () => {
    const { addresses } = await startLoadedServer(undefined, ['--wrong-every', '97']);
    const { exitCode, stderr, result } = await runWithResult(addresses.redis, ['--verify']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/the answer for row \d+ is wrong: out is \[.*\] instead of \[.*\]/);
    expect(result?.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_MISMATCH' });
  });

  it('that are wrong are counted with --ignore-errors, and the run has failed all the same', async () => {
    // The models' set-up has asked two inferences of its own, which must be right.
    const { addresses } = await startLoadedServer(undefined, ['--wrong-every', '100']);
    const flags = ['--verify', '--ignore-errors'];
    const { exitCode, result } = await runWithResult(addresses.redis, flags);
    expect(exitCode).toBe(1);
    expect(result?.counts).toMatchObject({ answered: rows, verified: rows, mismatched: 10 });
  });

  it('that are errors end the run, with the words of the server', async () => {
    const { addresses } = await startLoadedServer(undefined, ['--fail-every', '100']);
    const { exitCode, stderr, result } = await runWithResult(addresses.redis, []);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(new RegExp(`${addresses.redis} answered for row \\d+: ERR `));
    expect(result?.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_SERVER' });
    expect(result!.counts.sent).toBeLessThan(rows);
  });

  it.each(['--use-dag=true', '--use-dag=false'])(
    'that are errors are counted with --ignore-errors, %s',
    async (useDag) => {
      const { addresses } = await startLoadedServer(undefined, ['--fail-every', '100']);
      const flags = ['--ignore-errors', '--verify', useDag];
      const { exitCode, result } = await runWithResult(addresses.redis, flags);
      expect(exitCode).toBe(0);
      const counts = result!.counts;
      expect(counts).toMatchObject({ sent: rows, answered: rows - 10, failed: 10, cutOff: 0, mismatched: 0 });
      expect(counts.failures).toEqual([
        { code: 'AIBENCH_SERVER', count: 10, firstMessage: expect.stringContaining(addresses.redis) },
      ]);
    },
  );
});

describe('a server that goes away', () => {
  it('ends the run with a result', async () => {
    const { addresses, stop } = await startLoadedServer(undefined, ['--delay', '2ms']);
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-redisai', [
      ...['--host', addresses.redis, '--file', dataFile, '--json-out-file', json],
      ...['--duration', '30s', '--reporting-period', '100ms'],
    ]);
    // The second line of the table: the load is on.
    await run.waitFor(/\n *0\.2s .*\n/);
    await stop();
    const { exitCode, stderr } = await run.ended;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`the connection to Redis at ${addresses.redis} was lost`);
    const { outcome, counts } = readResult(json).Result;
    expect(outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_CONNECTION' });
    expect(counts.answered).toBeGreaterThan(0);
    expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
  });

  it.each([0, 4])(
    'and comes back is asked again with --ignore-errors, --pool-pipeline-concurrency %d',
    async (sharing) => {
      const { addresses, stop } = await startLoadedServer(undefined, ['--delay', '2ms']);
      const json = join(temporaryFolder(), 'result.json');
      const run = startBinary('run-inference-redisai', [
        ...['--host', addresses.redis, '--file', dataFile, '--json-out-file', json, '--ignore-errors'],
        ...['--duration', '8s', '--reporting-period', '100ms', '--verify'],
        ...['--pool-pipeline-concurrency', `${sharing}`],
      ]);
      await run.waitFor(/\n *0\.2s .*\n/);
      await stop();
      const port = addresses.redis.split(':')[1]!;
      await startLoadedServer(undefined, ['--redis-port', port]);
      const { exitCode, stderr } = await run.ended;
      expect(stderr).not.toMatch(/\n\s+at /);
      const { counts } = readResult(json).Result;
      // Between its start and its set-up the server has no model, which is an error of its own.
      expect(counts.failures.map(({ code }) => code)).toContain('AIBENCH_CONNECTION');
      expect(counts.reconnects).toBeGreaterThanOrEqual(8);
      expect(counts.mismatched).toBe(0);
      expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
      // At 2 ms and 8 workers, the time before it went away is good for no more than about 2,000.
      expect(counts.answered).toBeGreaterThan(3_000);
      expect(exitCode).toBe(0);
    },
  );

  it('or never was there is named', async () => {
    const { port, stop } = await startTcpPeer(() => {});
    await stop();
    const { exitCode, stderr, result } = await runWithResult(`127.0.0.1:${port}`, []);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot connect to Redis at 127.0.0.1:${port}: connection refused`);
    expect(stderr).toContain('--host');
    expect(result).toBeUndefined();
  });

  it('or is none, is named', async () => {
    const { address } = await startTcpPeer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const { exitCode, stderr } = await runWithResult(address, []);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${address} does not speak the Redis protocol`);
  });
});

describe('a server that is too slow', () => {
  it.each(['--use-dag=true', '--use-dag=false', '--pool-pipeline-concurrency=4'])(
    'is given up, and asked anew with --ignore-errors, %s',
    async (way) => {
      const { addresses } = await startLoadedServer(undefined, ['--delay', '1s']);
      const flags = ['--request-timeout', '200ms', '--max-queries', '16', way];
      const ended = await runWithResult(addresses.redis, flags);
      expect(ended.exitCode).toBe(1);
      expect(ended.result?.outcome.code).toBe('AIBENCH_TIMEOUT');
      expect(ended.result!.counts.sent).toBeLessThan(16);
      const { result } = await runWithResult(addresses.redis, [...flags, '--ignore-errors']);
      expect(result!.counts).toMatchObject({ sent: 16, answered: 0, failed: 16, cutOff: 0 });
      expect(result!.counts.failures.map(({ code }) => code)).toContain('AIBENCH_TIMEOUT');
      expect(result!.counts.reconnects).toBeGreaterThanOrEqual(8);
    },
  );

  it('is left without the tensors of requests that were given up', async () => {
    const slow = ['--delay-distribution', '98%:1ms,2%:2s', '--delay-seed', '3'];
    const { addresses } = await startLoadedServer(undefined, slow);
    const flags = ['--request-timeout', '300ms', '--ignore-errors', '--use-dag=false', '--workers', '4'];
    const { result } = await runWithResult(addresses.redis, [...flags, '--max-queries', '200']);
    expect(result!.counts.failures.map(({ code }) => code)).toEqual(['AIBENCH_TIMEOUT']);
    expect(result!.counts.answered).toBeGreaterThan(0);
    const connection = await connectRedis(parseRedisAddress(addresses.redis));
    const keys = await connection.call('KEYS', '*');
    await connection.close();
    expect((keys as unknown[]).map(String).sort()).toEqual(['financialNet', 'financialNet_NoReference']);
  });
});

describe('what is missing', () => {
  it.each(['--use-dag=true', '--use-dag=false'])(
    'is named where it is reference data, %s',
    async (useDag) => {
      const flags = ['--enable-reference-data-redis', '--workers', '1', useDag];
      const { exitCode, stderr, result } = await runWithResult(server.addresses.redis, flags);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`${server.addresses.redis} lacks referenceTensor:{0} (row 0)`);
      expect(stderr).toContain('aibench-load-data');
      expect(result?.outcome.code).toBe('AIBENCH_MISSING_KEY');
    },
  );

  it('is named where it is the model, on whichever host', async () => {
    const { addresses } = await startLoadedServer(undefined);
    const hosts = `${server.addresses.redis},${addresses.redis}`;
    await succeed('setup-model', ['--host', server.addresses.redis, '--model', 'mine']);
    const { exitCode, stderr, result } = await runWithResult(hosts, ['--model', 'mine']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${addresses.redis} has no model mine`);
    expect(stderr).toContain('aibench-setup-model');
    // Nothing was sent, so there is no result.
    expect(result).toBeUndefined();
  });

  it('is named where it is the newer commands', async () => {
    const { addresses } = await startLoadedServer(undefined, ['--redisai-version', '10003']);
    const { exitCode, stderr } = await runWithResult(addresses.redis, ['--command-family', 'new']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('lacks the newer commands');
  });
});

describe('a password', () => {
  it('is asked for, checked and never shown', async () => {
    const { addresses } = await startLoadedServer(undefined);
    const locked = await startLoadedServerWithPassword();
    const wrong = await runWithResult(`redis://:opened@${locked}`, []);
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toContain(`${locked} refuses the login: WRONGPASS`);
    const none = await runWithResult(locked, []);
    expect(none.stderr).toContain('NOAUTH');
    const json = join(temporaryFolder(), 'result.json');
    const right = await runInference([
      ...['--host', `redis://:sesame@${locked},redis://${addresses.redis}`, '--file', dataFile],
      ...['--json-out-file', json, '--debug', '1'],
    ]);
    expect(right.exitCode).toBe(0);
    expect(`${JSON.stringify(readResult(json))}${right.stderr}${right.stdout}`).not.toContain('sesame');
  });

  async function startLoadedServerWithPassword(): Promise<string> {
    const { addresses } = await startReferenceServer(['--password', 'sesame']);
    await succeed('setup-model', ['--host', `redis://:sesame@${addresses.redis}`]);
    return addresses.redis;
  }
});

describe('usage', () => {
  it.each([
    [['--use-dags'], 'did you mean --use-dag?'],
    [['--host', 'a,b', '--port', '1,2,3'], 'do not pair up'],
    [['--host', 'localhost', '--port', 'http'], '"http" is no port'],
    [['--host', 'http://user:secret@localhost'], '"http://***@localhost" is no Redis address'],
    [['--command-family', 'newest'], 'none of auto, new, old'],
    [['--pool-pipeline-window', '5'], 'is no duration'],
    [['--burn-in', '1000'], '--burn-in'],
  ])('%j is refused in one line', async (flags, words) => {
    const { exitCode, stderr } = await runInference(['--file', dataFile, '--max-queries', '100', ...flags]);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('secret');
    expect(
      stderr
        .trim()
        .replace(/\n.*: see --help$/, '')
        .split('\n'),
    ).toHaveLength(1);
    expect(exitCode).toBe(2);
  });

  it('a data file that is cut off within a row is refused, or its whole rows are used', async () => {
    const cutOff = await makeDataFile(10);
    appendFileSync(cutOff, Buffer.alloc(100));
    const host = ['--host', server.addresses.redis, '--file', cutOff];
    const refused = await runInference(host);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('--allow-truncated');
    const taken = await runInference([...host, '--allow-truncated', '--verify']);
    expect(taken.exitCode).toBe(0);
  });
});

describe('SIGINT', () => {
  it('ends the run with a result', async () => {
    const { addresses } = await startLoadedServer(undefined, ['--delay', '2ms']);
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-redisai', [
      ...['--host', addresses.redis, '--file', dataFile, '--json-out-file', json],
      ...['--duration', '30s', '--reporting-period', '100ms'],
    ]);
    await run.waitFor(/\n *0\.2s .*\n/);
    run.kill('SIGINT');
    const { exitCode, stdout } = await run.ended;
    expect(exitCode).toBe(130);
    expect(stdout.toString()).toContain('Throughput');
    const { outcome, counts } = readResult(json).Result;
    expect(outcome.kind).toBe('interrupted');
    expect(counts.answered).toBeGreaterThan(0);
    expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
  });
});
