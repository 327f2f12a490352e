import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyHistogram, latencyRange } from './latency-histogram.js';

const { highestUs } = latencyRange;
/** Latencies of every magnitude, with fractions. */
const latencyUs = fc.oneof(
  fc.double({ min: 0, max: Math.log(highestUs), noNaN: true }).map(Math.exp),
  fc.double({ min: 0, max: 3, noNaN: true }),
  fc.constantFrom(1, 2_047, 2_048, 2_049, highestUs - 1, highestUs),
);
const latencies = fc.array(latencyUs, { minLength: 1, maxLength: 300 });
const quantiles = [0, 0.001, 0.07, 0.25, 0.29, 0.5, 0.9, 0.95, 0.99, 0.999, 1];

function record(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** All that a histogram says. */
function facts(histogram: LatencyHistogram): unknown {
  return {
    count: histogram.count,
    mean: histogram.meanUs,
    deviation: histogram.standardDeviationUs,
    quantiles: quantiles.map((quantile) => histogram.quantileUs(quantile)),
    encoded: histogram.encode(),
  };
}

/** The smallest sample that at least a share `quantile` of all do not exceed, as it is recorded: whole us. */
function exactQuantileUs(values: readonly number[], quantile: number): number {
  const sorted = values.map((value) => Math.max(1, Math.round(value))).sort((a, b) => a - b);
  // As the histogram does it: a product one rounding error above a whole number must not skip a sample.
  const rank = Math.max(1, Math.ceil(quantile * sorted.length - 1e-9));
  return sorted[rank - 1]!;
}

describe('LatencyHistogram', () => {
  it('gives every quantile to three significant digits of the exact one', () => {
    fc.assert(
      fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, any) => {
        const histogram = record(values);
        expect(histogram.count).toBe(values.length);
        for (const quantile of [...quantiles, any]) {
          const exactUs = exactQuantileUs(values, quantile);
          expect(Math.abs(histogram.quantileUs(quantile) - exactUs)).toBeLessThanOrEqual(exactUs / 1_000);
        }
      }),
    );
  });

  it('gives mean and deviation to three significant digits', () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const histogram = record(values);
        const rounded = values.map((value) => Math.max(1, Math.round(value)));
        const mean = rounded.reduce((sum, value) => sum + value, 0) / rounded.length;
        const deviation = Math.sqrt(
          rounded.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rounded.length,
        );
        expect(Math.abs(histogram.meanUs - mean)).toBeLessThanOrEqual(mean / 1_000);
        expect(Math.abs(histogram.standardDeviationUs - deviation)).toBeLessThanOrEqual(
          Math.max(...rounded) / 1_000,
        );
      }),
    );
  });

  it('is the same merged as recorded together, in any order', () => {
    fc.assert(
      fc.property(fc.array(latencies, { maxLength: 5 }), (parts) => {
        const merged = new LatencyHistogram();
        for (const part of [...parts].reverse()) merged.add(record(part));
        expect(facts(merged)).toEqual(facts(record(parts.flat())));
      }),
      { numRuns: 30 },
    );
  });

  it('is the same after it was written and read, and can still be added to', () => {
    fc.assert(
      fc.property(latencies, latencies, (values, more) => {
        const decoded = LatencyHistogram.decode(record(values).encode());
        expect(facts(decoded)).toEqual(facts(record(values)));
        decoded.add(record(more));
        expect(facts(decoded)).toEqual(facts(record([...values, ...more])));
      }),
      { numRuns: 30 },
    );
  });

  it('counts what is below its range as 1 us', () => {
    const histogram = record([0, -0, 0.2, -5, Number.NEGATIVE_INFINITY]);
    expect([histogram.count, histogram.aboveRange]).toEqual([5, 0]);
    expect(histogram.quantileUs(1)).toBe(1);
  });

  it('counts what is above its range, or no number, as 30 s and says so', () => {
    const histogram = record([highestUs, highestUs + 1, 1e12, Number.POSITIVE_INFINITY, Number.NaN]);
    expect([histogram.count, histogram.aboveRange]).toEqual([5, 4]);
    for (const quantile of quantiles) {
      expect(Math.abs(histogram.quantileUs(quantile) - highestUs)).toBeLessThanOrEqual(highestUs / 1_000);
    }
    const merged = record([1, 1e9]);
    merged.add(histogram);
    expect([merged.count, merged.aboveRange]).toEqual([7, 5]);
  });

  it('takes whatever number it is given', () => {
    fc.assert(
      fc.property(fc.array(fc.double()), (values) => {
        const histogram = record(values);
        expect(histogram.count).toBe(values.length);
        expect(LatencyHistogram.decode(histogram.encode()).count).toBe(values.length);
      }),
    );
  });

  it('says zero of everything when it is empty, and after a reset', () => {
    const used = record([3, 4, 1e9]);
    used.reset();
    for (const histogram of [new LatencyHistogram(), used, LatencyHistogram.decode(used.encode())]) {
      expect([
        histogram.count,
        histogram.aboveRange,
        histogram.meanUs,
        histogram.standardDeviationUs,
      ]).toEqual([0, 0, 0, 0]);
      expect(quantiles.map((quantile) => histogram.quantileUs(quantile))).toEqual(quantiles.map(() => 0));
      expect(histogram.percentileDistribution()).toContain('Total count    =            0');
    }
  });

  it('refuses what is no histogram', () => {
    expect(() => LatencyHistogram.decode('no histogram')).toThrow();
  });

  it('writes its distribution in milliseconds', () => {
    const text = record([1_500, 2_500]).percentileDistribution();
    expect(text).toMatch(/^\s+1\.500 0\.0+ +1 +1\.00$/m);
    expect(text).toMatch(/^\s+2\.501 1\.0+ +2$/m);
    expect(text).toMatch(/Max +=\s+2\.50/);
  });
});
