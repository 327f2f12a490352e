import { LatencyHistogram } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { exampleResult } from './example-result.test.fixture.js';
import { resultJson } from './json.js';

const json = JSON.parse(resultJson(exampleResult));

describe('resultJson', () => {
  it('has the keys of the Go suite, in its units', () => {
    expect(json).toMatchObject({
      ResultFormatVersion: '1.0',
      Limit: 10,
      MetadataAutobatching: 4,
      TensorBatchSize: 1,
      Workers: 8,
      MaxRps: 500,
      TestDescription: 'an example',
      DBSpecificConfigs: { product: 'RedisAI', version: '1.2.7', host: 'a:6379', shards: 3 },
      // Unix seconds.
      StartTime: 1_700_000_000,
      EndTime: 1_700_000_002,
      DurationMillis: 2_667,
      Totals: { TotalQueries: 10, TotalInferences: 8, TotalErrors: 2, BurnIn: 3 },
      OverallRates: { overallOpsRate: 2.5 },
      OverallRatesIncludingWarmup: { overallOpsRate: 3 },
    });
  });

  it('has quantiles in milliseconds, and the whole histogram in the form of HdrHistogram', () => {
    const { AllQueries, EncodedHistogram } = json.OverallQuantiles;
    expect(AllQueries.q0).toBeCloseTo(1, 2);
    expect(AllQueries.q50).toBeCloseTo(2, 2);
    for (const key of ['q95', 'q99', 'q999', 'q100']) expect(AllQueries[key]).toBeCloseTo(8, 1);
    expect(LatencyHistogram.decode(EncodedHistogram).count).toBe(5);
  });

  it('has an entry a period by unix nanoseconds, two in the same millisecond as well', () => {
    const entries = Object.entries<Record<string, never>>(json.ClientRunTimeStats);
    expect(entries.map(([key]) => key)).toEqual([
      '1700000001000000000',
      '1700000002000000000',
      '1700000002000500000',
    ]);
    for (const [, entry] of entries) {
      expect(Object.keys(entry).sort()).toEqual([
        'EncodedHistogram',
        'InferenceRate',
        'Quantiles',
        'TestTime',
      ]);
    }
    expect(entries[1]![1]).toMatchObject({
      InferenceRate: 2,
      TestTime: 2,
      Quantiles: { q100: expect.closeTo(2, 2) },
    });
    expect(json.ServerRunTimeStats).toEqual({ '1700000001001000000': { 'a:6379': { calls: 12 } } });
  });

  it('has the whole record besides', () => {
    expect(json.Result).toEqual(JSON.parse(JSON.stringify(exampleResult)));
    expect(resultJson(exampleResult).endsWith('}\n')).toBe(true);
  });
});
