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
  /** By the threads' numbers; undefined for a thread that died, or had to be ended, and took its books with it. */
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
 * that arrived, and the times against the counts. What a thread that died, or
 * had to be ended, took with it cannot be checked: that is said, and is no
 * violation. The run has ended for that already, and nothing is known to be wrong.
 */
export function balanceBooks({ threads, counts, durationUs, samples }: RunBooks): Conservation {
  const told = threads.filter((thread) => thread !== undefined);
  const unchecked = threads.flatMap((thread, number) => (thread === undefined ? [untold(number)] : []));
  const sum = (of: (concurrency: Concurrency) => number) =>
    told.reduce((total, { concurrency }) => total + of(concurrency), 0);
  const littlesLaw =
    unchecked.length > 0
      ? undefined
      : checkLittlesLaw({
          durationUs,
          inFlightAreaUs: sum(({ inFlightAreaUs }) => inFlightAreaUs),
          finished: counts.sent,
          timeSumUs:
            samples.serviceSumUs + sum(({ failedTimeUs, cutOffTimeUs }) => failedTimeUs + cutOffTimeUs),
        });
  const violations = [...checkCounts(threads.map(requestCounts), counts)];
  if (littlesLaw?.violation !== undefined) violations.push(littlesLaw.violation);
  if (samples.count !== counts.answered) {
    violations.push(`${counts.answered} requests were answered, but ${samples.count} samples arrived`);
  }
  const holds = violations.length === 0;
  return { holds, violations, ...(unchecked.length === 0 ? {} : { unchecked }), littlesLaw };
}

function untold(thread: number): string {
  return (
    `load thread ${thread} ended without telling its books: its own counts, ` +
    "the sums over all threads and Little's law could not be checked"
  );
}

function requestCounts(thread: ThreadBooks | undefined): RequestCounts | undefined {
  if (thread === undefined) return undefined;
  const { tally, concurrency } = thread;
  const { sent, answered } = tally;
  return { sent, answered, failed: failedCount(tally), cutOff: concurrency.inFlight };
}
