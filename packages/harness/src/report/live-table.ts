import { formatCount } from '@aibench/core';
import type { WindowResult } from '../result/run-result.js';

const columns = [
  ['test time', 9],
  ['inferences/s', 14],
  ['inferences', 14],
  ['p50 ms', 10],
  ['p95 ms', 10],
  ['p99 ms', 10],
  ['failed', 8],
] as const;

/**
 * The heading of the table that grows by a line a period.
 *
 * @param batchSize rows of one request; where there are several, a request is more than an inference. Default 1
 */
export function liveTableHeader(batchSize = 1): string {
  return columns
    .map(([title, width]) =>
      (batchSize === 1 ? title : title.replace('inferences', 'requests')).padStart(width),
    )
    .join(' ');
}

/** One period as a line of that table; quantiles are those of the response time of its measured requests. */
export function liveTableLine(window: WindowResult, totalAnswered: number): string {
  const { responseTime } = window;
  const none = window.answered > 0 ? 'burn-in' : '-';
  const quantile = (us: number) => (responseTime.count > 0 ? formatMs(us) : none);
  const cells = [
    `${(window.endMs / 1_000).toFixed(1)}s`,
    formatCount(window.answeredPerSecond),
    formatCount(totalAnswered),
    quantile(responseTime.p50Us),
    quantile(responseTime.p95Us),
    quantile(responseTime.p99Us),
    formatCount(window.failed),
  ];
  return cells.map((cell, i) => cell.padStart(columns[i]![1])).join(' ');
}

/** Microseconds as milliseconds, to the three digits that the histogram keeps. */
export function formatMs(us: number): string {
  return (us / 1_000).toFixed(3);
}
