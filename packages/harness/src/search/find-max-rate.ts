import { AibenchError, errorLine } from '@aibench/core';
import { type Condition, evaluateConditions, type RateMeasurement } from './condition.js';
import type { MaxRateResult, MaxRateVerdict, RatePoint } from './max-rate-result.js';
import { RateVotes } from './rate-votes.js';

/** How the highest rate is looked for. */
export interface FindMaxRateOptions<Measurement extends RateMeasurement> {
  /** What a rate must hold; at least one. */
  readonly conditions: readonly Condition[];
  /** Runs the load at a rate. Throws when the server is gone or the run was interrupted: the search then ends. */
  measure(ratePerSecond: number): Promise<Measurement>;
  /** The first rate tried. Default: 100, or the bound nearest to it. */
  readonly startPerSecond?: number;
  /** `--min-rate`: no rate below it is tried. Default 1. */
  readonly minPerSecond?: number;
  /** `--max-rate`: no rate above it is tried. Default 1,000,000. */
  readonly maxPerSecond?: number;
  /** How near a rate that breaks must lie above the answer, as a share of it. Default 0.02. */
  readonly resolution?: number;
  /** Most measurements. Default 30. */
  readonly maxMeasurements?: number;
  /** Measurements that decide on one rate, by majority; odd. Default 3. */
  readonly repeats?: number;
  /** Aborted to end the search after the measurement that is under way. */
  readonly signal?: AbortSignal;
  /** Told of each measurement as it ends. */
  onMeasured?(point: RatePoint<Measurement>): void;
}

/** How much further the next rate lies while only one side of the edge is known. */
const growth = 2;

/**
 * Looks for the highest rate at which all conditions hold: doubles (or halves)
 * the rate until it has one rate that holds and one that breaks, then bisects
 * between them, in ratios, down to the resolution.
 *
 * Measurements are noisy, so none is trusted alone where it matters: a rate
 * counts as broken only when it breaks in the majority of its repeats, since one
 * stray pause at a low rate would otherwise hide everything above it; and the
 * answer has held in the majority of its own. Where an edge rate turns out not
 * to hold after all, the search goes on below it. The same measurements give
 * the same search: nothing is drawn at random.
 *
 * Never throws once measuring has begun: what `measure` throws ends the search,
 * and the result has what was seen before.
 *
 * @throws AIBENCH_USAGE when the bounds, the start or the limits contradict each other
 */
export async function findMaxRate<Measurement extends RateMeasurement>(
  options: FindMaxRateOptions<Measurement>,
): Promise<MaxRateResult<Measurement>> {
  return new Search(options).run();
}

/** Ends a search from within; never leaves this file. */
class SearchEnd extends Error {
  readonly code: string | undefined;

  constructor(reason: string, code?: string) {
    super(reason);
    this.code = code;
  }
}

class Search<Measurement extends RateMeasurement> {
  readonly #options: FindMaxRateOptions<Measurement>;
  readonly #min: number;
  readonly #max: number;
  readonly #start: number;
  readonly #resolution: number;
  readonly #maxMeasurements: number;
  readonly #votes: RateVotes;
  readonly #curve: RatePoint<Measurement>[] = [];

  constructor(options: FindMaxRateOptions<Measurement>) {
    this.#options = options;
    this.#min = options.minPerSecond ?? 1;
    this.#max = options.maxPerSecond ?? 1e6;
    this.#start = options.startPerSecond ?? Math.min(Math.max(100, this.#min), this.#max);
    this.#resolution = options.resolution ?? 0.02;
    this.#maxMeasurements = options.maxMeasurements ?? 30;
    const repeats = options.repeats ?? 3;
    this.#votes = new RateVotes(repeats);
    this.#check(repeats);
  }

  async run(): Promise<MaxRateResult<Measurement>> {
    try {
      for (;;) {
        const verdict = await this.#step();
        if (verdict !== undefined) return this.#result(verdict, this.#reasonOf(verdict));
      }
    } catch (end) {
      if (!(end instanceof SearchEnd)) throw end;
      return this.#result('ended', end.message, end.code);
    }
  }

