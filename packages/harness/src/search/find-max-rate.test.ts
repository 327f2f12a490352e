import { AibenchError, Random } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LatencyFigures, parseConditions, type RateMeasurement } from './condition.js';
import { type FindMaxRateOptions, findMaxRate } from './find-max-rate.js';
import type { MaxRateResult } from './max-rate-result.js';

const conditions = parseConditions('p99<10ms');

/** All quantiles alike. */
function figures(latencyUs: number): LatencyFigures {
  return { count: 1_000, meanUs: latencyUs, quantileUs: () => latencyUs };
}

/** A server by its p99 at each rate. */
function measurementOf(ratePerSecond: number, p99Us: number): RateMeasurement {
  return {
    offeredPerSecond: ratePerSecond,
    achievedPerSecond: ratePerSecond,
    errorShare: 0,
    droppedShare: 0,
    response: figures(p99Us),
    service: figures(p99Us / 2),
  };
}

/** p99 of an M/M/1 queue's response time: exponential, with rate mu - lambda. Beyond mu there is none. */
function queueP99Us(ratePerSecond: number, capacityPerSecond: number): number {
  if (ratePerSecond >= capacityPerSecond) return Number.POSITIVE_INFINITY;
  return (Math.log(100) / (capacityPerSecond - ratePerSecond)) * 1e6;
}

type Options = Partial<FindMaxRateOptions<RateMeasurement>>;

function search(p99Us: (ratePerSecond: number) => number, options: Options = {}): Promise<MaxRateResult> {
  return findMaxRate({
    conditions,
    measure: async (rate) => measurementOf(rate, p99Us(rate)),
    ...options,
  });
}

/** Holds up to and including an edge. */
const cliff = (edge: number) => (rate: number) => (rate <= edge ? 1_000 : 100_000);

/** Rates of every magnitude between the default bounds. */
const anyRate = (min: number, max: number) =>
  fc.double({ min: Math.log(min), max: Math.log(max), noNaN: true }).map(Math.exp);

const rates = (result: MaxRateResult) => result.curve.map(({ ratePerSecond }) => ratePerSecond);

