import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkCounts,
  checkLittlesLaw,
  InFlightIntegral,
  type RequestCounts,
  timeInRunUs,
} from './conservation.js';

const count = fc.nat(1_000);
const balanced: fc.Arbitrary<RequestCounts> = fc
  .record({ answered: count, failed: count, cutOff: count })
  .map((settled) => ({ ...settled, sent: settled.answered + settled.failed + settled.cutOff }));
const keys = ['sent', 'answered', 'failed', 'cutOff'] as const;

function sumOf(threads: readonly RequestCounts[]): RequestCounts {
  const sum = (key: (typeof keys)[number]) => threads.reduce((total, counts) => total + counts[key], 0);
  return { sent: sum('sent'), answered: sum('answered'), failed: sum('failed'), cutOff: sum('cutOff') };
}

describe('checkCounts', () => {
  it('finds nothing where every request is accounted for', () => {
    fc.assert(
      fc.property(fc.array(balanced, { maxLength: 8 }), (threads) => {
        expect(checkCounts(threads)).toEqual([]);
        expect(checkCounts(threads, sumOf(threads))).toEqual([]);
      }),
    );
  });

  it('checks no sums where the counts of a thread are not known, but all the rest', () => {
    const counts = { sent: 3, answered: 2, failed: 1, cutOff: 0 };
    expect(checkCounts([undefined, counts], { sent: 5, answered: 4, failed: 1, cutOff: 0 })).toEqual([]);
    const lost = { ...counts, answered: 1 };
    expect(checkCounts([undefined, lost], { sent: 5, answered: 3, failed: 1, cutOff: 0 })).toEqual([
      'load thread 1 sent 3 requests but accounts for 2: 1 answered, 1 failed, 0 cut off',
      'the run sent 5 requests but accounts for 4: 3 answered, 1 failed, 0 cut off',
    ]);
  });

  it('finds any one request lost or made up, in a thread or in the sum', () => {
    fc.assert(
      fc.property(
        fc.array(balanced, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.constantFrom(...keys),
        (threads, pick, key) => {
          const at = pick % threads.length;
          const bump = (counts: RequestCounts) => ({ ...counts, [key]: counts[key] + 1 });
          const wrong = threads.map((counts, thread) => (thread === at ? bump(counts) : counts));
          expect(checkCounts(wrong)).toEqual([expect.stringContaining(`load thread ${at} sent`)]);
          expect(checkCounts(threads, bump(sumOf(threads)))).toHaveLength(2);
        },
      ),
    );
  });

  it('says what is missing', () => {
    const counts = { sent: 10, answered: 7, failed: 1, cutOff: 1 };
    expect(checkCounts([counts])).toEqual([
      'load thread 0 sent 10 requests but accounts for 9: 7 answered, 1 failed, 1 cut off',
    ]);
    const whole = { sent: 10, answered: 8, failed: 1, cutOff: 1 };
    expect(checkCounts([whole], { sent: 11, answered: 8, failed: 1, cutOff: 2 })).toEqual([
      'the load threads count 10 requests sent, the run 11',
      'the load threads count 1 requests cut off, the run 2',
    ]);
  });
});

/** Requests with the moments at which they go out and come back, some never within the run. */
const runUs = 1e6;
const schedule = fc.array(
  fc
    .record({
      sentUs: fc.double({ min: 0, max: runUs, noNaN: true }),
      timeUs: fc.oneof(
        fc.double({ min: 0, max: 2 * runUs, noNaN: true }),
        fc.double({ min: 0, max: 100, noNaN: true }),
      ),
    })
    .map(({ sentUs, timeUs }) => ({ sentUs, endUs: sentUs + timeUs })),
  { maxLength: 200 },
);

interface Event {
  readonly atUs: number;
  readonly change: 1 | -1;
}

/** What happens within the run, in the order of time. */
function eventsOf(requests: readonly { sentUs: number; endUs: number }[]): Event[] {
  return requests
    .flatMap(({ sentUs, endUs }): Event[] => [
      { atUs: sentUs, change: 1 },
      { atUs: endUs, change: -1 },
    ])
    .filter(({ atUs }) => atUs <= runUs)
    .sort((a, b) => a.atUs - b.atUs || b.change - a.change);
}

/** The integral as it is defined: step by step. */
function stepIntegral(events: readonly Event[]): { areaUs: number; inFlight: number; most: number } {
  let [areaUs, inFlight, most, lastUs] = [0, 0, 0, 0];
  for (const { atUs, change } of events) {
    areaUs += inFlight * (atUs - lastUs);
    lastUs = atUs;
    inFlight += change;
    most = Math.max(most, inFlight);
  }
  return { areaUs: areaUs + inFlight * (runUs - lastUs), inFlight, most };
}

describe('InFlightIntegral', () => {
  it('is the integral, step by step', () => {
    fc.assert(
      fc.property(schedule, (requests) => {
        const events = eventsOf(requests);
        const integral = new InFlightIntegral();
        for (const { atUs, change } of events) integral.add(atUs, change);
        const { areaUs, inFlight, most } = stepIntegral(events);
        expect(integral.inFlight).toBe(inFlight);
        expect(integral.most).toBe(most);
        expect(Math.abs(integral.areaUs(runUs) - areaUs)).toBeLessThanOrEqual(1e-6 * Math.max(1, areaUs));
      }),
    );
  });

  it('keeps its digits over many requests, late in a long run', () => {
    const integral = new InFlightIntegral();
    const startUs = 3.6e9;
    for (let request = 0; request < 1_000_000; request++) {
      integral.add(startUs + request * 10, 1);
      integral.add(startUs + request * 10 + 3.25, -1);
    }
    expect(Math.abs(integral.areaUs(startUs + 1e7) - 3.25e6)).toBeLessThan(1);
  });

  it('shows more requests back than out', () => {
    const integral = new InFlightIntegral();
    integral.add(10, -1);
    expect(integral.inFlight).toBe(-1);
  });
});

describe('timeInRunUs', () => {
  it.each([
    [0, 10, 100, 10],
    [90, 120, 100, 10],
    [-5, 10, 100, 10],
    [20, Number.POSITIVE_INFINITY, 100, 80],
    [120, 130, 100, 0],
  ])('of %i to %i in %i is %i', (sentUs, endUs, lengthUs, timeUs) => {
    expect(timeInRunUs(sentUs, endUs, lengthUs)).toBe(timeUs);
  });
});

/** Both sides, as the engine gathers them; `lose` leaves requests out of the statistics. */
function littlesLaw(
  requests: readonly { sentUs: number; endUs: number }[],
  lose: (index: number) => boolean,
) {
  const integral = new InFlightIntegral();
  for (const { atUs, change } of eventsOf(requests)) integral.add(atUs, change);
  const kept = requests.filter((_, index) => !lose(index));
  return checkLittlesLaw({
    durationUs: runUs,
    inFlightAreaUs: integral.areaUs(runUs),
    finished: kept.length,
    timeSumUs: kept.reduce((sum, { sentUs, endUs }) => sum + timeInRunUs(sentUs, endUs, runUs), 0),
  });
}

describe('checkLittlesLaw', () => {
  it('holds over every whole run, those cut off included', () => {
    fc.assert(
      fc.property(schedule, (requests) => {
        const result = littlesLaw(requests, () => false);
        expect(result).toMatchObject({ holds: true, violation: undefined });
        if (result.meanTimeUs > 1) expect(result.difference).toBeLessThan(1e-6);
      }),
    );
  });

  it('breaks where more than 2 % of the time spent is lost on the way', () => {
    const even = Array.from({ length: 1_000 }, (_, index) => ({
      sentUs: index * 500,
      endUs: index * 500 + 2_000,
    }));
    expect(littlesLaw(even, (index) => index % 100 === 0)).toMatchObject({ holds: true });
    const lost = littlesLaw(even, (index) => index % 40 === 0);
    expect(lost.holds).toBe(false);
    expect(lost.violation).toBe(
      "Little's law is violated: 2 requests were in flight on average, but 975/s x 2000us is 1.95 " +
        '(2.5 % apart, at most 2 % is allowed)',
    );
  });

  it('gives the law its figures', () => {
    const result = checkLittlesLaw({
      durationUs: 2e6,
      inFlightAreaUs: 16e6,
      finished: 4_000,
      timeSumUs: 16e6,
    });
    expect(result).toEqual({
      holds: true,
      meanConcurrency: 8,
      ratePerSecond: 2_000,
      meanTimeUs: 4_000,
      difference: 0,
      violation: undefined,
    });
  });

  it('holds where nothing was sent, and not where a clock gave no number', () => {
    const nothing = { durationUs: 0, inFlightAreaUs: 0, finished: 0, timeSumUs: 0 };
    expect(checkLittlesLaw(nothing).holds).toBe(true);
    expect(
      checkLittlesLaw({ durationUs: 1, inFlightAreaUs: Number.NaN, finished: 1, timeSumUs: 1 }).holds,
    ).toBe(false);
    // A clock that jumped back: the integral is negative.
    expect(checkLittlesLaw({ durationUs: 1e6, inFlightAreaUs: -5, finished: 1, timeSumUs: 5 }).holds).toBe(
      false,
    );
  });
});
