import type { LatencyHistogram } from '@aibench/core';

/** A distribution of latencies, in microseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly minUs: number;
  readonly meanUs: number;
  readonly standardDeviationUs: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p95Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  /** Latencies above 30 s, the end of the histogram's range, recorded as 30 s. */
  readonly aboveRange: number;
  /** HdrHistogram V2 compressed, base64: the full spectrum, to 3 digits. */
  readonly encodedHistogram: string;
}

/** What a histogram says, all zero when it is empty. */
export function summarizeLatency(histogram: LatencyHistogram): LatencySummary {
  return {
    count: histogram.count,
    minUs: histogram.quantileUs(0),
    meanUs: histogram.meanUs,
    standardDeviationUs: histogram.standardDeviationUs,
    p50Us: histogram.quantileUs(0.5),
    p90Us: histogram.quantileUs(0.9),
    p95Us: histogram.quantileUs(0.95),
    p99Us: histogram.quantileUs(0.99),
    p999Us: histogram.quantileUs(0.999),
    maxUs: histogram.quantileUs(1),
    aboveRange: histogram.aboveRange,
    encodedHistogram: histogram.encode(),
  };
}