describe('findMaxRate', () => {
  it('finds the edge of a monotone curve to the resolution, from below', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyRate(1.1, 9e5),
        anyRate(1, 1e6),
        fc.constantFrom(0.2, 0.02, 0.005),
        async (edge, startPerSecond, resolution) => {
          const result = await search(cliff(edge), { startPerSecond, resolution, maxMeasurements: 200 });
          expect(result.verdict).toBe('found');
          expect(result.answerPerSecond).toBeLessThanOrEqual(edge);
          expect(result.answerPerSecond).toBeGreaterThanOrEqual(edge / (1 + resolution));
          expect(result.brokePerSecond).toBeGreaterThan(edge);
        },
      ),
    );
  });

  it('finds where a queue grows too long, within the default 30 measurements', async () => {
    await fc.assert(
      fc.asyncProperty(anyRate(2_000, 200_000), async (capacity) => {
        const edge = capacity - Math.log(100) / 0.01;
        const result = await search((rate) => queueP99Us(rate, capacity));
        expect(result.verdict).toBe('found');
        expect(result.answerPerSecond).toBeLessThan(edge);
        expect(result.answerPerSecond).toBeGreaterThanOrEqual(edge / 1.02);
        expect(result.curve.length).toBeLessThanOrEqual(30);
        expect(result.heldPerSecond).toBe(result.answerPerSecond);
      }),
    );
  });

  it('never measures more often than allowed, outside the bounds, or in another way the next time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        anyRate(1, 1e5),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(1, 3, 5),
        async (seed, edge, maxMeasurements, repeats) => {
          const bounds = { minPerSecond: 10, maxPerSecond: 5e4, maxMeasurements, repeats };
          const run = () => {
            const random = new Random(seed);
            // Half a coin near the edge, and now and then anything anywhere.
            const noisy = (rate: number) => {
              const stray = random.uniform() < 0.1 ? random.uniform() * 100 : 1;
              return 10_000 * (rate / edge) * (0.8 + 0.4 * random.uniform()) * stray;
            };
            return search(noisy, bounds);
          };
          const result = await run();
          expect(result.curve.length).toBeLessThanOrEqual(maxMeasurements);
          expect(rates(result).every((rate) => rate >= 10 && rate <= 5e4)).toBe(true);
          const again = await run();
          expect(rates(again)).toEqual(rates(result));
          expect(again.reason).toBe(result.reason);

          // Whatever is answered has held in the majority of its repeats, and no lower rate was refuted.
          const { answerPerSecond: answer } = result;
          const votes = (rate: number | undefined, held: boolean) =>
            result.curve.filter((point) => point.ratePerSecond === rate && point.evaluation.holds === held)
              .length;
          if (answer === undefined) expect(result.verdict).not.toBe('found');
          else {
            expect(votes(answer, true)).toBeGreaterThanOrEqual((repeats + 1) / 2);
            const lower = rates(result).filter((rate) => rate <= answer);
            expect(lower.every((rate) => votes(rate, false) < (repeats + 1) / 2)).toBe(true);
          }
        },
      ),
    );
  });

  it('is near the edge under noise about as large as the resolution', async () => {
    // p99 grows with the square of the rate, so noise of 5 % either way blurs the edge by 2.5 % either way.
    const edge = 3_000;
    const random = new Random(7);
    const answers: number[] = [];
    for (let run = 0; run < 200; run++) {
      const result = await search(
        (rate) => 10_000 * (rate / edge) ** 2 * (1 + 0.1 * (random.uniform() - 0.5)),
      );
      expect(result.verdict).toBe('found');
      answers.push(result.answerPerSecond!);
    }
    expect(Math.min(...answers)).toBeGreaterThan(edge * 0.93);
    expect(Math.max(...answers)).toBeLessThan(edge * 1.03);
  });

  it('is not led astray by one bad measurement at a low rate', async () => {
    const strays = new Set([400, 3_200]);
    const result = await search((rate) => (strays.delete(rate) ? 50_000 : cliff(5_000)(rate)));
    expect(result.verdict).toBe('found');
    expect(result.answerPerSecond).toBeGreaterThanOrEqual(5_000 / 1.02);
    expect(strays.size).toBe(0);
  });

  it('takes back a rate that held by chance, and goes on below it', async () => {
    let luck = 1;
    const result = await search((rate) => (rate > 1_000 && luck-- > 0 ? 1_000 : cliff(1_000)(rate)));
    expect(result.verdict).toBe('found');
    expect(result.answerPerSecond).toBeLessThanOrEqual(1_000);
    expect(result.answerPerSecond).toBeGreaterThanOrEqual(1_000 / 1.02);
  });

  it('goes down where the start is too high already', async () => {
    const result = await search(cliff(33), { startPerSecond: 10_000, maxMeasurements: 60 });
    expect(result.verdict).toBe('found');
    expect(result.answerPerSecond).toBeGreaterThanOrEqual(33 / 1.02);
    expect(result.answerPerSecond).toBeLessThanOrEqual(33);
  });

  it('says when a condition holds at every rate tried', async () => {
    const result = await search(() => 1_000, { maxPerSecond: 1_000 });
    expect(result).toMatchObject({ verdict: 'holds-at-every-rate-tried', answerPerSecond: 1_000 });
    expect(rates(result)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(result.brokePerSecond).toBeUndefined();
    expect(result.reason).toContain('raise --max-rate');
  });

  it('says when it holds at none, and why', async () => {
    const result = await search(() => 20_000, { minPerSecond: 30 });
    expect(result).toMatchObject({
      verdict: 'holds-at-none',
      answerPerSecond: undefined,
      brokePerSecond: 30,
    });
    expect(rates(result)).toEqual([100, 100, 50, 50, 30, 30]);
    expect(result.reason).toContain('response p99 was 20ms, which is not < 10ms');
    expect(result.reason).toContain('lower --min-rate');
  });

  it('ends when the server dies, with what there is', async () => {
    const result = await search((rate) => {
      if (rate > 500) throw new AibenchError('AIBENCH_CONNECTION', 'the server is gone');
      return 1_000;
    });
    expect(result).toMatchObject({
      verdict: 'ended',
      code: 'AIBENCH_CONNECTION',
      reason: 'the measurement at 800/s failed: the server is gone; before that 400/s held',
      answerPerSecond: undefined,
      heldPerSecond: 400,
    });
    expect(rates(result)).toEqual([100, 200, 400]);
  });

  it('ends at the first measurement too', async () => {
    const result = await search(() => {
      throw new TypeError('a bug');
    });
    expect(result).toMatchObject({ verdict: 'ended', code: 'AIBENCH_UNKNOWN', curve: [] });
    expect(result.reason).toContain('a bug');
  });

  it('ends when it is interrupted', async () => {
    const abort = new AbortController();
    const result = await search(cliff(1_000), {
      signal: abort.signal,
      onMeasured: ({ ratePerSecond }) => ratePerSecond === 200 && abort.abort(),
    });
    const reason = 'the search was interrupted: 200/s held';
    expect(result).toMatchObject({ verdict: 'ended', code: 'AIBENCH_INTERRUPTED', reason });
    expect(rates(result)).toEqual([100, 200]);
  });

  it('spends its last measurements on an answer that has held', async () => {
    for (let maxMeasurements = 3; maxMeasurements < 18; maxMeasurements++) {
      const result = await search(cliff(1_000), { maxMeasurements });
      expect(result.curve.length).toBeLessThanOrEqual(maxMeasurements);
      expect(result.answerPerSecond).toBeGreaterThanOrEqual(100);
      if (result.verdict === 'ended') expect(result.reason).toContain(`${maxMeasurements} measurements`);
    }
  });

  it('tells of every measurement in order, each with what held', async () => {
    const seen: unknown[] = [];
    const result = await search(cliff(150), { onMeasured: (point) => seen.push(point) });
    expect(seen).toEqual(result.curve);
    expect(
      result.curve
        .slice(0, 3)
        .map(({ ratePerSecond, step, evaluation }) => [ratePerSecond, step, evaluation.holds]),
    ).toEqual([
      [100, 'bracket', true],
      [200, 'bracket', false],
      [200, 'repeat', false],
    ]);
    expect(result.curve.some(({ step }) => step === 'bisect')).toBe(true);
  });

  it.each([
    [{ minPerSecond: 0 }, '--min-rate'],
    [{ minPerSecond: Number.NaN }, '--min-rate'],
    [{ minPerSecond: 20, maxPerSecond: 10 }, '--max-rate'],
    [{ maxPerSecond: Number.POSITIVE_INFINITY }, '--max-rate'],
    [{ startPerSecond: 5, minPerSecond: 10 }, '--min-rate'],
    [{ startPerSecond: 2e6 }, '--max-rate'],
    [{ conditions: [] }, '--find-max-rate'],
    [{ resolution: 0 }, 'resolution'],
    [{ repeats: 2 }, 'repeats'],
    [{ maxMeasurements: 0 }, 'measurements'],
  ] as const)('rejects %j', async (options, named) => {
    const error = await search(() => 1, options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'AIBENCH_USAGE' });
    const { message, hint } = error as AibenchError;
    expect(`${message} ${hint}`).toContain(named);
  });
});
