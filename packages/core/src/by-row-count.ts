import type { TensorSpec } from './tensor.js';

/**
 * What is made once for each number of rows that requests have: mostly one, that
 * of a whole batch, and another for the rest at the end of the data.
 */
export class ByRowCount<T> {
  readonly #make: (rowCount: number) => T;
  readonly #made = new Map<number, T>();

  constructor(make: (rowCount: number) => T) {
    this.#make = make;
  }

  get(rowCount: number): T {
    let made = this.#made.get(rowCount);
    if (made === undefined) {
      made = this.#make(rowCount);
      this.#made.set(rowCount, made);
    }
    return made;
  }
}

/** The same tensors with another number of rows, which is their first extent. */
export function withRowCount<T extends TensorSpec>(specs: readonly T[], rowCount: number): T[] {
  return specs.map((spec) => ({ ...spec, shape: [rowCount, ...spec.shape.slice(1)] }));
}
