import { type FileHandle, open } from 'node:fs/promises';
import { AibenchError, inputError } from '@aibench/core';
import type { RowCursor, Turn } from './row-cursor.js';

/** Which rows of a data file a thread takes. */
export interface FileRowsOptions {
  readonly path: string;
  readonly rowSizeBytes: number;
  /** Whole rows in the file. */
  readonly rowCount: number;
  /** Requests over all threads; may exceed `rowCount`, then the file is read again from its top. */
  readonly limit: number;
  /** This thread takes rows thread, thread + threads, thread + 2 threads, ... */
  readonly thread: number;
  readonly threads: number;
}

/** Bytes read at once; enough that reading costs little, small enough not to delay a row. */
const blockBytes = 256 * 1024;

/** Up to this distance between a thread's rows, reading what lies between them is cheaper than one read a row. */
const readThroughBytes = 64 * 1024;

/**
 * Every T-th row of a data file, read by position, one block ahead. Blocks are
 * fresh memory each, because requests in flight still point into the last one.
 */
export class FileRows implements RowCursor {
  readonly #options: FileRowsOptions;
  readonly #file: FileHandle;
  /** Rows of this thread in a block. */
  readonly #blockRows: number;
  /** Whether a block also holds the rows of the other threads that lie between. */
  readonly #readThrough: boolean;
  /** Number, among this thread's turns, of the next one. */
  #turn = 0;
  #block: Promise<Uint8Array> | undefined;
  #rows: Uint8Array | undefined;
  #ahead: Promise<Uint8Array> | undefined;

  private constructor(options: FileRowsOptions, file: FileHandle) {
    this.#options = options;
    this.#file = file;
    const strideBytes = options.rowSizeBytes * options.threads;
    this.#readThrough = strideBytes <= readThroughBytes;
    this.#blockRows = Math.max(
      1,
      Math.floor(blockBytes / (this.#readThrough ? strideBytes : options.rowSizeBytes)),
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
    const inBlock = this.#turn % this.#blockRows;
    const blockNumber = (this.#turn - inBlock) / this.#blockRows;
    if (inBlock === 0) {
      this.#block = this.#ahead ?? this.#read(blockNumber);
      this.#rows = undefined;
      this.#ahead = this.#read(blockNumber + 1);
      // A block that nobody comes to ask for must not end the process when its read fails.
      this.#ahead.catch(() => undefined);
    }
    this.#turn += 1;
    if (this.#rows !== undefined) return { index, row: this.#slice(this.#rows, inBlock) };
    return this.#block!.then((rows) => {
      if (blockNumber === Math.floor((this.#turn - 1) / this.#blockRows)) this.#rows = rows;
      return { index, row: this.#slice(rows, inBlock) };
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#block, this.#ahead]);
    await this.#file.close();
  }

  #slice(block: Uint8Array, inBlock: number): Uint8Array {
    const { rowSizeBytes, thread, threads } = this.#options;
    const place = this.#readThrough ? inBlock * threads + thread : inBlock;
    return block.subarray(place * rowSizeBytes, (place + 1) * rowSizeBytes);
  }

  async #read(blockNumber: number): Promise<Uint8Array> {
    const { rowSizeBytes, thread, threads, limit } = this.#options;
    const firstTurn = blockNumber * this.#blockRows;
    if (this.#readThrough) {
      const count = Math.min(this.#blockRows * threads, limit - firstTurn * threads);
      return this.#readRun(new Uint8Array(Math.max(0, count) * rowSizeBytes), firstTurn * threads);
    }
    const block = new Uint8Array(this.#blockRows * rowSizeBytes);
    for (let i = 0; i < this.#blockRows; i++) {
      const index = thread + (firstTurn + i) * threads;
      if (index >= limit) break;
      await this.#readRun(block.subarray(i * rowSizeBytes, (i + 1) * rowSizeBytes), index);
    }
    return block;
  }

  /** Fills `target` with rows from the one with this number on, starting over where the file ends. */
  async #readRun(target: Uint8Array, firstIndex: number): Promise<Uint8Array> {
    const { path, rowSizeBytes, rowCount } = this.#options;
    const sizeBytes = rowCount * rowSizeBytes;
    const startBytes = (firstIndex % rowCount) * rowSizeBytes;
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
