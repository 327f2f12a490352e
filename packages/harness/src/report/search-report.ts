import { formatDurationMs } from '@aibench/core';
import Table from 'cli-table3';
import { shownRate } from '../search/find-max-rate.js';
import type { SearchPoint, SearchRunsResult } from '../search/search-runs.js';
import { resultObject } from './json.js';
import { formatMs } from './live-table.js';

/** Version of a search's JSON; raised when a field changes its meaning or goes. */
export const searchFormatVersion = '1.0';

/** One measurement as a line, as it ends. */
export function searchLine({ ratePerSecond, evaluation, measurement }: SearchPoint): string {
  const { achievedPerSecond, response, client } = measurement;
  const figures =
    `${shownRate(achievedPerSecond)} answered, response p50 ${formatMs(response.quantileUs(0.5))} ms, ` +
    `p99 ${formatMs(response.quantileUs(0.99))} ms`;
  const verdict = evaluation.holds ? 'holds' : `does not hold: ${evaluation.reasons.join('; ')}`;
  const bound = client.clientBound ? ' [CLIENT-BOUND]' : '';
  return `${shownRate(ratePerSecond).padStart(10)}: ${figures} - ${verdict}${bound}`;
}

/** The summary that ends a search: the answer, what it stands on, and the curve, by rate. */
export function searchText(found: SearchRunsResult): string {
  const { plan, search, client, notes, results } = found;
  const { server, load, useCase } = results[0]!;
  const what = plan.conditions.map(({ text }) => text).join(' and ');
  const arrivals = load.schedule?.kind === 'rate' ? `${load.schedule.spacing.kind} arrivals, ` : '';
  const threads = `${load.threads} thread${load.threads === 1 ? '' : 's'}`;
  const answer = search.answerPerSecond === undefined ? 'no rate' : shownRate(search.answerPerSecond);
  const lines = [
    `Server      ${server.product} ${server.version}${server.isReference ? ' (the embedded reference server)' : ''}`,
    `Use case    ${useCase}`,
    `Searched    ${what}, from ${shownRate(plan.minPerSecond)} to ${shownRate(plan.maxPerSecond)}`,
    `Measured    ${search.curve.length} times ${formatDurationMs(plan.durationMs)}, ${arrivals}${load.workers} workers on ${threads}`,
    `Max rate    ${answer} (${search.verdict})`,
    `Verdict     ${search.reason}`,
    ...client.reasons.map((reason) => `CLIENT-BOUND ${reason}`),
    ...notes.map((note) => `Note        ${note}`),
  ];
  return `${lines.join('\n')}\n${curveTable(search.curve)}\n`;
}

function curveTable(curve: readonly SearchPoint[]): string {
  const conditions = curve[0]?.evaluation.findings.map(({ condition }) => condition) ?? [];
  const head = ['rate/s', 'answered/s', 'p50 ms', 'p99 ms', ...conditions, 'client', 'holds'];
  const table = new Table({
    head,
    colAligns: Array<'right'>(head.length).fill('right'),
    style: { head: [], border: [], compact: true },
  });
  const byRate = [...curve].sort((a, b) => a.ratePerSecond - b.ratePerSecond);
  for (const { ratePerSecond, evaluation, measurement } of byRate) {
    const { achievedPerSecond, response, client } = measurement;
    table.push([
      shownRate(ratePerSecond).slice(0, -2),
      achievedPerSecond.toFixed(1),
      ...[0.5, 0.99].map((quantile) => formatMs(response.quantileUs(quantile))),
      ...evaluation.findings.map(({ condition, value }) => figure(condition, value)),
      client.clientBound ? 'bound' : 'ok',
      evaluation.holds ? 'yes' : 'no',
    ]);
  }
  return table.toString();
}

function figure(condition: string, value: number): string {
  if (Number.isNaN(value)) return '?';
  return condition.endsWith('%') ? `${Number((value * 100).toPrecision(3))} %` : `${formatMs(value)} ms`;
}

/**
 * A search as JSON: under `Search` what was asked, what was found and the whole
 * curve; under `Results` each run, as a file of its own would hold it. A point's
 * `result` is its place among them.
 */
export function searchJson({ plan, search, client, notes, results }: SearchRunsResult): string {
  const { conditions, ...settings } = plan;
  const { curve, ...found } = search;
  const file = {
    SearchFormatVersion: searchFormatVersion,
    Search: {
      conditions: conditions.map(({ text }) => text),
      settings,
      ...found,
      client,
      notes,
      curve: curve.map(pointObject),
    },
    Results: results.map(resultObject),
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

function pointObject({ ratePerSecond, step, evaluation, measurement }: SearchPoint): Record<string, unknown> {
  const { response, service, run, client, chancePerSecond, ...counted } = measurement;
  const latencies = { response, service };
  const quantiles = Object.entries(latencies).map(([clock, figures]) => [
    `${clock}Time`,
    {
      count: figures.count,
      meanUs: figures.meanUs,
      p50Us: figures.quantileUs(0.5),
      p99Us: figures.quantileUs(0.99),
      maxUs: figures.quantileUs(1),
    },
  ]);
  return {
    ...{ ratePerSecond, step, holds: evaluation.holds, reasons: evaluation.reasons },
    // JSON has no NaN: what was not measured is null.
    findings: evaluation.findings.map(({ condition, holds, value }) => ({ condition, holds, value })),
    ...counted,
    ...Object.fromEntries(quantiles),
    clientBound: client.clientBound,
    clientReasons: client.reasons,
    result: run,
  };
}
