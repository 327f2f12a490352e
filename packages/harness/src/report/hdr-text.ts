import { LatencyHistogram } from '@aibench/core';
import type { RunResult } from '../result/run-result.js';

/** Service time as HdrHistogram's percentile distribution, in ms: what HdrHistogram's plotter reads. */
export function hdrText(result: RunResult): string {
  return LatencyHistogram.decode(result.serviceTime.encodedHistogram).percentileDistribution();
}
