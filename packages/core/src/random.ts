import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { JumpableRandomGenerator } from 'pure-rand/types/JumpableRandomGenerator';

/**
 * A reproducible source of random numbers (xoroshiro128+ by pure-rand). The
 * same seed gives the same numbers on every machine and Node version.
 */
export class Random {
  readonly #generator: JumpableRandomGenerator;
  #spareNormal: number | undefined;

  /** @param seed any integer; its low 32 bits count */
  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed | 0);
  }

  /** Uniform in [0, 1), a multiple of 2^-24, so exact as float32. */
  uniform(): number {
    return uniformFloat32(this.#generator);
  }

  /** Fills `target` with {@link uniform} values. */
  fillUniform(target: Float32Array): void {
    const generator = this.#generator;
    for (let i = 0; i < target.length; i++) target[i] = uniformFloat32(generator);
  }

  /** Uniform integer in [min, max], both included. */
  integer(min: number, max: number): number {
    return uniformInt(this.#generator, min, max);
  }

  /** Standard normal, by the polar method of Marsaglia and Bray (1964). */
  normal(): number {
    const spare = this.#spareNormal;
    if (spare !== undefined) {
      this.#spareNormal = undefined;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spareNormal = y * factor;
      return x * factor;
    }
  }

  /** Exponential with mean 1. */
  exponential(): number {
    return -Math.log(1 - this.uniform());
  }
}

/**
 * The generator of one row: it depends on (seed, row id, stream) alone, so rows
 * can be made in any order, on any thread, in any grouping, and are the same.
 *
 * @param seed any integer up to 2^53 - 1 in magnitude
 * @param rowId 0 to 2^53 - 1
 * @param stream tells apart independent uses of the same row, e.g. `transaction` and `reference`; default 0
 */
export function rowRandom(seed: number, rowId: number, stream = 0): Random {
  return new Random(mixSeed(mixSeed(mixSeed(0x9e3779b9, seed), rowId), stream));
}

/** Folds the two 32-bit halves of `value` into `state`, with the finaliser of MurmurHash3 (Appleby, public domain). */
function mixSeed(state: number, value: number): number {
  const low = value | 0;
  const high = Math.floor(value / 0x1_0000_0000) | 0;
  return mix32(mix32(state ^ low) + high);
}

function mix32(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
