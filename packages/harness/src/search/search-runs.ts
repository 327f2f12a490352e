import { AibenchError, type ErrorCode } from '@aibench/core';
import type { FlagValues } from '../cli/flags.js';
import type { loadFlags } from '../engine/load-flags.js';
import type { RunResult } from '../result/run-result.js';
import { samplesNeeded } from './condition.js';
import { findMaxRate, shownRate } from './find-max-rate.js';
import type { MaxRateResult, RatePoint } from './max-rate-result.js';
import { type RunMeasurement, rateMeasurement } from './rate-measurement.js';
import { measurementLoad, type SearchPlan } from './search-plan.js';

type LoadValues = FlagValues<typeof loadFlags>;

/** One measurement of a search by runs. */
export type SearchPoint = RatePoint<RunMeasurement>;

/** How a search by runs is made. */
export interface SearchRunsOptions {
  readonly plan: SearchPlan;
  /** What the runs have in common. */
  readonly load: LoadValues;
  /** Makes one run. */
  run(load: LoadValues): Promise<RunResult>;
  readonly signal: AbortSignal;
  onMeasured?(point: SearchPoint): void;
}

/** What a search by runs found. */
export interface SearchRunsResult {
  readonly plan: SearchPlan;
  readonly search: MaxRateResult<RunMeasurement>;
  /** The client's part in it: whether it was the limit at the edge, and the first reason for each rate there. */
  readonly client: { readonly clientBound: boolean; readonly reasons: readonly string[] };
  /** What the user should know of the answer, a line each. */
  readonly notes: readonly string[];
  /** Every run, in order; the last one may have no point, where it ended the search. */
  readonly results: readonly RunResult[];
}

/** From this share on, requests that wait for a free worker show in p99. */
const mostWaiting = 0.01;

/**
 * Searches for the highest rate that holds the conditions, one run for each
 * measurement.
 *
 * @throws the first run's error where nothing was measured at all
 */
export async function searchRuns(options: SearchRunsOptions): Promise<SearchRunsResult> {
  const { plan, load, signal, onMeasured } = options;
  const results: RunResult[] = [];
  let failure: unknown;
  const search = await findMaxRate<RunMeasurement>({
    ...plan,
    signal,
    async measure(ratePerSecond) {
      try {
        const result = await options.run(measurementLoad(load, plan, ratePerSecond));
        results.push(result);
        return measurementOf(result, plan, results.length - 1);
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    onMeasured: (point) => onMeasured?.(point),
  });
  if (results.length === 0 && failure !== undefined) throw failure;
  return { plan, search, client: clientPart(search), notes: notesOn(search, plan), results };
}

/** @throws why the run ended, where that was not by its time */
function measurementOf(result: RunResult, plan: SearchPlan, run: number): RunMeasurement {
  const { outcome, counts } = result;
  // A rate at which nothing is answered in time is one that doesn't hold, not an end of the search.
  const nothingAnswered = outcome.code === 'AIBENCH_INPUT' && counts.measured === 0;
  if (outcome.kind !== 'completed' && !nothingAnswered) {
    throw new AibenchError((outcome.code ?? 'AIBENCH_SERVER') as ErrorCode, outcome.reason ?? outcome.kind);
  }
  return rateMeasurement(result, plan, run);
}

/** The rates that the answer stands on: the one that holds and the one that breaks. */
function edgeRates({ answerPerSecond, brokePerSecond }: MaxRateResult<RunMeasurement>): readonly number[] {
  return [brokePerSecond, answerPerSecond].filter((rate) => rate !== undefined);
}

function pointsAt({ curve }: MaxRateResult<RunMeasurement>, rate: number): readonly SearchPoint[] {
  return curve.filter(({ ratePerSecond }) => ratePerSecond === rate);
}

/** The client was the limit where it was in most measurements at one of the edge's rates. */
function clientPart(search: MaxRateResult<RunMeasurement>): SearchRunsResult['client'] {
  const reasons = edgeRates(search).flatMap((rate) => {
    const points = pointsAt(search, rate);
    const bound = points.filter(({ measurement }) => measurement.client.clientBound);
    if (bound.length * 2 <= points.length) return [];
    return [`at ${shownRate(rate)} ${firstOf(bound[0]!.measurement.client.reasons)}`];
  });
  return { clientBound: reasons.length > 0, reasons };
}

/** The first of some reasons; the others stand in the results. */
export function firstOf([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} (and ${others.length} more)`;
}

function notesOn(search: MaxRateResult<RunMeasurement>, plan: SearchPlan): string[] {
  const { answerPerSecond, brokePerSecond } = search;
  const notes: string[] = [];
  const broken = brokePerSecond === undefined ? [] : pointsAt(search, brokePerSecond);
  const waited = Math.max(0, ...broken.map(({ measurement }) => measurement.waitedShare));
  if (waited > mostWaiting) {
    notes.push(
      `at ${shownRate(brokePerSecond!)} ${Math.round(waited * 100)} % of the requests waited for a free worker: ` +
        'more --workers may raise the rate, if the server takes more at once',
    );
  }
  const held = answerPerSecond === undefined ? [] : pointsAt(search, answerPerSecond);
  const fewest = Math.min(...held.map(({ measurement }) => measurement.response.count));
  const needed = samplesNeeded(plan.conditions);
  if (held.length > 0 && fewest < needed) {
    notes.push(
      `at ${shownRate(answerPerSecond!)} a measurement has ${fewest} answers, ${needed} would tell the quantile: ` +
        'raise --search-duration',
    );
  }
  return notes;
}
