import type { AibenchError } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { defaultValues, type FlagValues } from '../cli/flags.js';
import { loadFlags } from '../engine/load-flags.js';
import { measurementLoad, planSearch } from './search-plan.js';

type LoadValues = FlagValues<typeof loadFlags>;

const defaults: LoadValues = { ...defaultValues(loadFlags), file: 'rows.dat' };

function plan(changes: Partial<LoadValues>, given: readonly string[] = []) {
  return planSearch({ ...defaults, ...changes }, new Set(['find-max-rate', ...given]))!;
}

function refusal(changes: Partial<LoadValues>, given: readonly string[]): string {
  try {
    planSearch({ ...defaults, ...changes }, new Set(given));
  } catch (error) {
    expect(error).toMatchObject({ code: 'AIBENCH_USAGE' });
    return (error as AibenchError).message;
  }
  throw new Error('it was taken');
}

describe('planSearch', () => {
  it('is none where none is asked for', () => {
    expect(planSearch(defaults, new Set(['workers']))).toBeUndefined();
  });

  it('allows no errors unless the user does', () => {
    const texts = (findMaxRate: string) => plan({ findMaxRate }).conditions.map(({ text }) => text);
    expect(texts('p99<10ms')).toEqual(['response p99 < 10ms', 'errors <= 0%']);
    expect(texts('p99<10ms,errors<1%')).toEqual(['response p99 < 10ms', 'errors < 1%']);
  });

  it('measures for --search-duration or --duration, its first tenth burn-in', () => {
    const findMaxRate = 'p50<1ms';
    expect(plan({ findMaxRate })).toMatchObject({ durationMs: 10_000, burnInMs: 1_000 });
    expect(plan({ findMaxRate, durationMs: 4_000 }, ['duration'])).toMatchObject({ durationMs: 4_000 });
    expect(plan({ findMaxRate, burnInDurationMs: 0 }, ['burn-in-duration']).burnInMs).toBe(0);
  });

  it('starts where one measurement can tell the quantile, within the bounds', () => {
    const start = (changes: Partial<LoadValues>) =>
      plan({ findMaxRate: 'p99<1ms', searchDurationMs: 1_000, ...changes }).startPerSecond;
    expect(start({})).toBe(1_112);
    expect(start({ searchDurationMs: 100_000 })).toBe(100);
    expect(start({ maxRate: 500 })).toBe(500);
    expect(start({ minRate: 5_000 })).toBe(5_000);
  });

  it.each<[Partial<LoadValues>, readonly string[], string]>([
    [{ findMaxRate: '' }, ['find-max-rate'], 'empty part'],
    [{}, ['min-rate'], '--min-rate is for a search'],
    [{ findMaxRate: 'p99<1ms' }, ['find-max-rate', 'rate'], '--rate sets a rate'],
    [{ findMaxRate: 'p99<1ms' }, ['find-max-rate', 'max-queries'], '--max-queries ends a run'],
    [{ findMaxRate: 'p99<1ms', scenario: 'offline' }, ['find-max-rate'], '--scenario offline'],
    [{ findMaxRate: 'p99<1ms' }, ['find-max-rate', 'duration', 'search-duration'], 'say the same'],
    [{ findMaxRate: 'p99<1ms', searchRepeats: 2 }, ['find-max-rate'], '--search-repeats 2'],
    [{ findMaxRate: 'p99<1ms', minRate: 0 }, ['find-max-rate'], '--min-rate 0 is not above 0'],
    [{ findMaxRate: 'p99<1ms', minRate: 9, maxRate: 3 }, ['find-max-rate'], '--min-rate 9 is above'],
    [{ findMaxRate: 'p99<1ms', file: '' }, ['find-max-rate'], 'stdin gives them once'],
    [{ findMaxRate: 'p99<1ms' }, ['find-max-rate', 'cpuprofile'], '--cpuprofile is for a single run'],
    [
      { findMaxRate: 'p99<1ms', burnInDurationMs: 10_000 },
      ['find-max-rate', 'burn-in-duration'],
      '--burn-in-duration leaves none',
    ],
  ])('refuses %j with %j', (changes, given, words) => {
    expect(refusal(changes, given)).toContain(words);
  });
});

describe('measurementLoad', () => {
  it('is an open loop for a time, in windows that the burn-in ends with, where failures are counted', () => {
    const found = plan({ findMaxRate: 'p99<1ms', searchDurationMs: 2_000 });
    expect(measurementLoad(defaults, found, 250)).toMatchObject({
      ...{ rate: 250, durationMs: 2_000, burnInDurationMs: 200, reportingPeriodMs: 100 },
      ...{ ignoreErrors: true, workers: defaults.workers },
    });
  });
});
