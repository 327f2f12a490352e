import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { resultJson } from '../report/json.js';
import type { RunResult } from '../result/run-result.js';
import { benchmark, expectSound, fileRows, folder, rowsWithIds } from './run-benchmark.test.fixture.js';

function dueOf({ counts }: RunResult): number {
  return counts.sent + counts.dropped + counts.unsent;
}

/** Figures that JSON cannot hold, such as Infinity, turn to null in it. */
function expectNoNull(result: RunResult): void {
  expect(resultJson(result)).not.toContain('null');
}

describe('an open loop on threads', () => {
  it.each([1, 3])('accounts for every request that falls due, on %i', async (threads) => {
    const result = await benchmark(
      { rate: 1_000, durationMs: 1_500, threads, workers: 6, reportingPeriodMs: 500 },
      { delayMs: 2 },
    );
    expectSound(result);
    expect(result.outcome.kind).toBe('completed');
    expect(dueOf(result)).toBe(1_500);
    expect(result.counts).toMatchObject({ failed: 0, cutOff: 0, dropped: 0 });
    expect(result.responseTime.count).toBe(result.counts.measured);
    expect(result.responseTime.maxUs).toBeGreaterThanOrEqual(result.serviceTime.minUs);
    expect(result.load).toMatchObject({
      model: 'open-loop',
      schedule: { kind: 'rate', ratePerSecond: 1_000 },
    });
    expectNoNull(result);
  });

  it.each([1, 3])('drops at the bound what two workers a thread cannot bear, on %i', async (threads) => {
    const workers = 2 * threads;
    const result = await benchmark(
      { rate: 2_000, durationMs: 500, threads, workers, maxOutstanding: workers },
      { delayMs: 20 },
    );
    expectSound(result);
    expect(dueOf(result)).toBe(1_000);
    expect(result.counts.dropped).toBeGreaterThan(500);
    // Nothing waits where no more may be outstanding than there are workers.
    expect(result.counts.unsent).toBeLessThanOrEqual(workers);
    expect(result.counts.late).toBeLessThanOrEqual(result.counts.sent);
    expectNoNull(result);
  });

  it('lets requests wait without a bound, and counts those that nobody came to send', async () => {
    const result = await benchmark({ rate: 2_000, durationMs: 500, threads: 3, workers: 3 }, { delayMs: 20 });
    expectSound(result);
    expect(dueOf(result)).toBe(1_000);
    expect(result.counts.dropped).toBe(0);
    expect(result.counts.unsent).toBeGreaterThan(500);
  });

  it('has the same arrivals on any number of threads', async () => {
    const load = { rate: 800, durationMs: 500, arrivals: 'poisson', seed: 11, workers: 6 } as const;
    const [one, three] = [await benchmark({ ...load, threads: 1 }), await benchmark({ ...load, threads: 3 })];
    expectSound(one);
    expectSound(three);
    expect(dueOf(one)).toBe(dueOf(three));
    expect(dueOf(one)).toBeGreaterThan(300);
  });

  it('ends at the first error, and counts nothing that falls due after it', async () => {
    const result = await benchmark(
      { rate: 1_000, threads: 2, workers: 4, durationMs: 60_000 },
      { trouble: 'error', troubleWorker: 1, delayMs: 1 },
    );
    expectSound(result);
    expect(result.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_SERVER' });
    const elapsedMs = result.endedAtMs - result.startedAtMs;
    expect(dueOf(result)).toBeLessThanOrEqual(elapsedMs + 1);
  });

  it('replays a trace, over and over through the file as it needs rows', async () => {
    const trace = join(folder, 'arrivals.txt');
    const times = Array.from({ length: fileRows + 500 }, (_, i) => ((i % 500) / 1_000 + i / 1e6).toFixed(6));
    writeFileSync(trace, `seconds\n${times.sort((a, b) => Number(a) - Number(b)).join('\n')}\n`);
    const result = await benchmark({ arrivalTrace: trace, threads: 3, workers: 9 });
    expectSound(result);
    expect(result.counts).toMatchObject({ sent: fileRows + 500, answered: fileRows + 500, unsent: 0 });
    expect(result.load.schedule).toEqual({ kind: 'trace', count: fileRows + 500 });
    expectNoNull(result);
  });

  it('follows ramps to their end', async () => {
    const result = await benchmark({ stages: '300ms:1000,200ms:0', threads: 2, workers: 4 });
    expectSound(result);
    // The area under the ramps.
    expect(dueOf(result)).toBe(250);
  });
});

describe('stdin in an open loop', () => {
  it.each([1, 3])('may end before the schedule does, on %i threads', async (threads) => {
    const result = await benchmark(
      { file: '', rate: 2_000, durationMs: 60_000, threads, workers: 6 },
      { delayMs: 1 },
      { stdin: Readable.from([rowsWithIds(300)], { objectMode: false }) },
    );
    expectSound(result);
    expect(result.outcome.kind).toBe('completed');
    expect(result.counts).toMatchObject({ sent: 300, answered: 300, dropped: 0, unsent: 0 });
    expect(result.endedAtMs - result.startedAtMs).toBeLessThan(30_000);
  });

  it('may be slower than the rate, which shows as lateness', async () => {
    const slowly = async function* () {
      for (let i = 0; i < 5; i++) {
        yield rowsWithIds(10);
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
    };
    const result = await benchmark(
      { file: '', rate: 1_000, workers: 20 },
      {},
      { stdin: Readable.from(slowly(), { objectMode: false }) },
    );
    expectSound(result);
    expect(result.counts).toMatchObject({ sent: 50, unsent: 0 });
    expect(result.counts.late).toBeGreaterThan(20);
  });
});

describe('a scenario', () => {
  it('offline: everything at once, each response counted from the start', async () => {
    const result = await benchmark({ scenario: 'offline', threads: 2, workers: 8 });
    expectSound(result);
    expect(result.counts).toMatchObject({ sent: fileRows, answered: fileRows, dropped: 0, unsent: 0 });
    const { scenario, responseTime, serviceTime } = result;
    expect(scenario).toMatchObject({ scenario: 'offline', unit: '1/s', latencyUs: undefined });
    expect(scenario?.value).toBeCloseTo(result.rates.measuredPerSecond, 6);
    // The file is smaller than the 24,576 samples of the rules, and was answered whole.
    expect(scenario?.shortfalls).toEqual([expect.stringMatching(/^it lasted [\d.]{1,7} s, not 600 s$/)]);
    expect(responseTime.p50Us).toBeGreaterThan(serviceTime.p50Us);
    expectNoNull(result);
  });

  it.each([
    ['from stdin', { file: '' }],
    ['until its time is up', { durationMs: 1_500 }],
  ])('offline ends %s', async (_, load) => {
    const result = await benchmark(
      { scenario: 'offline', workers: 4, ...load },
      { delayMs: 1 },
      { stdin: Readable.from([rowsWithIds(200)], { objectMode: false }) },
    );
    expectSound(result);
    expect(result.outcome.kind).toBe('completed');
    if ('file' in load) expect(result.counts).toMatchObject({ sent: 200, unsent: 0 });
  });

  it('multi-stream: as many queries as whole ones fit', async () => {
    const result = await benchmark(
      { scenario: 'multi-stream', samplesPerQuery: 8, maxQueries: 100 },
      { delayMs: 1 },
    );
    expectSound(result);
    expect(result.counts.answered).toBe(100);
    expect(result.queryTime?.count).toBe(12);
    expect(result.queryTime!.p50Us).toBeGreaterThanOrEqual(result.serviceTime.p50Us);
    expect(result.scenario).toMatchObject({ label: 'p99 query latency', value: result.queryTime!.p99Us });
    expectNoNull(result);
  });

  it('server: Poisson arrivals, held to the bound', async () => {
    const result = await benchmark(
      { scenario: 'server', rate: 500, durationMs: 1_500, workers: 20, latencyBoundMs: 1 },
      { delayMs: 5 },
    );
    expectSound(result);
    expect(result.scenario?.shortfalls).toContainEqual(
      expect.stringMatching(/^p99 latency is [\d.]+ ms, above 1 ms$/),
    );
    expect(result.scenario?.latencyUs).toBe(result.responseTime.p99Us);
  });
});

describe('a run until it is steady', () => {
  // A rate that the stub keeps up with, so that windows are alike however busy the machine is.
  const load = { rate: 200, untilStable: true, workers: 20, reportingPeriodMs: 200, stableWindows: 3 };

  it('ends by itself, and measures the windows that were alike, no others', async () => {
    const result = await benchmark(
      { ...load, stableTolerance: 1e6, stableTimeoutMs: 50_000 },
      { delayMs: 5 },
    );
    expectSound(result, { kept: 3 });
    expect(result.outcome.kind).toBe('completed');
    const { steadyState, windows, serviceTime, rates, counts } = result;
    expect(steadyState?.steady).toBe(true);
    const first = steadyState!.firstWindow;
    const kept = windows.slice(first, first + 3);
    expect(serviceTime.count).toBe(kept.reduce((sum, { answered }) => sum + answered, 0));
    expect(rates.measuredDurationMs).toBeCloseTo(600, 6);
    expect(counts.burnIn).toBe(counts.answered - serviceTime.count);
    expectNoNull(result);
  });

  it('ends after its most time, and says that it is not', async () => {
    const result = await benchmark(
      // The load grows all the time.
      { ...load, rate: undefined, stages: '20s:4000', stableTolerance: 0, stableTimeoutMs: 800 },
      { delayMs: 5 },
    );
    expectSound(result);
    expect(result.outcome.kind).toBe('completed');
    expect(result.steadyState).toMatchObject({ steady: false });
    expect(result.windows.length).toBeGreaterThanOrEqual(4);
    // All that was measured counts then.
    expect(result.counts.burnIn).toBe(0);
  });

  it('is not steady where the input ends first', async () => {
    const result = await benchmark({ ...load, maxQueries: 10 });
    expectSound(result);
    expect(result.steadyState).toMatchObject({ steady: false, kind: 'too-few-windows' });
  });
});

describe('a burn-in by time on threads', () => {
  it('leaves out what is due in it, on every thread', async () => {
    const result = await benchmark({
      rate: 1_000,
      durationMs: 600,
      burnInDurationMs: 300,
      threads: 3,
      workers: 12,
    });
    expectSound(result);
    expect(dueOf(result)).toBe(600);
    expect(result.counts.burnIn).toBeLessThanOrEqual(300);
    expect(result.counts.measured).toBeLessThanOrEqual(300);
    expect(result.counts.measured + result.counts.burnIn).toBe(600 - result.counts.unsent);
  });
});
