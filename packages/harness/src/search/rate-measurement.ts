import { LatencyHistogram } from '@aibench/core';
import { type ArrivalSchedule, arrivalPacer } from '../load-model/arrival-schedule.js';
import type { RunResult } from '../result/run-result.js';
import type { RateMeasurement } from './condition.js';

/** One measurement of a search, and the run that it was. */
export interface RunMeasurement extends RateMeasurement {
  /** Its place among the results of the search, from 0. */
  readonly run: number;
  /** Whether the client was the limit, and why. */
  readonly client: RunResult['client']['verdict'];
  /** Share of the requests sent that were late because all workers were busy, 0 to 1. */
  readonly waitedShare: number;
}

/** Windows end at multiples of their length; floating point may miss them by this much, ms. */
const slackMs = 1e-3;

/** Standard deviations of what a queue changes by chance that are no shortfall. */
const chanceDeviations = 2;

/**
 * What a run in the open loop at one rate says to the conditions of a search.
 *
 * Rates are of the time after the burn-in: requests that fell due in it, by the
 * schedule, and answers that came in it, whichever request they were for. So a
 * long latency is no shortfall, since as many are out at the beginning as at the
 * end, while a queue that grows is one, also where it is answered later. The
 * number of those that are out varies by chance by about its square root, at
 * both ends; two such deviations count as chance.
 *
 * @param durationMs of the load, after which nothing was sent
 * @param burnInMs its first part, not measured
 * @param run the run's place among the results
 */
export function rateMeasurement(
  result: RunResult,
  { durationMs, burnInMs }: { readonly durationMs: number; readonly burnInMs: number },
  run: number,
): RunMeasurement {
  const { counts, client } = result;
  const windows = result.windows.filter(({ endMs }) => endMs <= durationMs + slackMs);
  const before = windows.filter(({ endMs }) => endMs <= burnInMs + slackMs);
  const fromMs = before.at(-1)?.endMs ?? 0;
  const toMs = windows.at(-1)?.endMs ?? 0;
  const [dueBefore, dueAll] = countDue(result, [fromMs, toMs], durationMs);
  const sum = (of: typeof windows) => of.reduce((total, { answered }) => total + answered, 0);
  const answeredBefore = sum(before);
  const seconds = (toMs - fromMs) / 1_000;
  const perSecond = (count: number) => (seconds > 0 ? count / seconds : 0);
  const outBefore = Math.max(0, dueBefore! - answeredBefore);
  const due = counts.sent + counts.dropped + counts.unsent;
  const share = (count: number, of: number) => (of > 0 ? count / of : 0);
  return {
    offeredPerSecond: perSecond(dueAll! - dueBefore!),
    achievedPerSecond: perSecond(sum(windows) - answeredBefore),
    chancePerSecond: perSecond(chanceDeviations * Math.sqrt(2 * (outBefore + 1))),
    errorShare: share(counts.failed + counts.cutOff, counts.sent),
    droppedShare: share(counts.dropped + counts.unsent, due),
    response: LatencyHistogram.decode(result.responseTime.encodedHistogram),
    service: LatencyHistogram.decode(result.serviceTime.encodedHistogram),
    run,
    client: client.verdict,
    waitedShare: share(Math.max(0, counts.late - counts.lateByClient), counts.sent),
  };
}

/** How many requests had fallen due at some times, in rising order, ms. */
function countDue({ load }: RunResult, timesMs: readonly number[], durationMs: number): number[] {
  const pacer = arrivalPacer(load.schedule as ArrivalSchedule, durationMs * 1_000);
  const counts: number[] = [];
  let count = 0;
  for (const timeMs of timesMs) {
    while (pacer.dueUs(count) < timeMs * 1_000) count += 1;
    counts.push(count);
  }
  return counts;
}
