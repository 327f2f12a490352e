import { AibenchError, errorLine } from '@aibench/core';
import { type Condition, type Evaluation, evaluateConditions, type RateMeasurement } from './condition.js';

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

interface Votes {
  held: number;
  broke: number;
}

class Search<Measurement extends RateMeasurement> {
  readonly #options: FindMaxRateOptions<Measurement>;
  readonly #min: number;
  readonly #max: number;
  readonly #start: number;
  readonly #resolution: number;
  readonly #maxMeasurements: number;
  /** Votes of one kind that decide on a rate. */
  readonly #majority: number;
  readonly #votes = new Map<number, Votes>();
  readonly #curve: RatePoint<Measurement>[] = [];

  constructor(options: FindMaxRateOptions<Measurement>) {
    this.#options = options;
    this.#min = options.minPerSecond ?? 1;
    this.#max = options.maxPerSecond ?? 1e6;
    this.#start = options.startPerSecond ?? Math.min(Math.max(100, this.#min), this.#max);
    this.#resolution = options.resolution ?? 0.02;
    this.#maxMeasurements = options.maxMeasurements ?? 30;
    const repeats = options.repeats ?? 3;
    this.#majority = (repeats + 1) / 2;
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
    const low = this.#highestHeld();
    const high = this.#lowestBroken();
    if (low === undefined) {
      if (high === undefined) await this.#holds(this.#start, 'bracket');
      else if (high > this.#min) await this.#holds(Math.max(this.#min, high / growth), 'bracket');
      else return 'holds-at-none';
      return undefined;
    }
    // The last measurements go into what is known, or an answer that was near would be none.
    const saving = !this.#confirmed(low) && this.#left < this.#majority + 1;
    if (high === undefined && low < this.#max && !saving) {
      await this.#holds(Math.min(this.#max, low * growth), 'bracket');
    } else if (high !== undefined && high / low >= growth && !this.#confirmed(low)) {
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
    while (!this.#confirmed(rate)) {
      if (this.#refuted(rate)) return false;
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
    const votes = this.#votes.get(ratePerSecond) ?? { held: 0, broke: 0 };
    this.#votes.set(ratePerSecond, votes);
    votes[evaluation.holds ? 'held' : 'broke'] += 1;
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

  #confirmed(rate: number): boolean {
    return (this.#votes.get(rate)?.held ?? 0) >= this.#majority;
  }

  #refuted(rate: number): boolean {
    return (this.#votes.get(rate)?.broke ?? 0) >= this.#majority;
  }

  #lowestBroken(): number | undefined {
    const broken = [...this.#votes.keys()].filter((rate) => this.#refuted(rate));
    return broken.length > 0 ? Math.min(...broken) : undefined;
  }

  /** Among the rates below the lowest broken one: a rate that holds above one that breaks did so by chance. */
  #highestHeld(isHeld = (votes: Votes) => votes.held > 0): number | undefined {
    const limit = this.#lowestBroken() ?? Number.POSITIVE_INFINITY;
    const held = [...this.#votes].filter(([rate, votes]) => rate < limit && isHeld(votes));
    return held.length > 0 ? Math.max(...held.map(([rate]) => rate)) : undefined;
  }

  #result(verdict: MaxRateVerdict, reason: string, code?: string): MaxRateResult<Measurement> {
    return {
      verdict,
      answerPerSecond: this.#highestHeld((votes) => votes.held >= this.#majority),
      heldPerSecond: this.#highestHeld(),
      brokePerSecond: this.#lowestBroken(),
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
    const answer = this.#highestHeld()!;
    const broke = this.#lowestBroken()!;
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
    const low = this.#highestHeld();
    const high = this.#lowestBroken();
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
