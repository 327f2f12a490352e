import { LatencyHistogram } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { summarizeLatency } from '../result/latency-summary.js';
import { Distributions } from './distributions.js';
import { sampleWidth } from './samples.js';
import { stageNames } from './stages.js';

const maybe = (us: fc.Arbitrary<number>) => fc.oneof(fc.constant(-1), us);
const us = fc.double({ min: 0, max: 4e7, noNaN: true });
const sample = fc
  .record({
    serviceUs: us,
    // As in a closed loop, where every request is sent when it is due, or not.
    delayUs: fc.oneof({ arbitrary: fc.constant(0), weight: 4 }, us),
    queryUs: maybe(us),
    stagesUs: fc.array(maybe(us), { minLength: stageNames.length, maxLength: stageNames.length }),
  })
  .map(({ serviceUs, delayUs, queryUs, stagesUs }) => [
    1,
    serviceUs,
    serviceUs + delayUs,
    1,
    queryUs,
    ...stagesUs,
  ]);

function recorded(samples: readonly number[][]): Distributions {
  const distributions = new Distributions();
  record(distributions, samples);
  return distributions;
}

function record(distributions: Distributions, samples: readonly number[][]): void {
  const flat = Float64Array.from(samples.flat());
  for (let at = 0; at < flat.length; at += sampleWidth) distributions.record(flat, at);
}

function parts({ serviceTime, responseTime, sendDelay, queryTime }: Distributions): unknown {
  const text = (histogram: LatencyHistogram) => [histogram.encode(), histogram.count, histogram.aboveRange];
  return [serviceTime, responseTime, sendDelay, queryTime].map(text);
}

describe('Distributions', () => {
  it('are the same merged as recorded together', () => {
    fc.assert(
      fc.property(fc.array(fc.array(sample, { maxLength: 15 }), { maxLength: 5 }), (threads) => {
        const merged = new Distributions();
        for (const samples of threads) merged.add(recorded(samples));
        const together = recorded(threads.flat());
        expect(parts(merged)).toEqual(parts(together));
        expect(merged.stages()).toEqual(together.stages());
      }),
      { numRuns: 40 },
    );
  });

  it('record response times as if they were apart from the first, and after a reset again', () => {
    fc.assert(
      fc.property(
        fc.array(sample, { maxLength: 15 }),
        fc.array(sample, { maxLength: 15 }),
        (old, samples) => {
          const responseTime = new LatencyHistogram();
          for (const [, , responseUs] of samples) responseTime.record(responseUs!);
          const distributions = recorded(old);
          distributions.reset();
          record(distributions, samples);
          expect(parts(distributions)).toEqual(parts(recorded(samples)));
          expect(distributions.stages()).toEqual(recorded(samples).stages());
          expect(distributions.latencies().responseTime).toEqual(summarizeLatency(responseTime));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('keep one summary for both times of a closed loop, and say what it says of each', () => {
    const none = stageNames.map(() => -1);
    const closed = recorded([[5_000, 100, 100, 1, -1, ...none]]).latencies();
    expect(closed.responseTime).toBe(closed.serviceTime);
    const open = recorded([[5_000, 100, 200, 1, -1, ...none]]).latencies();
    expect([open.serviceTime.maxUs, open.responseTime.maxUs]).toEqual([100, 200]);
  });

  it('keep each figure where it belongs', () => {
    const none = stageNames.map(() => -1);
    const { serviceTime, responseTime, sendDelay, queryTime } = recorded([
      [5_000, 100, 900, 1, -1, ...none],
      [6_000, 300, 300, 1, 700, ...none],
    ]);
    const ends = (histogram: LatencyHistogram) => [
      histogram.count,
      histogram.quantileUs(0),
      histogram.quantileUs(1),
    ];
    expect(ends(serviceTime)).toEqual([2, 100, 300]);
    expect(ends(responseTime)).toEqual([2, 300, 900]);
    // A histogram knows nothing below 1 us.
    expect(ends(sendDelay)).toEqual([2, 1, 800]);
    expect(ends(queryTime)).toEqual([1, 700, 700]);
  });
});
