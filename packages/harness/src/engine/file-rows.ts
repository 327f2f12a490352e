import { type FileHandle, open } from 'node:fs/promises';
import { AibenchError, inputError } from '@aibench/core';
import { type RequestRows, type RowCursor, requestCount, type Turn } from './row-cursor.js';

/** Which rows of a data file a thread takes. */
export interface FileRowsOptions extends RequestRows {
  readonly path: string;
  /** Whole rows in the file. */
  readonly rowCount: number;
  /** Requests over all threads; may exceed those that the file makes, then it is read again from its top. */
  readonly limit: number;
  /** This thread takes requests thread, thread + threads, thread + 2 threads, ... */
  readonly thread: number;
  readonly threads: number;
}

/** Bytes read at once; enough that reading costs little, small enough not to delay a request. */
const blockBytes = 256 * 1024;

/** Up to this distance between a thread's requests, reading what lies between them is cheaper than one read for each. */
const readThroughBytes = 64 * 1024;

/**
 * The rows of every T-th request of a data file, read by position, one block
 * ahead. A block is not read into again while requests in flight point into it:
 * one of many small requests never is, one of a single large request is once that
 * is done with, since collecting such blocks would cost more than all else.
 */
export class FileRows implements RowCursor {
  readonly #options: FileRowsOptions;
  readonly #file: FileHandle;
  /** Bytes of a request's rows. */
  readonly #requestBytes: number;
  /** Requests that the file makes. */
  readonly #fileRequests: number;
  /** Requests of this thread in a block. */
  readonly #blockRequests: number;
  /** Whether a block also holds the rows of the other threads' requests that lie between. */
  readonly #readThrough: boolean;
  /** Number, among this thread's turns, of the next one. */
  #turn = 0;
  #block: Promise<Uint8Array> | undefined;
  #rows: Uint8Array | undefined;
  #ahead: Promise<Uint8Array> | undefined;
  /** Blocks that are done with; only where a block has one request. */
  readonly #spare: Uint8Array[] = [];

  private constructor(options: FileRowsOptions, file: FileHandle) {
    this.#options = options;
    this.#file = file;
    const { rowSizeBytes, batchSize, rowCount, threads } = options;
    this.#requestBytes = rowSizeBytes * batchSize;
    this.#fileRequests = requestCount(rowCount, options);
    const strideBytes = this.#requestBytes * threads;
    // Where the file does not end with a whole request, the requests of several passes are not in equal steps.
    this.#readThrough = strideBytes <= readThroughBytes && rowCount % batchSize === 0;
    this.#blockRequests = Math.max(
      1,
      Math.floor(blockBytes / (this.#readThrough ? strideBytes : this.#requestBytes)),
    );
  }

  /** @throws AIBENCH_INPUT when the file cannot be opened */
  static async open(options: FileRowsOptions): Promise<FileRows> {
    const file = await open(options.path, 'r').catch((cause: unknown) => {
      throw inputError(options.path, cause);
    });
    return new FileRows(options, file);
  }

  next(): Turn | undefined | Promise<Turn | undefined> {
    const { thread, threads, limit } = this.#options;
    const index = thread + this.#turn * threads;
    if (index >= limit) return undefined;
    const inBlock = this.#turn % this.#blockRequests;
    const blockNumber = (this.#turn - inBlock) / this.#blockRequests;
    if (inBlock === 0) {
      this.#block = this.#ahead ?? this.#read(blockNumber);
      this.#rows = undefined;
      this.#ahead = this.#read(blockNumber + 1);
      // A block that nobody comes to ask for must not end the process when its read fails.
      this.#ahead.catch(() => undefined);
    }
    this.#turn += 1;
    if (this.#rows !== undefined) return this.#turnOf(index, this.#rows, inBlock);
    return this.#block!.then((rows) => {
      if (blockNumber === Math.floor((this.#turn - 1) / this.#blockRequests)) this.#rows = rows;
      return this.#turnOf(index, rows, inBlock);
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#block, this.#ahead]);
    await this.#file.close();
  }

  #turnOf(index: number, block: Uint8Array, inBlock: number): Turn {
    const { batchSize, thread, threads } = this.#options;
    const inFile = index % this.#fileRequests;
    const start = (this.#readThrough ? inBlock * threads + thread : inBlock) * this.#requestBytes;
    const turn = {
      index,
      firstRow: inFile * batchSize,
      rows: block.subarray(start, start + this.#bytesOf(inFile)),
    };
    return this.#blockRequests > 1 ? turn : { ...turn, release: () => void this.#spare.push(block) };
  }

  /** Bytes of the n-th request of the file, of which the last may be shorter. */
  #bytesOf(inFile: number): number {
    const { rowSizeBytes, rowCount } = this.#options;
    return Math.min(this.#requestBytes, rowCount * rowSizeBytes - inFile * this.#requestBytes);
  }

  async #read(blockNumber: number): Promise<Uint8Array> {
    const { thread, threads, limit } = this.#options;
    const firstTurn = blockNumber * this.#blockRequests;
    if (this.#readThrough) {
      const count = Math.max(0, Math.min(this.#blockRequests * threads, limit - firstTurn * threads));
      return this.#readRun(Buffer.allocUnsafeSlow(count * this.#requestBytes), firstTurn * threads);
    }
    const block = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#blockRequests * this.#requestBytes);
    for (let i = 0; i < this.#blockRequests; i++) {
      const index = thread + (firstTurn + i) * threads;
      if (index >= limit) break;
      const start = i * this.#requestBytes;
      await this.#readRun(block.subarray(start, start + this.#bytesOf(index % this.#fileRequests)), index);
    }
    return block;
  }

  /** Fills `target` with rows from the request with this number on, starting over where the file ends. */
  async #readRun(target: Uint8Array, firstIndex: number): Promise<Uint8Array> {
    const { path, rowSizeBytes, rowCount } = this.#options;
    const sizeBytes = rowCount * rowSizeBytes;
    const startBytes = (firstIndex % this.#fileRequests) * this.#requestBytes;
    let filled = 0;
    while (filled < target.byteLength) {
      const place = (startBytes + filled) % sizeBytes;
      const length = Math.min(target.byteLength - filled, sizeBytes - place);
      const { bytesRead } = await this.#file.read(target, filled, length, place).catch((cause: unknown) => {
        throw inputError(path, cause);
      });
      if (bytesRead === 0) {
        const cutRow = Math.floor(place / rowSizeBytes);
        throw new AibenchError(
          'AIBENCH_INPUT',
          `${path} ends at row ${cutRow}; it was longer when the run began`,
        );
      }
      filled += bytesRead;
    }
    return target;
  }
}
