import type { Evaluation, RateMeasurement } from './condition.js';

/** One measurement of a search. */
export interface RatePoint<Measurement extends RateMeasurement = RateMeasurement> {
  readonly ratePerSecond: number;
  /**
   * Why it was made: `bracket` looks for rates on both sides of the edge,
   * `bisect` halves what lies between, `repeat` asks again at a rate already tried.
   */
  readonly step: 'bracket' | 'bisect' | 'repeat';
  readonly evaluation: Evaluation;
  readonly measurement: Measurement;
}

/**
 * How a search came out:
 * - `found`: a rate holds, and one just above it, by less than the resolution, does not;
 * - `holds-at-every-rate-tried`: also at the highest allowed;
 * - `holds-at-none`: not even at the lowest allowed;
 * - `ended`: before that was known; the reason says by what.
 */
export type MaxRateVerdict = 'found' | 'holds-at-every-rate-tried' | 'holds-at-none' | 'ended';

/** What a search found, and all that it saw. */
export interface MaxRateResult<Measurement extends RateMeasurement = RateMeasurement> {
  readonly verdict: MaxRateVerdict;
  /** The highest rate that held in most of its repeats; undefined where none did. */
  readonly answerPerSecond: number | undefined;
  /** The highest rate that held at least once and was not refuted; above the answer only where the search ended early. */
  readonly heldPerSecond: number | undefined;
  /** The lowest rate that broke in most of its repeats; undefined where none did. */
  readonly brokePerSecond: number | undefined;
  /** The verdict in one line, with its figures. */
  readonly reason: string;
  /** The AIBENCH_* code of the error that ended it, where one did. */
  readonly code: string | undefined;
  /** Every measurement, in the order in which they were made. */
  readonly curve: readonly RatePoint<Measurement>[];
}
