/**
 * How the rate of arrivals goes over time, as the running count of arrivals
 * that are due: the integral of the rate. Pure. Counts are real numbers, so that
 * both evenly spaced and random arrivals can be laid along it: a unit-rate
 * process on the axis of counts becomes one of this rate on the axis of time.
 */
export interface RateProfile {
  /** When the last arrival may be due, us after the start; Infinity if the load is endless. */
  readonly durationUs: number;
  /** The count at the end: arrivals in all, with a fraction; Infinity if the load is endless. */
  readonly totalCount: number;
  /**
   * The inverse of {@link countAt}: the latest time up to which no more than
   * `count` are due. So an arrival never falls into a hold at rate zero: one that
   * is reached just as such a hold begins is due when the hold ends.
   *
   * @param count 0 or above
   * @returns us after the start, never falling as `count` grows; Infinity from {@link totalCount} on
   */
  timeUsOf(count: number): number;
  /** The count due by `timeUs` after the start: 0 before the start, {@link totalCount} from the end on. */
  countAt(timeUs: number): number;
}

/** One stage of a load whose rate changes: the rate goes in a straight line to its target. */
export interface RateStage {
  /** 0 for a jump to the target. */
  readonly durationUs: number;
  /** Arrivals a second at the end of the stage; 0 or above. */
  readonly targetPerSecond: number;
}

/**
 * The same rate from start to end.
 *
 * @param ratePerSecond above 0
 * @param durationUs above 0; default Infinity
 */
export function constantProfile(ratePerSecond: number, durationUs = Number.POSITIVE_INFINITY): RateProfile {
  const totalCount = settled((durationUs * ratePerSecond) / 1e6);
  return {
    durationUs,
    totalCount,
    // Not by a precomputed gap: its rounding error would grow with the count.
    timeUsOf: (count) =>
      count < totalCount ? Math.min((count * 1e6) / ratePerSecond, durationUs) : Number.POSITIVE_INFINITY,
    countAt: (timeUs) =>
      timeUs >= durationUs ? totalCount : Math.min((Math.max(timeUs, 0) * ratePerSecond) / 1e6, totalCount),
  };
}

/** A stage that has arrivals, with where it begins. Rates are per second. */
interface Segment {
  readonly startUs: number;
  readonly startCount: number;
  readonly durationUs: number;
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Rates that go through stages, defined as k6 does for its `ramping-arrival-rate`
 * executor: the first stage starts from `startPerSecond`, each goes in a straight
 * line to its target over its duration, one with the target of the stage before
 * holds the rate, one of no duration jumps. The n-th arrival is due where the
 * area under the rate reaches n; k6 counts from 1, this suite from 0, as its
 * constant rate does, so that a load starts at its start.
 *
 * @param stages durations and targets of 0 or above
 * @param startPerSecond default 0
 */
export function rampProfile(stages: readonly RateStage[], startPerSecond = 0): RateProfile {
  const segments: Segment[] = [];
  let startUs = 0;
  let startCount = 0;
  let from = startPerSecond;
  for (const { durationUs, targetPerSecond: to } of stages) {
    const endCount = settled(startCount + (durationUs * (from + to)) / 2e6);
    const count = endCount - startCount;
    if (count > 0) segments.push({ startUs, startCount, durationUs, count, from, to });
    startUs += durationUs;
    startCount = endCount;
    from = to;
  }
  const durationUs = startUs;
  const totalCount = startCount;
  return {
    durationUs,
    totalCount,
    timeUsOf(count) {
      if (!(count < totalCount)) return Number.POSITIVE_INFINITY;
      const segment = lastStarted(segments, ({ startCount }) => startCount <= count);
      return segment === undefined
        ? 0
        : segment.startUs + timeWithin(segment, Math.max(count - segment.startCount, 0));
    },
    countAt(timeUs) {
      if (timeUs >= durationUs) return totalCount;
      const segment = lastStarted(segments, ({ startUs }) => startUs <= timeUs);
      return segment === undefined ? 0 : segment.startCount + countWithin(segment, timeUs - segment.startUs);
    },
  };
}

/**
 * The time at which a segment's own count is reached: the root of
 * from t + (to - from) t^2 / (2 D) = count. Written as count over the mean of the
 * rates at both ends of that time, which holds for a rate that stays the same
 * too and subtracts nothing; the rate then is taken from the end of the segment
 * at which it is lower, for the same reason.
 */
function timeWithin({ durationUs, count: all, from, to }: Segment, count: number): number {
  const slope = ((to - from) * 1e6) / durationUs;
  const rateSquared =
    slope >= 0 ? from * from + 2 * slope * count : to * to - 2 * slope * Math.max(all - count, 0);
  const rates = from + Math.sqrt(rateSquared);
  // Both are 0 only at the start of a way up from 0.
  return rates === 0 ? 0 : Math.min((2e6 * count) / rates, durationUs);
}

function countWithin({ durationUs, count: all, from, to }: Segment, timeUs: number): number {
  if (timeUs >= durationUs) return all;
  const rate = from + ((to - from) * timeUs) / durationUs;
  return Math.min((timeUs * (from + rate)) / 2e6, all);
}

/** The last segment for which `started` holds; it holds for some number of the first ones and for none after. */
function lastStarted(
  segments: readonly Segment[],
  started: (segment: Segment) => boolean,
): Segment | undefined {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (started(segments[middle]!)) low = middle + 1;
    else high = middle;
  }
  return segments[low - 1];
}

/** A count without the rounding error that would bring the sum of stages just above a whole number, and so one arrival more. */
function settled(count: number): number {
  const whole = Math.round(count);
  return Math.abs(count - whole) <= whole * 1e-12 ? whole : count;
}
