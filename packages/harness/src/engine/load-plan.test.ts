import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { AibenchError } from '@aibench/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultValues, type FlagValues } from '../cli/flags.js';
import { loadFlags } from './load-flags.js';
import { type LoadPlan, planLoad } from './load-plan.js';

type Load = FlagValues<typeof loadFlags>;

let folder: string;
let trace: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aibench-plan-'));
  trace = join(folder, 'arrivals.txt');
  writeFileSync(trace, '0\n0.5\n2\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

function plan(load: Partial<Load>): Promise<LoadPlan> {
  return planLoad({ ...defaultValues(loadFlags), ...load });
}

describe('planLoad', () => {
  it('makes a closed loop where nothing else is asked for', async () => {
    expect(await plan({})).toMatchObject({
      scenario: undefined,
      schedule: undefined,
      workers: 8,
      threads: 1,
      samplesPerQuery: 1,
      maxOutstanding: Number.POSITIVE_INFINITY,
      durationUs: Number.POSITIVE_INFINITY,
      timed: false,
      untilStable: undefined,
      latencyBoundUs: undefined,
    });
  });

  it('makes an open loop of a rate, ramps or a trace', async () => {
    expect((await plan({ rate: 50 })).schedule).toEqual({
      kind: 'rate',
      ratePerSecond: 50,
      spacing: { kind: 'constant' },
    });
    expect((await plan({ rate: 50, arrivals: 'poisson', seed: 3 })).schedule).toMatchObject({
      spacing: { kind: 'poisson', seed: 3 },
    });
    // A rate beside ramps is the one that they start from.
    expect(await plan({ rate: 50, stages: '10s:100' })).toMatchObject({
      timed: true,
      schedule: { kind: 'stages', startPerSecond: 50, stages: [{ durationUs: 10e6, targetPerSecond: 100 }] },
    });
    expect(await plan({ arrivalTrace: trace })).toMatchObject({
      timed: true,
      schedule: { kind: 'trace', timesUs: Float64Array.of(0, 500_000, 2_000_000) },
    });
  });

  it('draws a seed where none is given, and keeps one that is', async () => {
    expect((await plan({})).seed).toBeGreaterThan(0);
    expect((await plan({ seed: 7 })).seed).toBe(7);
  });

  it('starts a file over where time ends the run, and not where rows do', async () => {
    const timed = async (load: Partial<Load>) => (await plan(load)).timed;
    expect(await timed({ durationMs: 1_000 })).toBe(true);
    expect(await timed({ untilStable: true })).toBe(true);
    expect(await timed({ rate: 10 })).toBe(false);
    expect(await timed({ scenario: 'offline' })).toBe(false);
    expect(await timed({ maxQueries: 10 })).toBe(false);
  });

  it('makes the load of each of the scenarios', async () => {
    expect(await plan({ scenario: 'single-stream', workers: 30, threads: 4 })).toMatchObject({
      workers: 1,
      threads: 1,
      schedule: undefined,
    });
    expect(await plan({ scenario: 'multi-stream', samplesPerQuery: 12 })).toMatchObject({
      workers: 12,
      threads: 1,
      samplesPerQuery: 12,
    });
    expect(await plan({ scenario: 'server', rate: 9, seed: 5 })).toMatchObject({
      samplesPerQuery: 1,
      latencyBoundUs: 10_000,
      schedule: { kind: 'rate', spacing: { kind: 'poisson', seed: 5 } },
    });
    expect((await plan({ scenario: 'server', rate: 9, latencyBoundMs: 25 })).latencyBoundUs).toBe(25_000);
    expect((await plan({ scenario: 'offline' })).schedule?.kind).toBe('burst');
  });

  it('starts no more workers than may be outstanding', async () => {
    expect(await plan({ rate: 9, workers: 20, maxOutstanding: 3 })).toMatchObject({
      workers: 3,
      maxOutstanding: 3,
    });
  });

  it('spreads the workers over threads, at most half of the cores, unless it is told how many', async () => {
    const half = Math.max(1, Math.floor(availableParallelism() / 2));
    expect((await plan({ workers: 16 })).threads).toBe(1);
    expect((await plan({ workers: 17 })).threads).toBe(Math.min(2, half));
    expect((await plan({ workers: 100_000 })).threads).toBe(half);
    expect((await plan({ workers: 7, threads: 7 })).threads).toBe(7);
  });
});

describe('flags that contradict one another', () => {
  it.each<[string, Partial<Load>, string, RegExp]>([
    [
      'two schedules',
      { stages: '1s:5', arrivalTrace: 'x' },
      '--stages and --arrival-trace are two schedules',
      /keep/,
    ],
    [
      'a rate and a trace',
      { rate: 5, arrivalTrace: 'x' },
      '--rate and --arrival-trace are two schedules',
      /keep/,
    ],
    [
      'a rate and a limit of one',
      { rate: 5, limitRps: 5 },
      '--limit-rps slows a closed loop, and --rate makes an open one',
      /--limit-rps/,
    ],
    [
      'a bound of an open loop that there is not',
      { maxOutstanding: 5 },
      '--max-outstanding bounds an open loop',
      /--rate/,
    ],
    ['a server without a rate', { scenario: 'server' }, '--scenario server needs the rate', /^pass --rate$/],
    [
      'a server with ramps',
      { scenario: 'server', stages: '1s:5' },
      '--scenario server needs the rate',
      /in place of --stages/,
    ],
    [
      'a stream with a rate',
      { scenario: 'single-stream', rate: 5 },
      '--scenario single-stream sends as',
      /--rate/,
    ],
    [
      'an offline run with a limit',
      { scenario: 'offline', limitRps: 5 },
      '--scenario offline sends',
      /--limit-rps/,
    ],
    [
      'random arrivals without a rate',
      { arrivals: 'poisson' },
      '--arrivals poisson lies along a rate',
      /--rate/,
    ],
    [
      'a bound that nothing is held to',
      { latencyBoundMs: 5 },
      '--latency-bound is the bound',
      /--latency-bound/,
    ],
    [
      'a burn-in as long as the run',
      { burnInDurationMs: 2_000, durationMs: 2_000 },
      '--burn-in-duration 2s leaves none of --duration 2s to measure',
      /--duration/,
    ],
    [
      'a burn-in of all queries',
      { burnIn: 9, maxQueries: 9 },
      '--burn-in 9 leaves none of --max-queries 9 to measure',
      /--max-queries/,
    ],
    [
      'a burn-in of all that falls due',
      { rate: 10, durationMs: 1_000, burnIn: 10 },
      "--burn-in 10 leaves none of the schedule's requests to measure",
      /schedule longer/,
    ],
    [
      'a burn-in longer than the ramps',
      { stages: '1s:10,1s:10', burnInDurationMs: 2_000 },
      '--burn-in-duration 2s leaves none of the schedule to measure',
      /schedule longer/,
    ],
    [
      'a duration in which nothing falls due',
      { stages: '10s:0,1s:5', durationMs: 9_000 },
      'the schedule has no request before --duration is over',
      /--rate/,
    ],
    ['ramps that are none', { stages: '10s' }, 'stage 1 of --stages, "10s", is no duration', /duration:rate/],
    [
      'more threads than workers',
      { threads: 9 },
      '--threads 9 is above the 8 workers',
      /at least one worker/,
    ],
    [
      'more threads than may be outstanding',
      { rate: 5, threads: 4, maxOutstanding: 2 },
      '--threads 4 is above the 2 workers that --max-outstanding 2 leaves',
      /at least one worker/,
    ],
    [
      'a time for a steady state that is too short for one',
      { untilStable: true, stableTimeoutMs: 2_000 },
      '--stable-timeout 2s ends before 3 windows can be alike',
      /--stable-windows/,
    ],
    [
      'a duration that is too short for one',
      { untilStable: true, durationMs: 2_000 },
      '--duration 2s ends before 3 windows can be alike',
      /--reporting-period/,
    ],
  ])('%s: one line, and what helps', async (_, load, message, hint) => {
    const error = await plan(load).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AibenchError);
    expect(error).toMatchObject({ code: 'AIBENCH_USAGE', hint: expect.stringMatching(hint) });
    expect((error as Error).message.startsWith(message)).toBe(true);
    expect((error as Error).message).not.toContain('\n');
  });

  it.each(['0', '-5', 'fast', 'NaN', 'Infinity'])('a rate of %s is none', (text) => {
    expect(() => loadFlags.rate.parse(text)).toThrow(/is not above 0|is no number/);
  });

  it('a trace that cannot be read names the file', async () => {
    await expect(plan({ arrivalTrace: join(folder, 'none.txt') })).rejects.toThrow(
      expect.objectContaining({ code: 'AIBENCH_INPUT', message: expect.stringContaining('none.txt') }),
    );
    writeFileSync(join(folder, 'bad.txt'), '0\n2\n1\n');
    await expect(plan({ arrivalTrace: join(folder, 'bad.txt') })).rejects.toThrow(/bad\.txt, line 3/);
  });

  it('a burn-in of a trace may end with its last arrival, and not after it', async () => {
    expect((await plan({ arrivalTrace: trace, burnInDurationMs: 2_000 })).burnInUs).toBe(2e6);
    await expect(plan({ arrivalTrace: trace, burnInDurationMs: 2_001 })).rejects.toThrow(/leaves none/);
    await expect(plan({ arrivalTrace: trace, burnIn: 3 })).rejects.toThrow(/leaves none/);
  });
});
