import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBinary, startReferenceServer, temporaryFolder } from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeDataFile, runInference } from './loaded-server.test.fixture.js';

let dataFile: string;

beforeAll(async () => {
  dataFile = await makeDataFile(500);
});

/** What tests look at in the file of a search or a sweep. */
interface SeveralRuns {
  readonly Search: {
    readonly verdict: string;
    readonly answerPerSecond?: number;
    readonly code?: string;
    readonly reason: string;
    readonly curve: readonly {
      readonly ratePerSecond: number;
      readonly holds: boolean;
      readonly clientBound: boolean;
      readonly result: number;
    }[];
  };
  readonly Sweep: { readonly values: readonly number[]; readonly points: readonly unknown[] };
  readonly Results: readonly {
    readonly Workers: number;
    readonly Result: {
      readonly load: { readonly workers: number; readonly threads: number };
      readonly flags: Readonly<Record<string, unknown>>;
      readonly counts: { readonly answered: number };
      readonly server: { readonly product: string; readonly details: Readonly<Record<string, unknown>> };
      readonly client: {
        readonly verdict: { readonly clientBound: boolean; readonly reasons: readonly string[] };
        readonly calibration?: { readonly serviceTime: { readonly count: number; readonly p50Us: number } };
      };
    };
  }[];
}

/** Runs on a null model, whose model needs no set-up, with a result file. */
async function runOnNull(serverFlags: readonly string[], flags: readonly string[]) {
  const server = await startReferenceServer(['--null-model', ...serverFlags]);
  const { redis } = server.addresses;
  const json = join(temporaryFolder(), 'result.json');
  const args = ['--host', redis, '--file', dataFile, '--json-out-file', json, ...flags];
  const { exitCode, stderr, stdout } = await runInference(args);
  expect(stderr).not.toMatch(/\n\s+at /);
  return {
    ...{ exitCode, stderr, redis, stdout: stdout.toString() },
    file: existsSync(json) ? readSeveral(json) : undefined,
  };
}

function readSeveral(path: string): SeveralRuns {
  return JSON.parse(readFileSync(path, 'utf8')) as SeveralRuns;
}

const short = ['--search-duration', '1s', '--search-resolution', '0.1', '--search-repeats', '1'];

