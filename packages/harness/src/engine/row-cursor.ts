/** How rows become requests. Plain data. */
export interface RequestRows {
  readonly rowSizeBytes: number;
  /** Rows of one request. */
  readonly batchSize: number;
  /** Whether the rows that are left at the end of the data, too few for a request, are one of their own. */
  readonly sendPartial: boolean;
}

/** The rows of a request whose turn has come. */
export interface Turn {
  /** The request's number over all threads: 0, 1, 2, ... */
  readonly index: number;
  /** Place of the first of its rows in the data, from 0; less than `index * batchSize` where the data starts over. */
  readonly firstRow: number;
  /** The rows' bytes, one behind another; not overwritten before {@link release}. */
  readonly rows: Uint8Array;
  /**
   * Tells that nobody looks at the rows any more, so that their memory may be used again; where nobody tells, it is
   * left to the garbage collector.
   */
  release?(): void;
}

/** Requests that some rows make. */
export function requestCount(rowCount: number, { batchSize, sendPartial }: RequestRows): number {
  return sendPartial ? Math.ceil(rowCount / batchSize) : Math.floor(rowCount / batchSize);
}

/** Gives a thread's workers the rows of their requests, in order. */
export interface RowCursor {
  /**
   * The next request's rows: at once where it is in memory, as a promise where it is still
   * being read, undefined when there are no more.
   */
  next(): Turn | undefined | Promise<Turn | undefined>;
  close(): Promise<void>;
}
