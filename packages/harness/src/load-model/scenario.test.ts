import { LatencyHistogram } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { type ScenarioMeasurement, scenarioMetric, scenarioNames, scenarios } from './scenario.js';

/** Queries of 1 to 1,000 ms, each once, over 700 s. */
function measured(changes: Partial<ScenarioMeasurement> = {}): ScenarioMeasurement {
  const queryLatency = new LatencyHistogram();
  for (let ms = 1; ms <= 1_000; ms++) queryLatency.record(ms * 1_000);
  return {
    queryLatency,
    samplesAnswered: 1_000,
    samplesLost: 0,
    lastQueryUs: 700e6,
    lastAnswerUs: 701e6,
    ...changes,
  };
}

describe('scenarios', () => {
  it('are the four of LoadGen under their names', () => {
    expect(Object.keys(scenarios)).toEqual([...scenarioNames]);
    for (const name of scenarioNames) expect(scenarios[name].name).toBe(name);
  });

  it('take the fewest queries from which a quantile can be told with 99 % confidence, where LoadGen says so', () => {
    // That is where at most one query above the quantile would come by chance in 1 of 100 runs.
    const { latencyQuantile, minQueries } = scenarios['multi-stream'];
    const p = latencyQuantile!;
    const chance = (n: number) => p ** n + n * (1 - p) * p ** (n - 1);
    expect(chance(minQueries)).toBeLessThanOrEqual(0.01);
    expect(chance(minQueries - 1)).toBeGreaterThan(0.01);
  });
});

describe('a shortfall', () => {
  const lasted = (us: number) =>
    scenarioMetric('single-stream', measured({ lastQueryUs: us })).shortfalls[0]?.split(',')[0];

  it('has figures that can be read, never rounded to what they fall short of', () => {
    expect(lasted(260_632.21099948886)).toBe('it lasted 0.2606 s');
    expect(lasted(599_999_999)).toBe('it lasted 599.9 s');
    expect(lasted(42)).toBe('it lasted 0.000042 s');
    expect(lasted(0)).toBe('it lasted 0 s');
    const queryLatency = { count: 1_000, quantileUs: () => 10_000.4 };
    expect(scenarioMetric('server', measured({ queryLatency })).shortfalls).toEqual([
      'p99 latency is 10.01 ms, above 10 ms',
    ]);
    const slow = { count: 1_000, quantileUs: () => 123_456_789 };
    expect(scenarioMetric('server', measured({ queryLatency: slow })).shortfalls).toEqual([
      'p99 latency is 123500 ms, above 10 ms',
    ]);
  });
});

describe('scenarioMetric', () => {
  it('single-stream: the 90th percentile of latency', () => {
    const result = scenarioMetric('single-stream', measured());
    expect(result).toMatchObject({ label: 'p90 latency', unit: 'us', shortfalls: [] });
    expect(result.value / 900_000).toBeCloseTo(1, 2);
    expect(result.latencyUs).toBe(result.value);
  });

  it('multi-stream: the 99th percentile of query latency', () => {
    const result = scenarioMetric('multi-stream', measured({ samplesAnswered: 8_000 }));
    expect(result).toMatchObject({ label: 'p99 query latency', unit: 'us', shortfalls: [] });
    expect(result.value / 990_000).toBeCloseTo(1, 2);
  });

  it('server: completed samples a second, the first left out, if the 99th percentile is within the bound', () => {
    const within = scenarioMetric('server', measured(), { latencyBoundUs: 1e6 });
    expect(within).toMatchObject({
      label: 'samples per second',
      unit: '1/s',
      value: 999 / 701,
      shortfalls: [],
    });
    const above = scenarioMetric('server', measured(), { latencyBoundUs: 500_000 });
    expect(above.value).toBe(within.value);
    expect(above.shortfalls).toEqual([expect.stringMatching(/^p99 latency is 99\d.* ms, above 500 ms$/)]);
    expect(scenarioMetric('server', measured()).shortfalls).toHaveLength(1);
  });

  it('offline: samples a second until the last answer, whatever their latency', () => {
    const result = scenarioMetric('offline', measured({ samplesAnswered: 70_100, lastQueryUs: 0 }));
    expect(result).toMatchObject({ value: 100, unit: '1/s', latencyUs: undefined, shortfalls: [] });
  });

  it('says why a run would not count', () => {
    const short = { lastQueryUs: 5e6, lastAnswerUs: 6e6, samplesLost: 3 };
    expect(scenarioMetric('single-stream', measured(short)).shortfalls).toEqual([
      'it lasted 5 s, not 600 s',
      '3 samples have no answer',
    ]);
    expect(scenarioMetric('offline', measured(short)).shortfalls).toEqual([
      'it lasted 6 s, not 600 s',
      '1000 samples were answered, not 24576',
      '3 samples have no answer',
    ]);
    expect(scenarioMetric('offline', measured(), { datasetSamples: 1_000 }).shortfalls).toEqual([]);
    expect(scenarioMetric('single-stream', measured(short), { minDurationUs: 5e6 }).shortfalls).toHaveLength(
      1,
    );
    expect(scenarioMetric('multi-stream', measured({ samplesPerQuery: 4 })).shortfalls).toEqual([
      'its queries had 4 samples, not 8',
    ]);
    expect(
      scenarioMetric('offline', measured({ samplesPerQuery: 4 }), { datasetSamples: 9 }).shortfalls,
    ).toEqual([]);
    const none = measured({ queryLatency: new LatencyHistogram(), samplesAnswered: 0, lastAnswerUs: 0 });
    expect(scenarioMetric('server', none)).toMatchObject({
      value: 0,
      latencyUs: 0,
      shortfalls: ['0 queries were answered, not 100'],
    });
  });
});
