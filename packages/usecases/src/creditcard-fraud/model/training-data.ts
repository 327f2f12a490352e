import {
  drawReference,
  drawTransaction,
  fraudIntercept,
  kaggleStatistics,
  referenceLength,
  transactionLength,
} from '../synthetic-transaction.js';

/** Seeds of the labelled rows: those that the model learns from are never among those it is judged by. */
export const dataSeeds = { training: 1, heldOut: 2 } as const;

/**
 * Steps between the ids of successive rows. Prime to the rows of a pass, so all
 * of them come up, times of day well mixed.
 */
const idStride = 104_729;

/** Draws labelled rows in a fixed order; each call of {@link next} replaces the row before. */
export class LabelledRows {
  readonly transaction = new Float32Array(transactionLength);
  readonly reference = new Float32Array(referenceLength);
  readonly #seed: number;
  readonly #intercept: number;
  #index = 0;

  /** @param fraudShare share of fraud among the rows, above 0 and below 1 */
  constructor(seed: number, fraudShare: number) {
    this.#seed = seed;
    this.#intercept = fraudIntercept(fraudShare);
  }

  /** Draws the next row into {@link transaction} and {@link reference}, and gives its class. */
  next(): 0 | 1 {
    const passRows = kaggleStatistics.rows;
    const pass = Math.floor(this.#index / passRows);
    const rowId = pass * passRows + (((this.#index % passRows) * idStride) % passRows);
    this.#index += 1;
    drawReference(this.#seed, rowId, this.reference);
    return drawTransaction(this.#seed, rowId, this.reference, this.transaction, this.#intercept);
  }
}
