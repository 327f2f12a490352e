import { formatCount, formatDurationMs } from '@aibench/core';
import Table from 'cli-table3';
import { stageNames } from '../engine/stages.js';
import type { ScenarioResult } from '../load-model/scenario.js';
import type { SteadyStateVerdict } from '../load-model/steady-state.js';
import type { LatencySummary } from '../result/latency-summary.js';
import type { CalibrationResult, LoadSettings, RunResult } from '../result/run-result.js';
import { formatMs } from './live-table.js';

/** The summary that ends a run: what was asked of whom, what came of it, and what the client itself cost. */
export function summaryText(result: RunResult): string {
  const sections = [facts(result), latencyTable(result), ...verdictLines(result), ...failureLines(result)];
  return `${sections.join('\n')}\n`;
}

function facts(result: RunResult): string {
  const { load, server, client } = result;
  const rows: [string, string][] = [
    [
      'Server',
      `${server.product} ${server.version}${server.isReference ? ' (the embedded reference server)' : ''}`,
    ],
    ['Use case', useCaseLine(result)],
    ['Load', `${loadLine(load)}, ${load.workers} workers on ${plural(load.threads, 'thread')}`],
    ['Requests', requestsLine(result)],
    ['Throughput', throughputLine(result)],
  ];
  // Of a burst, all are due at once and nearly all are late: that tells nothing.
  if (load.model === 'open-loop' && load.schedule?.kind !== 'burst')
    rows.push(['Schedule', scheduleLine(result)]);
  rows.push(['Client', `${client.cpuPerRequestUs.toFixed(1)} us CPU a request, ${busyText(result)}`]);
  if (load.verify) rows.push(['Verified', verifiedLine(result)]);
  return rows.map(([name, text]) => `${name.padEnd(11)} ${text}`).join('\n');
}

function useCaseLine({ useCase, load, rowNoun }: RunResult): string {
  if (rowNoun !== undefined)
    return `${useCase}, ${plural(load.batchSize, rowNoun.replace(/s$/, ''))} a request`;
  return `${useCase}, ${load.withReference ? 'with' : 'without'} reference data`;
}

function throughputLine({ counts, load, rates, rowNoun }: RunResult): string {
  const { measuredPerSecond, measuredRowsPerSecond, measuredDurationMs, includingBurnInPerSecond } = rates;
  const rate =
    rowNoun === undefined
      ? `${formatCount(measuredPerSecond)} inferences/s`
      : `${formatRate(measuredRowsPerSecond)} ${rowNoun}/s in ${formatRate(measuredPerSecond)} requests/s of ${load.batchSize}`;
  const withBurnIn = counts.burnIn > 0 ? ` (${formatCount(includingBurnInPerSecond)}/s with burn-in)` : '';
  return `${rate} over ${formatDurationMs(Math.round(measuredDurationMs))}${withBurnIn}`;
}

/** Images take so long that tenths count. */
function formatRate(perSecond: number): string {
  return perSecond < 100 ? perSecond.toFixed(1) : formatCount(perSecond);
}

function loadLine({ model, schedule, limitRps }: LoadSettings): string {
  if (model === 'closed-loop') {
    return limitRps > 0 ? `closed loop, at most ${formatCount(limitRps)}/s` : 'closed loop';
  }
  switch (schedule?.kind) {
    case 'rate':
      return `open loop, ${formatCount(schedule.ratePerSecond)}/s, ${schedule.spacing.kind} arrivals`;
    case 'stages':
      return `open loop, ${plural(schedule.stages.length, 'ramp')}, ${schedule.spacing.kind} arrivals`;
    case 'trace':
      return `open loop, a trace of ${formatCount(schedule.count)} arrivals`;
    default:
      return 'everything at once';
  }
}

/** What the client could not send when it was due. */
function scheduleLine({ counts }: RunResult): string {
  const due = counts.sent + counts.dropped + counts.unsent;
  const parts = [`${formatCount(due)} due`, `${formatCount(counts.late)} sent over 1 ms late`];
  const noWorker = counts.late - counts.lateByClient;
  if (noWorker > 0) parts.push(`${formatCount(noWorker)} of them for want of a free worker (see --workers)`);
  if (counts.dropped > 0) parts.push(`${formatCount(counts.dropped)} dropped`);
  if (counts.unsent > 0) parts.push(`${formatCount(counts.unsent)} never sent`);
  return parts.join(', ');
}

