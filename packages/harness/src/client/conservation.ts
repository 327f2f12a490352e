/** What became of requests. */
export interface RequestCounts {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  /** Still out when the run gave up on them. */
  readonly cutOff: number;
}

/**
 * Checks that no request was lost or made up: sent = answered + failed + cut
 * off, in each thread and in sum, and that the sums are those of the threads.
 *
 * @param threads counts of each thread, by its number; undefined for one whose counts are not known, with which
 * the sums are not checked
 * @param total counts of the whole run, however they were gathered; default: not checked
 * @returns the violations, a line each; none where all is well
 */
export function checkCounts(
  threads: readonly (RequestCounts | undefined)[],
  total?: RequestCounts,
): readonly string[] {
  const known = threads.filter((counts) => counts !== undefined);
  const violations = threads.flatMap((counts, thread) =>
    counts === undefined ? [] : imbalance(counts, `load thread ${thread}`),
  );
  if (total === undefined) return violations;
  violations.push(...imbalance(total, 'the run'));
  if (known.length < threads.length) return violations;
  for (const key of ['sent', 'answered', 'failed', 'cutOff'] as const) {
    const sum = known.reduce((running, counts) => running + counts[key], 0);
    if (sum === total[key]) continue;
    const name = key === 'cutOff' ? 'cut off' : key;
    violations.push(`the load threads count ${sum} requests ${name}, the run ${total[key]}`);
  }
  return violations;
}

function imbalance({ sent, answered, failed, cutOff }: RequestCounts, where: string): string[] {
  const accounted = answered + failed + cutOff;
  if (sent === accounted) return [];
  return [
    `${where} sent ${sent} requests but accounts for ${accounted}: ` +
      `${answered} answered, ${failed} failed, ${cutOff} cut off`,
  ];
}

/**
 * The integral of the number of requests in flight over time, kept as they go
 * out and come back: a few nanoseconds each, no allocation.
 *
 * A request that goes out at s and comes back at e adds e - s to the integral.
 * So it is enough to sum the moments with their signs, and the order in which
 * they are told does not matter. Going out and coming back nearly cancel, so the
 * sum stays of the size of the integral and keeps its digits over any run.
 */
export class InFlightIntegral {
  #inFlight = 0;
  /** Sum of moments: those at which requests came back, less those at which they went out. */
  #moments = 0;
  #most = 0;

  /**
   * @param nowUs the moment, on a clock that starts with the load
   * @param change 1 when a request goes out, -1 when it is answered, failed or given up
   */
  add(nowUs: number, change: 1 | -1): void {
    this.#moments -= change * nowUs;
    this.#inFlight += change;
    if (this.#inFlight > this.#most) this.#most = this.#inFlight;
  }

  /** Requests out now; below 0 when more came back than went out. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The most that were out at once. */
  get most(): number {
    return this.#most;
  }

  /**
   * The integral up to a moment.
   *
   * @param nowUs not before the last moment told
   * @returns requests x microseconds
   */
  areaUs(nowUs: number): number {
    return this.#moments + this.#inFlight * nowUs;
  }
}

/**
 * How long a request was out within a run: the part of [sentUs, endUs] that
 * lies in [0, runUs]. What Little's law is about is this run alone.
 *
 * @param sentUs when it was sent, after the start of the load
 * @param endUs when it was answered, failed or given up; Infinity while it is out
 * @param runUs length of the run
 */
export function timeInRunUs(sentUs: number, endUs: number, runUs: number): number {
  return Math.max(0, Math.min(endUs, runUs) - Math.max(sentUs, 0));
}

/** Farthest that the two sides of Little's law may lie apart, as a share of the larger. */
export const littlesLawTolerance = 0.02;

/** Differences up to this much a request are rounding: no clock here tells less than a nanosecond. */
const roundingUs = 1e-3;

/** Both sides of Little's law, gathered on separate ways. */
export interface LittlesLawInput {
  /** Length of the run: from the start of the load until the last request was settled or given up. */
  readonly durationUs: number;
  /**
   * Sum over all threads of `InFlightIntegral.areaUs(durationUs)`, kept where
   * requests go out and come back.
   */
  readonly inFlightAreaUs: number;
  /** Requests settled in the run: answered + failed + cut off, burn-in included. */
  readonly finished: number;
  /**
   * Sum of the times of these requests, {@link timeInRunUs} of each, as they
   * arrived in the statistics: exact sums, not the bins of a histogram.
   */
  readonly timeSumUs: number;
}

/** How Little's law came out. */
export interface LittlesLawResult {
  readonly holds: boolean;
  /** L: requests in flight on average, from the integral. */
  readonly meanConcurrency: number;
  /** Lambda. */
  readonly ratePerSecond: number;
  /** W. */
  readonly meanTimeUs: number;
  /** How far L and lambda x W lie apart, as a share of the larger. */
  readonly difference: number;
  /** One line where it does not hold. */
  readonly violation: string | undefined;
}

/**
 * Little's law, L = lambda x W, over a whole run: requests in flight on average
 * = requests finished a second x their mean time. Counted over every request of
 * the run and no other time it holds exactly, whatever the server does, so
 * a difference is a fault of the measurement: samples lost on the way between
 * threads, counted twice, times from different clocks, a clock that jumped.
 */
export function checkLittlesLaw(input: LittlesLawInput): LittlesLawResult {
  const { durationUs, inFlightAreaUs, finished, timeSumUs } = input;
  const meanConcurrency = durationUs > 0 ? inFlightAreaUs / durationUs : 0;
  const ratePerSecond = durationUs > 0 ? (finished * 1e6) / durationUs : 0;
  const meanTimeUs = finished > 0 ? timeSumUs / finished : 0;
  const expected = (ratePerSecond * meanTimeUs) / 1e6;
  const larger = Math.max(Math.abs(meanConcurrency), Math.abs(expected));
  const difference = larger === 0 ? 0 : Math.abs(meanConcurrency - expected) / larger;
  // Written so that NaN, from a fault in a clock, does not hold.
  const holds =
    difference <= littlesLawTolerance || Math.abs(inFlightAreaUs - timeSumUs) <= finished * roundingUs;
  const violation = holds
    ? undefined
    : `Little's law is violated: ${figure(meanConcurrency)} requests were in flight on average, but ` +
      `${figure(ratePerSecond)}/s x ${figure(meanTimeUs)}us is ${figure(expected)} ` +
      `(${figure(difference * 100)} % apart, at most ${littlesLawTolerance * 100} % is allowed)`;
  return { holds, meanConcurrency, ratePerSecond, meanTimeUs, difference, violation };
}

function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}
