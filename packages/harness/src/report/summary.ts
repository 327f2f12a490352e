import { formatCount, formatDurationMs } from '@aibench/core';
import Table from 'cli-table3';
import { stageNames } from '../engine/stages.js';
import type { LatencySummary } from '../result/latency-summary.js';
import type { RunResult } from '../result/run-result.js';
import { formatMs } from './live-table.js';

/** The summary that ends a run: what was asked of whom, what came of it, and what the client itself cost. */
export function summaryText(result: RunResult): string {
  const sections = [facts(result), latencyTable(result), ...failureLines(result)];
  return `${sections.join('\n')}\n`;
}

function facts(result: RunResult): string {
  const { load, counts, rates, server, client } = result;
  const reference = load.withReference ? 'with reference data' : 'without reference data';
  const limit = load.limitRps > 0 ? `, at most ${formatCount(load.limitRps)}/s` : '';
  const busy = client.eventLoopUtilization.map((share) => `${Math.round(share * 100)} %`).join(', ');
  const rows: [string, string][] = [
    [
      'Server',
      `${server.product} ${server.version}${server.isReference ? ' (the embedded reference server)' : ''}`,
    ],
    ['Use case', `${result.useCase}, ${reference}`],
    ['Load', `closed loop, ${load.workers} workers on ${plural(load.threads, 'thread')}${limit}`],
    ['Requests', requestsLine(result)],
    [
      'Throughput',
      `${formatCount(rates.measuredPerSecond)} inferences/s over ${formatDurationMs(Math.round(rates.measuredDurationMs))}` +
        (counts.burnIn > 0 ? ` (${formatCount(rates.includingBurnInPerSecond)}/s with burn-in)` : ''),
    ],
    ['Client', `${client.cpuPerRequestUs.toFixed(1)} us CPU a request, load threads ${busy} busy`],
  ];
  if (load.verify) rows.push(['Verified', verifiedLine(result)]);
  return rows.map(([name, text]) => `${name.padEnd(11)} ${text}`).join('\n');
}

function requestsLine({ counts }: RunResult): string {
  const parts = [`${formatCount(counts.sent)} sent`, `${formatCount(counts.answered)} answered`];
  if (counts.burnIn > 0) parts.push(`${formatCount(counts.burnIn)} of them burn-in`);
  parts.push(`${formatCount(counts.failed)} failed`);
  if (counts.cutOff > 0) parts.push(`${formatCount(counts.cutOff)} cut off`);
  if (counts.reconnects > 0) parts.push(`${formatCount(counts.reconnects)} reconnects`);
  return parts.join(', ');
}

function verifiedLine({ counts }: RunResult): string {
  const right = counts.verified - counts.mismatched;
  if (counts.mismatched > 0)
    return `${formatCount(counts.mismatched)} of ${formatCount(counts.verified)} answers are WRONG`;
  return `${formatCount(right)} of ${formatCount(counts.answered)} answers, all right`;
}

function latencyTable({ serviceTime, stages }: RunResult): string {
  const table = new Table({
    head: ['ms', 'mean', 'min', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max'],
    colAligns: ['left', ...Array<'right'>(8).fill('right')],
    style: { head: [], border: [], compact: true },
  });
  table.push(latencyRow('service time', serviceTime));
  for (const stage of stageNames) {
    const summary = stages[stage];
    if (summary !== undefined) table.push(latencyRow(`  ${stage}`, summary));
  }
  return table.toString();
}

function latencyRow(name: string, summary: LatencySummary): string[] {
  const { meanUs, minUs, p50Us, p90Us, p95Us, p99Us, p999Us, maxUs } = summary;
  return [name, ...[meanUs, minUs, p50Us, p90Us, p95Us, p99Us, p999Us, maxUs].map(formatMs)];
}

function failureLines({ counts, outcome }: RunResult): string[] {
  const lines = counts.failures.map(
    ({ code, count, firstMessage }) =>
      `Failed      ${formatCount(count)} x ${code}, the first: ${firstMessage}`,
  );
  if (outcome.kind !== 'completed') lines.push(`Outcome     ${outcome.kind}: ${outcome.reason ?? ''}`);
  return lines;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