  #check(repeats: number): void {
    const fail = (message: string, hint: string) => new AibenchError('AIBENCH_USAGE', message, { hint });
    if (!(this.#min > 0)) throw fail(`--min-rate ${this.#min} is not above 0`, 'see --min-rate');
    if (!(this.#min <= this.#max) || !Number.isFinite(this.#max)) {
      throw fail(
        `--min-rate ${this.#min} is above --max-rate ${this.#max}`,
        'lower --min-rate or raise --max-rate',
      );
    }
    if (!(this.#start >= this.#min && this.#start <= this.#max)) {
      throw fail(
        `the search cannot start at ${this.#start}/s, outside ${this.#min}/s to ${this.#max}/s`,
        'see --min-rate and --max-rate',
      );
    }
    if (this.#options.conditions.length === 0) throw fail('there is no condition', 'see --find-max-rate');
    if (!(this.#resolution > 0 && this.#resolution <= 1)) {
      throw fail(
        `a resolution of ${this.#resolution} is not above 0 and up to 1`,
        '0.02 finds a rate to within 2 %',
      );
    }
    if (!Number.isInteger(repeats) || repeats < 1 || repeats % 2 === 0) {
      throw fail(`${repeats} repeats have no majority`, 'take an odd number, such as 3');
    }
    if (!Number.isInteger(this.#maxMeasurements) || this.#maxMeasurements < 1) {
      throw fail(`a search of ${this.#maxMeasurements} measurements finds nothing`, 'take at least 1');
    }
  }

  /** One more rate, or the verdict when nothing is left to try. */
  async #step(): Promise<MaxRateVerdict | undefined> {
    const low = this.#votes.highestHeld();
    const high = this.#votes.lowestBroken();
    if (low === undefined) {
      if (high === undefined) await this.#holds(this.#start, 'bracket');
      else if (high > this.#min) await this.#holds(Math.max(this.#min, high / growth), 'bracket');
      else return 'holds-at-none';
      return undefined;
    }
    // The last measurements go into what is known, or an answer that was near would be none.
    const saving = !this.#votes.confirmed(low) && this.#left < this.#votes.majority + 1;
    if (high === undefined && low < this.#max && !saving) {
      await this.#holds(Math.min(this.#max, low * growth), 'bracket');
    } else if (high !== undefined && high / low >= growth && !this.#votes.confirmed(low)) {
      // One repeat, before all the bisecting above a rate that may have held by chance.
      await this.#confirm(low);
    } else if (high !== undefined && high / low > 1 + this.#resolution && !saving) {
      await this.#holds(this.#between(low, high), 'bisect');
    } else if (await this.#confirm(low)) {
      if (high === undefined && low === this.#max) return 'holds-at-every-rate-tried';
      if (high !== undefined && high / low <= 1 + this.#resolution) return 'found';
    }
    return undefined;
  }

  /** Whether a rate holds: at once when its first measurement says so, by majority when that one breaks. */
  async #holds(rate: number, step: RatePoint['step']): Promise<boolean> {
    if (await this.#measure(rate, step)) return true;
    return this.#confirm(rate);
  }

  /** Whether a rate holds in the majority of its repeats, earlier measurements of it included. */
  async #confirm(rate: number): Promise<boolean> {
    while (!this.#votes.confirmed(rate)) {
      if (this.#votes.refuted(rate)) return false;
      await this.#measure(rate, this.#votes.has(rate) ? 'repeat' : 'bracket');
    }
    return true;
  }

  async #measure(ratePerSecond: number, step: RatePoint['step']): Promise<boolean> {
    const { conditions, measure, signal, onMeasured } = this.#options;
    if (signal?.aborted === true) throw this.#interrupted();
    if (this.#left <= 0) {
      throw new SearchEnd(
        `no more than ${this.#maxMeasurements} measurements were allowed${this.#bracket()}`,
      );
    }
    let measurement: Measurement;
    try {
      measurement = await measure.call(this.#options, ratePerSecond);
    } catch (error) {
      const code = error instanceof AibenchError ? error.code : 'AIBENCH_UNKNOWN';
      if (code === 'AIBENCH_INTERRUPTED') throw this.#interrupted();
      const what = `the measurement at ${shownRate(ratePerSecond)} failed: ${errorLine(error)}`;
      throw new SearchEnd(`${what}${this.#bracket('; before that ')}`, code);
    }
    const evaluation = evaluateConditions(conditions, measurement);
    this.#votes.add(ratePerSecond, evaluation.holds);
    const point = { ratePerSecond, step, evaluation, measurement };
    this.#curve.push(point);
    onMeasured?.call(this.#options, point);
    return evaluation.holds;
  }

  /** The geometric mean, in figures that can be read; the rounding is far below the resolution. */
  #between(low: number, high: number): number {
    const middle = Math.sqrt(low * high);
    const digits = Math.min(15, Math.ceil(-Math.log10(this.#resolution)) + 3);
    return Number(middle.toPrecision(digits));
  }

  get #left(): number {
    return this.#maxMeasurements - this.#curve.length;
  }

  #result(verdict: MaxRateVerdict, reason: string, code?: string): MaxRateResult<Measurement> {
    return {
      verdict,
      answerPerSecond: this.#votes.highestConfirmed(),
      heldPerSecond: this.#votes.highestHeld(),
      brokePerSecond: this.#votes.lowestBroken(),
      reason,
      code,
      curve: this.#curve,
    };
  }

  #reasonOf(verdict: MaxRateVerdict): string {
    const conditions = this.#options.conditions.map(({ text }) => text).join(' and ');
    if (verdict === 'holds-at-every-rate-tried') {
      return `${conditions} holds at every rate tried, up to ${shownRate(this.#max)} (raise --max-rate)`;
    }
    if (verdict === 'holds-at-none') {
      const why = this.#lastReasons(this.#min);
      return `${conditions} holds at no rate tried, down to ${shownRate(this.#min)}: ${why} (lower --min-rate or ask for less)`;
    }
    const answer = this.#votes.highestHeld()!;
    const broke = this.#votes.lowestBroken()!;
    const why = this.#lastReasons(broke);
    return `${shownRate(answer)} is the highest rate at which ${conditions} holds; at ${shownRate(broke)} ${why}`;
  }

  /** Why a rate broke, the last time it did. */
  #lastReasons(rate: number): string {
    const point = this.#curve.findLast(
      ({ ratePerSecond, evaluation }) => ratePerSecond === rate && !evaluation.holds,
    );
    return point?.evaluation.reasons.join('; ') ?? 'it did not';
  }

  #interrupted(): SearchEnd {
    return new SearchEnd(`the search was interrupted${this.#bracket()}`, 'AIBENCH_INTERRUPTED');
  }

  #bracket(lead = ': '): string {
    const low = this.#votes.highestHeld();
    const high = this.#votes.lowestBroken();
    const held = low === undefined ? '' : `${shownRate(low)} held`;
    const broke = high === undefined ? '' : `${shownRate(high)} did not`;
    const sides = [held, broke].filter((side) => side !== '');
    return sides.length === 0 ? '' : `${lead}${sides.join(', ')}`;
  }
}

/** A rate as it is shown: to six digits, `1234.5/s`. */
export function shownRate(ratePerSecond: number): string {
  return `${Number(ratePerSecond.toPrecision(6))}/s`;
}
