import { type Random, rowRandom } from '@aibench/core';
import type { Pacer } from '../engine/pacer.js';
import type { RateProfile } from './rate-profile.js';

/** Evenly spaced arrivals: number n is due when the profile's count reaches n, the first at the start. */
export function constantArrivals(profile: RateProfile): Pacer {
  return { dueUs: (index) => profile.timeUsOf(index) };
}

/** Tells the generator's use for arrivals apart from its use for the rows of a data file with the same seed. */
const arrivalStream = 0x6172;

/** Gaps that one generator draws; a power of two. What lies further apart is reached by the sums of whole chunks. */
const chunkGaps = 65_536;

/**
 * Poisson arrivals: a Poisson process of rate 1 on the axis of counts, laid
 * along the profile. By the time change of Poisson processes (Cinlar,
 * Introduction to Stochastic Processes, 1975) that is one whose rate is the
 * profile's; where the profile is constant, gaps are independent and
 * exponential, as in the server scenario of MLPerf's LoadGen.
 *
 * Number n is due at the same time for the same seed, on any thread and in
 * whatever order numbers are asked for. Asking for growing numbers costs one
 * draw for each number passed over; a step back costs up to 65,536. Memory is 8
 * bytes for every 65,536 arrivals.
 *
 * @param seed any integer up to 2^53 - 1 in magnitude
 */
export function poissonArrivals(profile: RateProfile, seed: number): Pacer {
  const arrivals = new UnitPoisson(seed);
  return { dueUs: (index) => profile.timeUsOf(arrivals.countOf(index)) };
}

/**
 * Arrivals at given times, as `readArrivalTrace` reads them.
 *
 * @param timesUs us after the start, never falling; shared, not copied
 */
export function traceArrivals(timesUs: Float64Array): Pacer {
  return { dueUs: (index) => timesUs[index] ?? Number.POSITIVE_INFINITY };
}

/** All of `count` arrivals at the start, as in the offline scenario. */
export function burstArrivals(count: number): Pacer {
  return { dueUs: (index) => (index < count ? 0 : Number.POSITIVE_INFINITY) };
}

/** The arrivals of another pacer that are due before `endUs`, and none after. */
export function arrivalsBefore(pacer: Pacer, endUs: number): Pacer {
  return {
    dueUs(index) {
      const dueUs = pacer.dueUs(index);
      return dueUs < endUs ? dueUs : Number.POSITIVE_INFINITY;
    },
  };
}

/** The points of a Poisson process of rate 1, by their numbers. */
class UnitPoisson {
  readonly #seed: number;
  /** Where each chunk that was reached begins: the sum of all gaps before it. */
  readonly #chunkStarts: number[] = [0];
  #chunk = 0;
  /** Gaps of the chunk drawn so far, and their sum. Sums start anew in each chunk, so they are the same by whatever way one comes there. */
  #drawn = 0;
  #sum = 0;
  #random: Random;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = rowRandom(seed, 0, arrivalStream);
  }

  countOf(index: number): number {
    const chunk = Math.floor(index / chunkGaps);
    const within = index - chunk * chunkGaps;
    while (this.#chunk < chunk) {
      if (this.#chunk + 1 === this.#chunkStarts.length) {
        this.#draw(chunkGaps);
        this.#chunkStarts.push(this.#chunkStarts[this.#chunk]! + this.#sum);
      }
      // Chunks that were summed before are passed over at once.
      this.#begin(Math.min(chunk, this.#chunkStarts.length - 1));
    }
    if (this.#chunk > chunk || this.#drawn > within + 1) this.#begin(chunk);
    this.#draw(within + 1);
    return this.#chunkStarts[chunk]! + this.#sum;
  }

  #begin(chunk: number): void {
    this.#chunk = chunk;
    this.#drawn = 0;
    this.#sum = 0;
    this.#random = rowRandom(this.#seed, chunk, arrivalStream);
  }

  #draw(until: number): void {
    const random = this.#random;
    let sum = this.#sum;
    for (let i = this.#drawn; i < until; i++) sum += exponentialGap(random);
    this.#sum = sum;
    this.#drawn = Math.max(this.#drawn, until);
  }
}

/**
 * Exponential with mean 1, from 48 random bits: above 0, at most 34. A uniform
 * number has 24 bits, and its logarithm alone would end at 16.6, which one gap in
 * 17 million ought to exceed, with wide steps before that, and be 0 as often.
 */
function exponentialGap(random: Random): number {
  const high = random.uniform();
  const low = random.uniform();
  return -Math.log(high + low * 2 ** -24 + 2 ** -49);
}
