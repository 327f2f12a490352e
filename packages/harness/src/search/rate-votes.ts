/** How often a rate held, and how often it broke. */
interface Votes {
  held: number;
  broke: number;
}

/**
 * What the measurements of a search say of the rates they were made at.
 * Measurements are noisy, so none counts alone: a rate is confirmed when it
 * held in the majority of its repeats, and refuted when it broke in it.
 */
export class RateVotes {
  /** Votes of one kind that decide on a rate. */
  readonly majority: number;
  readonly #votes = new Map<number, Votes>();

  /** @param repeats measurements that decide on one rate; odd */
  constructor(repeats: number) {
    this.majority = (repeats + 1) / 2;
  }

  /** Takes in one measurement. */
  add(ratePerSecond: number, holds: boolean): void {
    const votes = this.#votes.get(ratePerSecond) ?? { held: 0, broke: 0 };
    this.#votes.set(ratePerSecond, votes);
    votes[holds ? 'held' : 'broke'] += 1;
  }

  /** Whether the rate was measured at all. */
  has(ratePerSecond: number): boolean {
    return this.#votes.has(ratePerSecond);
  }

  confirmed(ratePerSecond: number): boolean {
    return (this.#votes.get(ratePerSecond)?.held ?? 0) >= this.majority;
  }

  refuted(ratePerSecond: number): boolean {
    return (this.#votes.get(ratePerSecond)?.broke ?? 0) >= this.majority;
  }

  /** The lowest refuted rate; undefined where there is none. */
  lowestBroken(): number | undefined {
    const broken = [...this.#votes.keys()].filter((rate) => this.refuted(rate));
    return broken.length > 0 ? Math.min(...broken) : undefined;
  }

  /**
   * The highest rate that held at least once, undefined where none did. Only
   * rates below the lowest broken one count: one that holds above did so by chance.
   */
  highestHeld(): number | undefined {
    return this.#highest(({ held }) => held > 0);
  }

  /** The same of rates that are confirmed. */
  highestConfirmed(): number | undefined {
    return this.#highest(({ held }) => held >= this.majority);
  }

  #highest(isHeld: (votes: Votes) => boolean): number | undefined {
    const limit = this.lowestBroken() ?? Number.POSITIVE_INFINITY;
    const held = [...this.#votes].filter(([rate, votes]) => rate < limit && isHeld(votes));
    return held.length > 0 ? Math.max(...held.map(([rate]) => rate)) : undefined;
  }
}
