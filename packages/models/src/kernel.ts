/** A value while the graph runs: a buffer that is used again for each run. */
export interface Value {
  readonly shape: readonly number[];
  /** Row-major. Storing into it rounds to float32, as servers compute. */
  readonly data: Float32Array;
}

/** Computes a node's value from its inputs', for shapes and buffers fixed before. */
export type Kernel = () => void;
