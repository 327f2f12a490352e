import { LatencyHistogram } from '@aibench/core';
import type { RunResult } from '../result/run-result.js';

/** Response time, in a closed loop the same as service time, as HdrHistogram's percentile distribution, in ms: what HdrHistogram's plotter reads. */
export function hdrText(result: RunResult): string {
  return LatencyHistogram.decode(result.responseTime.encodedHistogram).percentileDistribution();
}
