import { formatCount } from '@aibench/core';
import Table from 'cli-table3';
import { firstOf } from '../search/search-runs.js';
import type { SweepPoint, SweepRunsResult } from '../search/sweep-runs.js';
import { resultObject } from './json.js';
import { formatMs } from './live-table.js';

/** Version of a sweep's JSON; raised when a field changes its meaning or goes. */
export const sweepFormatVersion = '1.0';

/** One run of a sweep as a line, as it ends. */
export function sweepLine(variable: string, { value, result }: SweepPoint): string {
  const { rates, responseTime, counts, client, outcome } = result;
  const failed = counts.failed > 0 ? `, ${formatCount(counts.failed)} failed` : '';
  const bound = client.verdict.clientBound ? ' [CLIENT-BOUND]' : '';
  const end = outcome.kind === 'completed' ? '' : ` - ${outcome.kind}: ${outcome.reason ?? ''}`;
  return (
    `${variable}=${value}: ${formatCount(rates.measuredPerSecond)}/s, response p50 ${formatMs(responseTime.p50Us)} ms, ` +
    `p99 ${formatMs(responseTime.p99Us)} ms${failed}${bound}${end}`
  );
}

/** The summary that ends a sweep: one line for each value. */
export function sweepText({ variable, outcome, points, values }: SweepRunsResult): string {
  const { server, useCase } = points[0]!.result;
  const head = [
    variable,
    'inferences/s',
    'p50 ms',
    'p90 ms',
    'p99 ms',
    'p99.9 ms',
    'failed',
    'us CPU',
    'client',
  ];
  const table = new Table({
    head,
    colAligns: Array<'right'>(head.length).fill('right'),
    style: { head: [], border: [], compact: true },
  });
  for (const { value, result } of points) {
    const { rates, responseTime: time, counts, client } = result;
    table.push([
      String(value),
      formatCount(rates.measuredPerSecond),
      ...[time.p50Us, time.p90Us, time.p99Us, time.p999Us].map(formatMs),
      formatCount(counts.failed + counts.cutOff),
      client.cpuPerRequestUs.toFixed(1),
      client.verdict.clientBound ? 'bound' : 'ok',
    ]);
  }
  const lines = [
    `Server      ${server.product} ${server.version}${server.isReference ? ' (the embedded reference server)' : ''}`,
    `Use case    ${useCase}`,
    `Swept       ${variable} over ${points.length} of ${values.length} values; latencies are response times`,
    table.toString(),
    ...points
      .filter(({ result }) => result.client.verdict.clientBound)
      .map(
        ({ value, result }) =>
          `CLIENT-BOUND at ${variable}=${value} ${firstOf(result.client.verdict.reasons)}`,
      ),
  ];
  if (outcome.kind !== 'completed') lines.push(`Outcome     ${outcome.kind} ${outcome.reason ?? ''}`);
  return `${lines.join('\n')}\n`;
}

/**
 * A sweep as JSON: under `Sweep` the variable, its values and the main figures of
 * each run; under `Results` each run, as a file of its own would hold it, in the
 * same order.
 */
export function sweepJson({ variable, values, outcome, points }: SweepRunsResult): string {
  const file = {
    SweepFormatVersion: sweepFormatVersion,
    Sweep: {
      variable,
      values,
      outcome,
      points: points.map(({ value, result }, index) => ({
        value,
        measuredPerSecond: result.rates.measuredPerSecond,
        p50Us: result.responseTime.p50Us,
        p99Us: result.responseTime.p99Us,
        failed: result.counts.failed + result.counts.cutOff,
        clientBound: result.client.verdict.clientBound,
        result: index,
      })),
    },
    Results: points.map(({ result }) => resultObject(result)),
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}
