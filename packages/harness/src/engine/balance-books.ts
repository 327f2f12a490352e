import { checkCounts, checkLittlesLaw, type RequestCounts } from '../client/conservation.js';
import type { Conservation } from '../result/run-result.js';
import type { Concurrency } from './load-loop.js';
import { failedCount, type Tally } from './tally.js';

/** What a load thread told at its end. */
export interface ThreadBooks {
  readonly tally: Tally;
  readonly concurrency: Concurrency;
}

/** All that a run's counts and times are held against. */
export interface RunBooks {
  /** By the threads' numbers; undefined for a thread that died and took its books with it. */
  readonly threads: readonly (ThreadBooks | undefined)[];
  /** Of the whole run. */
  readonly counts: RequestCounts;
  /** From the start of the load until the last thread was done. */
  readonly durationUs: number;
  /** Samples that arrived in the statistics, and the exact sum of their service times. */
  readonly samples: { readonly count: number; readonly serviceSumUs: number };
}

/**
 * Holds the counts of the threads against one another and against the samples
 * that arrived, and the times against the counts. Where a thread died, only the
 * samples are checked: the run has failed for that already.
 */
export function balanceBooks({ threads, counts, durationUs, samples }: RunBooks): Conservation {
  const told = threads.filter((thread) => thread !== undefined);
  const complete = told.length === threads.length;
  const sum = (of: (concurrency: Concurrency) => number) =>
    told.reduce((total, { concurrency }) => total + of(concurrency), 0);
  const littlesLaw = checkLittlesLaw({
    durationUs,
    inFlightAreaUs: sum(({ inFlightAreaUs }) => inFlightAreaUs),
    finished: counts.sent,
    timeSumUs: samples.serviceSumUs + sum(({ failedTimeUs, cutOffTimeUs }) => failedTimeUs + cutOffTimeUs),
  });
  const violations = complete ? [...checkCounts(told.map(requestCounts), counts)] : [];
  if (complete && littlesLaw.violation !== undefined) violations.push(littlesLaw.violation);
  if (samples.count !== counts.answered) {
    violations.push(`${counts.answered} requests were answered, but ${samples.count} samples arrived`);
  }
  return { holds: violations.length === 0, violations, littlesLaw };
}

function requestCounts({ tally, concurrency }: ThreadBooks): RequestCounts {
  const { sent, answered } = tally;
  return { sent, answered, failed: failedCount(tally), cutOff: concurrency.inFlight };
}