describe('--find-max-rate', () => {
  // Other programs can only take from the capacity that is found, and may do so for a whole search.
  it('finds the capacity of a server', { retry: 2 }, async () => {
    // Ten at a time, 50 ms each: 200/s. In 1 s, a fifth more would let a line of 40 grow, which takes 200 ms.
    const { exitCode, file, stdout } = await runOnNull(
      ['--delay', '50ms', '--concurrency', '10'],
      ['--find-max-rate', 'p99<250ms', '--workers', '64', '--min-rate', '50', '--max-rate', '400', ...short],
    );
    expect(exitCode).toBe(0);
    const { Search, Results } = file!;
    expect(Search.verdict).toBe('found');
    expect(Search.answerPerSecond).toBeGreaterThan(200 * 0.85);
    expect(Search.answerPerSecond).toBeLessThan(200 * 1.2);
    expect(stdout).toMatch(/^Max rate .*\(found\)$/m);
    for (const { ratePerSecond, result } of Search.curve) {
      expect(Results[result]!.Result.flags['rate']).toBe(ratePerSecond);
    }
  });

  it('says that not even the lowest rate holds', async () => {
    const { exitCode, stderr, file } = await runOnNull(
      ['--delay', '20ms'],
      ['--find-max-rate', 'p50<10ms', '--min-rate', '50', '--max-rate', '100', ...short],
    );
    expect(exitCode).toBe(1);
    expect(file?.Search.verdict).toBe('holds-at-none');
    expect(stderr).toMatch(
      /holds at no rate tried, down to 50\/s: .*\(lower --min-rate or ask for less\)\n$/,
    );
  });

  it('says that the highest rate allowed holds too', async () => {
    const { exitCode, stderr, file } = await runOnNull(
      [],
      ['--find-max-rate', 'p50<1s,errors<50%', '--min-rate', '10', '--max-rate', '20', ...short],
    );
    expect(exitCode).toBe(0);
    expect(file?.Search).toMatchObject({ verdict: 'holds-at-every-rate-tried', answerPerSecond: 20 });
    expect(stderr).toMatch(/up to 20\/s \(raise --max-rate\)\n$/);
  });

  it.each([
    ['the server dies', 'server', 1, 'AIBENCH_CONNECTION'],
    ['it is interrupted', 'client', 130, 'AIBENCH_INTERRUPTED'],
  ] as const)('ends with what there is when %s', async (_, victim, status, code) => {
    const server = await startReferenceServer(['--null-model']);
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-redisai', [
      ...['--host', server.addresses.redis, '--file', dataFile, '--json-out-file', json],
      ...['--find-max-rate', 'p50<1s', '--min-rate', '10', '--max-rate', '100000', ...short],
    ]);
    await run.waitFor(/ holds/);
    if (victim === 'server') await server.stop();
    else run.kill('SIGINT');
    const { exitCode, stdout, stderr } = await run.ended;
    expect(exitCode).toBe(status);
    expect(stdout.toString()).toContain('(ended)');
    expect(stderr).not.toMatch(/\n\s+at /);
    const { Search, Results } = readSeveral(json);
    expect(Search).toMatchObject({ verdict: 'ended', code });
    expect(Search.curve.some(({ holds }) => holds)).toBe(true);
    expect(Results.length).toBeGreaterThanOrEqual(Search.curve.length);
  });

  it.each([
    [['--find-max-rate', 'p99>10ms'], 'no condition'],
    [['--find-max-rate', 'p99<1us'], 'holds never'],
    [['--find-max-rate', 'p99<10ms', '--rate', '5'], '--rate sets a rate'],
    [['--sweep', 'workers=8..1'], 'runs downwards'],
    [['--sweep', 'workers=1,2', '--workers', '4'], '--workers is given'],
    [['--sweep', 'threads=1,64'], '--threads 64 is above the 8 workers'],
    [['--sweep', 'workers=1', '--find-max-rate', 'p99<1s'], 'keep one of them'],
  ])('%j is refused in one line, before anybody is asked', async (flags, words) => {
    const { exitCode, stderr } = await runInference(['--file', dataFile, '--host', '127.0.0.1:1', ...flags]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('needs rows that can be read again', async () => {
    const { exitCode, stderr } = await runInference(['--find-max-rate', 'p99<1s', '--host', '127.0.0.1:1']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('(pass --file)');
  });
});

describe('--sweep', () => {
  it('gives one result for each value', async () => {
    const { exitCode, file, stdout } = await runOnNull(
      [],
      ['--sweep', 'workers=1,2..8', '--max-queries', '200'],
    );
    expect(exitCode).toBe(0);
    const { Sweep, Results } = file!;
    expect(Sweep.values).toEqual([1, 2, 4, 8]);
    expect(Sweep.points).toHaveLength(4);
    expect(Results.map(({ Workers }) => Workers)).toEqual([1, 2, 4, 8]);
    expect(Results.map(({ Result }) => Result.flags['workers'])).toEqual([1, 2, 4, 8]);
    expect(Results.map(({ Result }) => Result.counts.answered)).toEqual([200, 200, 200, 200]);
    expect(stdout.match(/^│ +[1248] │/gm)).toHaveLength(4);
  });

  it("varies the runner's own numbers too", async () => {
    const { file } = await runOnNull(
      [],
      ['--sweep', 'pool-pipeline-concurrency=0,4', '--max-queries', '100'],
    );
    const flags = file!.Results.map(({ Result }) => Result.flags['pool-pipeline-concurrency']);
    expect(flags).toEqual([0, 4]);
  });
});

describe('--calibrate', () => {
  it.each([
    ['--use-dag', '--enable-reference-data-redis'],
    ['--use-dag=false', '--pool-pipeline-concurrency=4'],
  ])("puts the client's own share beside the result, %s %s", async (...how) => {
    const { exitCode, file, stdout, redis } = await runOnNull(
      ['--delay', '10ms'],
      ['--calibrate', '--rate', '200', '--duration', '1s', ...how],
    );
    expect(exitCode).toBe(0);
    const { server, client } = (file as unknown as SeveralRuns['Results'][0]).Result;
    // The run itself was on the server that the user named, and cannot have been faster than it.
    expect(server.details['addresses']).toBe(redis);
    expect(client.calibration!.serviceTime.count).toBeGreaterThan(50);
    expect(client.calibration!.serviceTime.p50Us).toBeGreaterThan(0);
    expect(stdout).toMatch(
      /^Calibration at most [\d.]+ of [\d.]+ ms p50 \(\d+ %\) and .* the client's own$/m,
    );
  });

  it('leaves no server behind, however the client goes', async () => {
    const server = await startReferenceServer(['--null-model']);
    const run = startBinary('run-inference-redisai', [
      ...['--host', server.addresses.redis, '--file', dataFile, '--calibrate', '--duration', '20s'],
      ...['--debug', '1'],
    ]);
    // The server that is told of then is the null server, which the load runs on now.
    await run.waitFor(/calibrating[\s\S]*the server is/);
    const children = childrenOf(run.process.pid!);
    expect(children).toHaveLength(1);
    run.kill('SIGKILL');
    await run.ended;
    await expect.poll(() => isRunning(children[0]!), { timeout: 10_000 }).toBe(false);
  });
});

/** By the kernel's list; Linux only, as the tests are. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('--fail-if-client-bound', () => {
  /** Far more than one thread can send. */
  const tooMuch = ['--rate', '1000000', '--workers', '256', '--threads', '1', '--duration', '1s'];

  it('ends with status 1 and writes the result all the same', async () => {
    const { exitCode, stderr, file, stdout } = await runOnNull([], [...tooMuch, '--fail-if-client-bound']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('the client was the limit: load thread 0');
    expect(stdout).toContain('CLIENT-BOUND');
    const { verdict } = (file as unknown as SeveralRuns['Results'][0]).Result.client;
    expect(verdict.clientBound).toBe(true);
  });

  it('is told without it too, and of each run of a search', async () => {
    const { exitCode, file } = await runOnNull(
      [],
      [
        ...['--find-max-rate', 'p50<10s', '--workers', '256', '--threads', '1'],
        ...['--min-rate', '500000', '--max-rate', '1000000', ...short],
      ],
    );
    expect(exitCode).toBe(1);
    expect(file?.Search.curve.every(({ clientBound }) => clientBound)).toBe(true);
  });
});
