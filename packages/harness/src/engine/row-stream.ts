import type { Readable } from 'node:stream';
import { inputError, wholeRows } from '@aibench/core';
import type { RowBlock } from './queued-rows.js';
import type { RequestRows } from './row-cursor.js';

/** Rows a block handed to a thread holds at most, in bytes; at least those of one request. */
const blockBytes = 128 * 1024;

/** What a stream of rows is cut into. */
export interface RowStreamOptions extends RequestRows {
  /** Requests after which the stream is left unread; Infinity for none. */
  readonly limit: number;
  /** Whether bytes after the last whole row are passed over instead of being an error. */
  readonly allowTruncated: boolean;
}

/** Reads a stream once and gives its rows out in blocks, in order, to whoever asks. */
export class RowStream {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #options: RowStreamOptions;
  readonly #requestBytes: number;
  /** Most requests in a block. */
  readonly #blockRequests: number;
  /** Read and not given out yet; more than one piece only while a row is incomplete. */
  #pieces: Buffer[] = [];
  #restBytes = 0;
  #nextIndex = 0;
  /** One reader at a time: blocks must leave in order. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stream: Readable, options: RowStreamOptions) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#options = options;
    this.#requestBytes = options.rowSizeBytes * options.batchSize;
    this.#blockRequests = Math.max(1, Math.floor(blockBytes / this.#requestBytes));
  }

  /** Requests whose rows were given out so far. */
  get requestCount(): number {
    return this.#nextIndex;
  }

  /**
   * The next block, as soon as the rows of one request are there; undefined at the end.
   *
   * @throws AIBENCH_INPUT when the stream cannot be read, or ends within a row, naming the row
   */
  next(): Promise<RowBlock | undefined> {
    const block = this.#turn.then(() => this.#read());
    this.#turn = block.catch(() => undefined);
    return block;
  }

  async #read(): Promise<RowBlock | undefined> {
    const requestBytes = this.#requestBytes;
    const wanted = Math.min(this.#blockRequests, this.#options.limit - this.#nextIndex);
    if (wanted <= 0) return undefined;
    while (this.#restBytes < requestBytes) {
      const { done, value } = await this.#chunks.next().catch((cause: unknown) => {
        throw inputError('stdin', cause);
      });
      if (done === true) return this.#readRest();
      this.#pieces.push(value);
      this.#restBytes += value.byteLength;
    }
    const requests = Math.min(wanted, Math.floor(this.#restBytes / requestBytes));
    const firstIndex = this.#nextIndex;
    this.#nextIndex += requests;
    return { firstIndex, rows: this.#take(requests * requestBytes) };
  }

  /** What is left at the end of the stream, less than a request. */
  #readRest(): RowBlock | undefined {
    const { allowTruncated, rowSizeBytes, sendPartial } = this.#options;
    if (this.#restBytes === 0) return undefined;
    const sizeBytes = this.#nextIndex * this.#requestBytes + this.#restBytes;
    wholeRows({ name: 'stdin', sizeBytes, rowSizeBytes, allowTruncated });
    const rows = Math.floor(this.#restBytes / rowSizeBytes);
    if (rows === 0 || !sendPartial) return undefined;
    const firstIndex = this.#nextIndex;
    this.#nextIndex += 1;
    const block = this.#take(rows * rowSizeBytes);
    this.#restBytes = 0;
    return { firstIndex, rows: block };
  }

  /** The next bytes, as a copy, since the memory of a block moves to another thread. */
  #take(sizeBytes: number): Uint8Array<ArrayBuffer> {
    const block = new Uint8Array(sizeBytes);
    let filled = 0;
    while (filled < sizeBytes) {
      const piece = this.#pieces[0]!;
      const part = piece.subarray(0, sizeBytes - filled);
      block.set(part, filled);
      filled += part.byteLength;
      if (part.byteLength === piece.byteLength) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(part.byteLength);
    }
    this.#restBytes -= sizeBytes;
    return block;
  }
}
