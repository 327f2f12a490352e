import type { LatencyHistogram } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Distributions } from './distributions.js';
import { sampleWidth } from './samples.js';
import { stageNames } from './stages.js';

const maybe = (us: fc.Arbitrary<number>) => fc.oneof(fc.constant(-1), us);
const us = fc.double({ min: 0, max: 4e7, noNaN: true });
const sample = fc
  .record({
    serviceUs: us,
    delayUs: us,
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
  const flat = Float64Array.from(samples.flat());
  for (let at = 0; at < flat.length; at += sampleWidth) distributions.record(flat, at);
  return distributions;
}

function parts({ serviceTime, responseTime, sendDelay, queryTime, ...rest }: Distributions): unknown {
  const text = (histogram: LatencyHistogram) => [histogram.encode(), histogram.count, histogram.aboveRange];
  return { all: [serviceTime, responseTime, sendDelay, queryTime].map(text), rest };
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