function busyText({ client }: RunResult): string {
  const shares = client.threads.map(({ eventLoopUtilization, polledMs, durationMs }) => {
    const busy = durationMs > 0 ? eventLoopUtilization - polledMs / durationMs : 0;
    return `${Math.round(Math.max(0, busy) * 100)} %`;
  });
  return `load threads ${shares.join(', ')} busy`;
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

function latencyTable({ load, serviceTime, responseTime, sendDelay, queryTime, stages }: RunResult): string {
  const table = new Table({
    head: ['ms', 'mean', 'min', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max'],
    colAligns: ['left', ...Array<'right'>(8).fill('right')],
    style: { head: [], border: [], compact: true },
  });
  if (queryTime !== undefined) table.push(latencyRow('query time', queryTime));
  if (load.model === 'open-loop') {
    table.push(latencyRow('response time', responseTime), latencyRow('  send delay', sendDelay));
  }
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

/** What the figures are worth: MLPerf's figure, the steady state, the client's share, the books. */
function verdictLines({ scenario, steadyState, client, conservation, serviceTime }: RunResult): string[] {
  const lines: string[] = [];
  if (scenario !== undefined) lines.push(...scenarioLines(scenario));
  if (steadyState !== undefined) lines.push(`Steady      ${steadyLine(steadyState)}`);
  if (client.calibration !== undefined)
    lines.push(`Calibration ${calibrationLine(client.calibration, serviceTime)}`);
  for (const reason of client.verdict.reasons) lines.push(`CLIENT-BOUND ${reason}`);
  for (const note of client.verdict.notes) lines.push(`Note        ${note}`);
  for (const unchecked of conservation.unchecked ?? []) lines.push(`Note        ${unchecked}`);
  for (const violation of conservation.violations) lines.push(`WRONG BOOKS ${violation}`);
  return lines;
}

/** What the client takes by itself, the null server included, so it is that at most. */
function calibrationLine({ serviceTime: alone }: CalibrationResult, serviceTime: LatencySummary): string {
  const part = (name: string, aloneUs: number, wholeUs: number) => {
    const share = wholeUs > 0 ? ` (${Math.round((aloneUs / wholeUs) * 100)} %)` : '';
    return `${formatMs(aloneUs)} of ${formatMs(wholeUs)} ms ${name}${share}`;
  };
  const p50 = part('p50', alone.p50Us, serviceTime.p50Us);
  const p99 = part('p99', alone.p99Us, serviceTime.p99Us);
  return `at most ${p50} and ${p99} are the client's own`;
}

function scenarioLines({ scenario, label, value, unit, shortfalls }: ScenarioResult): string[] {
  const figure = unit === 'us' ? `${formatMs(value)} ms` : `${formatCount(value)}/s`;
  return [
    `MLPerf      ${scenario}: ${label} ${figure}`,
    ...shortfalls.map((shortfall) => `            does not count by LoadGen's rules: ${shortfall}`),
  ];
}

function steadyLine({ steady, kind, rateSpread, quantileSpread }: SteadyStateVerdict): string {
  if (rateSpread === undefined || quantileSpread === undefined) {
    const why = kind === 'idle' ? 'nothing was answered in one of the last windows' : 'too few windows';
    return `NOT REACHED: ${why}`;
  }
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const spreads = `rate within ${percent(rateSpread)}, latency within ${percent(quantileSpread)}`;
  return steady
    ? `yes: ${spreads} over the windows measured`
    : `NOT REACHED: ${spreads} over the last windows`;
}

function failureLines({ counts, outcome }: RunResult): string[] {
  const lines = counts.failures.map(
    ({ code, status, count, firstMessage }) =>
      `Failed      ${formatCount(count)} x ${code}${status === undefined ? '' : ` ${status}`}, the first: ${firstMessage}`,
  );
  if (outcome.kind !== 'completed') lines.push(`Outcome     ${outcome.kind}: ${outcome.reason ?? ''}`);
  return lines;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
