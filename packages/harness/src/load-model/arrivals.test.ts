import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pacer } from '../engine/pacer.js';
import { arrivalPacer } from './arrival-schedule.js';
import {
  arrivalsBefore,
  burstArrivals,
  constantArrivals,
  poissonArrivals,
  traceArrivals,
} from './arrivals.js';
import { constantProfile, rampProfile } from './rate-profile.js';

const unitRate = constantProfile(1e6);
const seed = fc.oneof(fc.integer(), fc.maxSafeInteger());

function dueTimes(pacer: Pacer, count: number): number[] {
  return Array.from({ length: count }, (_, index) => pacer.dueUs(index));
}

function gapsOf(times: readonly number[]): number[] {
  return times.map((time, index) => time - (times[index - 1] ?? 0));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('poissonArrivals', () => {
  const samples = 200_000;
  const gaps = gapsOf(dueTimes(poissonArrivals(unitRate, 7), samples));

  it('has exponential gaps: mean, variance and quantiles', () => {
    const variance = mean(gaps.map((gap) => (gap - 1) ** 2));
    // Within five standard errors: 1 / sqrt(n) for the mean, sqrt(8 / n) for the variance.
    expect(Math.abs(mean(gaps) - 1)).toBeLessThan(5 / Math.sqrt(samples));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(8 / samples));
    for (const x of [1e-3, 0.01, 0.1, 1, 3, 6, 9]) {
      const above = Math.exp(-x);
      const share = gaps.filter((gap) => gap > x).length / samples;
      expect(Math.abs(share - above)).toBeLessThan(5 * Math.sqrt((above * (1 - above)) / samples));
    }
    expect(Math.min(...gaps.slice(0, 1_000))).toBeGreaterThan(0);
  });

  it('has gaps finer than a uniform number of 24 bits gives', () => {
    const firsts = Array.from({ length: 200 }, (_, seed) => poissonArrivals(unitRate, seed).dueUs(0));
    const steps = firsts.map((gap) => Math.exp(-gap) * 2 ** 24);
    expect(mean(steps.map((step) => Math.abs(step - Math.round(step))))).toBeGreaterThan(0.2);
  });

  it('has gaps that know nothing of each other', () => {
    for (const lag of [1, 2, 65_536]) {
      const products = gaps.slice(lag).map((gap, index) => (gap - 1) * (gaps[index]! - 1));
      expect(Math.abs(mean(products))).toBeLessThan(5 / Math.sqrt(products.length));
    }
  });

  it('has Poisson counts in every stretch of time: their variance is their mean', () => {
    const width = 50;
    const counts = Array.from({ length: 3_900 }, () => 0);
    let time = 0;
    for (const gap of gaps) {
      time += gap;
      const cell = Math.floor(time / width);
      if (cell < counts.length) counts[cell]! += 1;
    }
    const average = mean(counts);
    const variance = mean(counts.map((count) => (count - average) ** 2));
    expect(Math.abs(average - width)).toBeLessThan(5 * Math.sqrt(width / counts.length));
    expect(Math.abs(variance / average - 1)).toBeLessThan(5 * Math.sqrt(2 / counts.length));
  });

  it('is the same for the same seed, and another for another', () => {
    fc.assert(
      fc.property(seed, seed, (one, other) => {
        fc.pre(one !== other);
        const times = dueTimes(poissonArrivals(unitRate, one), 20);
        expect(dueTimes(poissonArrivals(unitRate, one), 20)).toEqual(times);
        expect(dueTimes(poissonArrivals(unitRate, other), 20)).not.toEqual(times);
        expect(gapsOf(times).every((gap) => gap > 0)).toBe(true);
      }),
    );
  });

  it('is pinned: a schedule must not change with a version', () => {
    expect(dueTimes(poissonArrivals(constantProfile(100), 12_345), 4)).toMatchInlineSnapshot(`
      [
        20812.886059395518,
        29070.580619904045,
        41644.941022083985,
        50501.03937841921,
      ]
    `);
  });

  it('does not depend on the order in which arrivals are asked for, within a chunk of gaps and across them', () => {
    const inOrder = dueTimes(poissonArrivals(unitRate, 3), samples);
    const index = fc.nat(samples - 1);
    fc.assert(
      fc.property(fc.array(index, { minLength: 2, maxLength: 12 }), (asked) => {
        const pacer = poissonArrivals(unitRate, 3);
        for (const each of asked) expect(pacer.dueUs(each)).toBe(inOrder[each]);
      }),
      { numRuns: 30 },
    );
  });

  it.each([2, 3, 7, 64])(
    'does not depend on the number of threads: %i that each take every such arrival',
    (threads) => {
      const count = 140_000;
      const inOrder = dueTimes(poissonArrivals(unitRate, 5), count);
      for (const thread of [0, threads - 1]) {
        const pacer = poissonArrivals(unitRate, 5);
        for (let index = thread; index < count; index += threads) {
          if (pacer.dueUs(index) !== inOrder[index])
            expect.fail(`arrival ${index} of thread ${thread} differs`);
        }
      }
    },
  );

  it('follows a ramp: as many arrivals before each time as the integral of the rate says', () => {
    const profile = rampProfile([
      { durationUs: 10e6, targetPerSecond: 4_000 },
      { durationUs: 5e6, targetPerSecond: 4_000 },
      { durationUs: 10e6, targetPerSecond: 0 },
    ]);
    const pacer = poissonArrivals(profile, 11);
    const times: number[] = [];
    for (let n = 0; pacer.dueUs(n) !== Number.POSITIVE_INFINITY; n++) times.push(pacer.dueUs(n));
    expect(Math.abs(times.length - profile.totalCount)).toBeLessThan(5 * Math.sqrt(profile.totalCount));
    expect(times.every((time, index) => time >= (times[index - 1] ?? 0) && time <= profile.durationUs)).toBe(
      true,
    );
    for (const timeUs of [1e6, 5e6, 10e6, 15e6, 20e6, 24e6]) {
      const expected = profile.countAt(timeUs);
      const counted = times.filter((time) => time < timeUs).length;
      expect(Math.abs(counted - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });
});

describe('the other arrivals', () => {
  it('constant: lie on the profile, the first at the start', () => {
    expect(dueTimes(constantArrivals(constantProfile(1_000, 3_000)), 5)).toEqual([
      0,
      1_000,
      2_000,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('trace: are due when it says, and end with it', () => {
    expect(dueTimes(traceArrivals(Float64Array.of(0, 5, 5)), 4)).toEqual([0, 5, 5, Number.POSITIVE_INFINITY]);
  });

  it('burst: are all due at the start', () => {
    expect(dueTimes(burstArrivals(2), 3)).toEqual([0, 0, Number.POSITIVE_INFINITY]);
  });

  it('before a time: leave out what is due then or later', () => {
    const some = traceArrivals(Float64Array.of(1, 2, 3));
    expect(dueTimes(arrivalsBefore(some, 2), 3)).toEqual([
      1,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });
});

describe('arrivalPacer', () => {
  const stages = [{ durationUs: 1e6, targetPerSecond: 50 }];

  it('makes the same pacer of a schedule that was sent to another thread', () => {
    const spacings = [{ kind: 'constant' }, { kind: 'poisson', seed: 4 }] as const;
    const schedules = [
      ...spacings.map((spacing) => ({ kind: 'rate', ratePerSecond: 30, spacing }) as const),
      ...spacings.map((spacing) => ({ kind: 'stages', startPerSecond: 10, stages, spacing }) as const),
      { kind: 'burst', count: 3 } as const,
      { kind: 'trace', timesUs: Float64Array.of(1, 2) } as const,
    ];
    const direct = [
      constantArrivals(constantProfile(30)),
      poissonArrivals(constantProfile(30), 4),
      constantArrivals(rampProfile(stages, 10)),
      poissonArrivals(rampProfile(stages, 10), 4),
      burstArrivals(3),
      traceArrivals(Float64Array.of(1, 2)),
    ];
    for (const [i, schedule] of schedules.entries()) {
      expect(dueTimes(arrivalPacer(structuredClone(schedule)), 40)).toEqual(dueTimes(direct[i]!, 40));
    }
    const cut = arrivalPacer({ kind: 'rate', ratePerSecond: 1_000, spacing: { kind: 'constant' } }, 2_000);
    expect(dueTimes(cut, 3)).toEqual([0, 1_000, Number.POSITIVE_INFINITY]);
  });
});
