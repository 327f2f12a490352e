/**
 * The ids of the rows loaded, in the order they came, as runs of equal steps:
 * a data file's ids rise by one, or by the number of groups, so that a few
 * numbers stand for millions of rows.
 */
export class IdRanges {
  /** Triples: first id, step, count. */
  readonly #runs: number[] = [];
  #length = 0;

  /** Number of ids. */
  get length(): number {
    return this.#length;
  }

  /** Appends an id. */
  push(id: number): void {
    const runs = this.#runs;
    this.#length += 1;
    const at = runs.length - 3;
    if (at >= 0) {
      const first = runs[at]!;
      const count = runs[at + 2]!;
      if (count === 1) runs[at + 1] = id - first;
      if (id === first + runs[at + 1]! * count) {
        runs[at + 2] = count + 1;
        return;
      }
    }
    runs.push(id, 0, 1);
  }

  /** All ids, in the order they came. */
  *[Symbol.iterator](): Generator<number> {
    for (let at = 0; at < this.#runs.length; at += 3) {
      const first = this.#runs[at]!;
      const step = this.#runs[at + 1]!;
      const count = this.#runs[at + 2]!;
      for (let i = 0; i < count; i++) yield first + i * step;
    }
  }
}
