/** A row whose turn has come. */
export interface Turn {
  /** The request's number over all threads: 0, 1, 2, ... */
  readonly index: number;
  /** The row's bytes; not overwritten while anybody holds them. */
  readonly row: Uint8Array;
}

/** Gives a thread's workers their rows, in order. */
export interface RowCursor {
  /**
   * The next row: at once where it is in memory, as a promise where it is still
   * being read, undefined when there are no more.
   */
  next(): Turn | undefined | Promise<Turn | undefined>;
  close(): Promise<void>;
}
