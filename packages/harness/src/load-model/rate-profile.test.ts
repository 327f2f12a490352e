import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constantProfile, type RateProfile, type RateStage, rampProfile } from './rate-profile.js';

const seconds = (durationS: number, targetPerSecond: number): RateStage => ({
  durationUs: durationS * 1e6,
  targetPerSecond,
});

const rate = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 100_000 }),
  fc.double({ min: 0.01, max: 1e6, noNaN: true }),
);
const stage = fc.record({
  durationUs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100_000_000 })),
  targetPerSecond: rate,
});
const ramp = fc.tuple(fc.array(stage, { minLength: 1, maxLength: 6 }), rate);

/** The integral of the rate by the trapezoids themselves, up to a time. */
function integral(stages: readonly RateStage[], startPerSecond: number, timeUs: number): number {
  let from = startPerSecond;
  let startUs = 0;
  let sum = 0;
  for (const { durationUs, targetPerSecond: to } of stages) {
    const within = Math.min(Math.max(timeUs - startUs, 0), durationUs);
    const rateThen = durationUs === 0 ? to : from + ((to - from) * within) / durationUs;
    sum += ((from + rateThen) / 2) * (within / 1e6);
    startUs += durationUs;
    from = to;
  }
  return sum;
}

function dueTimes(profile: RateProfile): number[] {
  const times: number[] = [];
  for (let n = 0; profile.timeUsOf(n) !== Number.POSITIVE_INFINITY; n++) times.push(profile.timeUsOf(n));
  return times;
}

describe('constantProfile', () => {
  it('spaces counts evenly, without end or until its end', () => {
    const endless = constantProfile(250);
    expect([0, 1, 2, 1e9].map(endless.timeUsOf)).toEqual([0, 4_000, 8_000, 4e12]);
    expect(endless).toMatchObject({
      durationUs: Number.POSITIVE_INFINITY,
      totalCount: Number.POSITIVE_INFINITY,
    });
    expect([-5, 0, 4_000, 6_000].map(endless.countAt)).toEqual([0, 0, 1, 1.5]);
    expect(dueTimes(constantProfile(250, 20_000))).toEqual([0, 4_000, 8_000, 12_000, 16_000]);
  });

  it('has as many arrivals as rate x duration says, for rates and durations that are no round numbers in binary', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 1, max: 5_000 }),
        (tenths, durationMs) => {
          const arrivals = dueTimes(constantProfile(tenths / 10, durationMs * 1_000)).length;
          expect(arrivals).toBe(Math.ceil((tenths * durationMs) / 10_000));
        },
      ),
    );
  });
});

describe('rampProfile', () => {
  it('equals a constant profile where all stages hold the same rate', () => {
    const holds = rampProfile([seconds(1, 500), seconds(0.5, 500)], 500);
    expect(dueTimes(holds)).toEqual(dueTimes(constantProfile(500, 1.5e6)));
  });

  it('follows the closed form: from 0 to r in D, the n-th comes at D sqrt(2n / rD), and mirrored on the way down', () => {
    const up = rampProfile([seconds(10, 100)]);
    for (const n of [0, 1, 7, 123, 499])
      expect(up.timeUsOf(n)).toBeCloseTo(10e6 * Math.sqrt((2 * n) / 1_000), 3);
    const down = rampProfile([seconds(10, 0)], 100);
    for (const n of [1, 7, 123, 499]) expect(down.timeUsOf(500 - n)).toBeCloseTo(10e6 - up.timeUsOf(n), 3);
    expect(up.totalCount).toBe(500);
    expect(dueTimes(up)).toHaveLength(500);
    expect(dueTimes(down)).toHaveLength(500);
  });

  it('sends nothing in a hold at rate 0, whether at the start, between stages or at the end', () => {
    const profile = rampProfile([
      seconds(1, 0),
      seconds(0, 10),
      seconds(1, 10),
      seconds(0, 0),
      seconds(5, 0),
      seconds(0, 5),
      seconds(1, 5),
      seconds(0, 0),
      seconds(9, 0),
    ]);
    const expected = [
      ...Array.from({ length: 10 }, (_, n) => 1e6 + n * 1e5),
      ...Array.from({ length: 5 }, (_, n) => 7e6 + n * 2e5),
    ];
    expect(dueTimes(profile)).toEqual(expected);
    expect([0, 1e6, 2e6, 4e6, 7e6, 8e6, 17e6, 18e6].map(profile.countAt)).toEqual([
      0, 0, 10, 10, 10, 15, 15, 15,
    ]);
    expect(profile.durationUs).toBe(17e6);
    expect(rampProfile([seconds(5, 0)]).timeUsOf(0)).toBe(Number.POSITIVE_INFINITY);
  });

  it('has the integral of the rate as its count, in all and at every time', () => {
    fc.assert(
      fc.property(ramp, fc.double({ min: 0, max: 1, noNaN: true }), ([stages, start], share) => {
        const profile = rampProfile(stages, start);
        const total = integral(stages, start, profile.durationUs);
        const timeUs = share * profile.durationUs;
        const tolerance = 1e-9 * (1 + total);
        expect(profile.durationUs).toBe(stages.reduce((sum, { durationUs }) => sum + durationUs, 0));
        expect(Math.abs(profile.totalCount - total)).toBeLessThanOrEqual(tolerance);
        expect(Math.abs(profile.countAt(timeUs) - integral(stages, start, timeUs))).toBeLessThanOrEqual(
          tolerance,
        );
        expect(profile.countAt(profile.durationUs)).toBe(profile.totalCount);
        expect(profile.countAt(-1)).toBe(0);
      }),
    );
  });

  it('turns counts into times that turn into the same counts, never falling, and ends with the total', () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(ramp, shares, ([stages, start], unsorted) => {
        const profile = rampProfile(stages, start);
        fc.pre(profile.totalCount > 0);
        const counts = unsorted.map((share) => share * profile.totalCount).sort((a, b) => a - b);
        const times = counts.map(profile.timeUsOf);
        for (const [i, count] of counts.entries()) {
          expect(Math.abs(profile.countAt(times[i]!) - count)).toBeLessThanOrEqual(
            1e-9 * (1 + profile.totalCount),
          );
          expect(times[i]).toBeLessThanOrEqual(profile.durationUs);
          expect(times[i]).toBeGreaterThanOrEqual((times[i - 1] ?? 0) - 1e-6);
        }
        expect(profile.timeUsOf(profile.totalCount)).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });

  it('turns times into counts that turn into the same times, wherever the rate is above 0', () => {
    // Where the rate comes close to 0 a time cannot be told from its count by anybody.
    const busyStage = fc.record({
      durationUs: fc.integer({ min: 1_000, max: 100_000_000 }),
      targetPerSecond: fc.integer({ min: 10, max: 100_000 }),
    });
    const busy = fc.array(busyStage, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(busy, fc.double({ min: 0, max: 0.999, noNaN: true }), (stages, share) => {
        const profile = rampProfile(stages, 10);
        const timeUs = share * profile.durationUs;
        expect(Math.abs(profile.timeUsOf(profile.countAt(timeUs)) - timeUs)).toBeLessThanOrEqual(
          1e-3 + 1e-9 * timeUs,
        );
      }),
    );
  });
});
