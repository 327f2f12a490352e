import type { Readable } from 'node:stream';
import { inputError, wholeRows } from '@aibench/core';
import type { RowBlock } from './queued-rows.js';

/** Rows a block handed to a thread holds at most, in bytes; at least one row. */
const blockBytes = 128 * 1024;

/** What a stream of rows is cut into. */
export interface RowStreamOptions {
  readonly rowSizeBytes: number;
  /** Rows after which the stream is left unread; Infinity for none. */
  readonly limit: number;
  /** Whether bytes after the last whole row are passed over instead of being an error. */
  readonly allowTruncated: boolean;
}

/** Reads a stream once and gives its rows out in blocks, in order, to whoever asks. */
export class RowStream {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #options: RowStreamOptions;
  readonly #blockSizeBytes: number;
  /** Read and not given out yet; more than one piece only while a row is incomplete. */
  #pieces: Buffer[] = [];
  #restBytes = 0;
  #nextIndex = 0;
  /** One reader at a time: blocks must leave in order. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stream: Readable, options: RowStreamOptions) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#options = options;
    this.#blockSizeBytes = Math.max(1, Math.floor(blockBytes / options.rowSizeBytes)) * options.rowSizeBytes;
  }

  /** Rows given out so far. */
  get rowCount(): number {
    return this.#nextIndex;
  }

  /**
   * The next block, as soon as one whole row is there; undefined at the end.
   *
   * @throws AIBENCH_INPUT when the stream cannot be read, or ends within a row, naming the row
   */
  next(): Promise<RowBlock | undefined> {
    const block = this.#turn.then(() => this.#read());
    this.#turn = block.catch(() => undefined);
    return block;
  }

  async #read(): Promise<RowBlock | undefined> {
    const { rowSizeBytes, limit, allowTruncated } = this.#options;
    const wantedRows = Math.min(this.#blockSizeBytes / rowSizeBytes, limit - this.#nextIndex);
    if (wantedRows <= 0) return undefined;
    while (this.#restBytes < rowSizeBytes) {
      const { done, value } = await this.#chunks.next().catch((cause: unknown) => {
        throw inputError('stdin', cause);
      });
      if (done === true) {
        if (this.#restBytes > 0) {
          const sizeBytes = this.#nextIndex * rowSizeBytes + this.#restBytes;
          wholeRows({ name: 'stdin', sizeBytes, rowSizeBytes, allowTruncated });
        }
        return undefined;
      }
      this.#pieces.push(value);
      this.#restBytes += value.byteLength;
    }
    const rows = Math.min(wantedRows, Math.floor(this.#restBytes / rowSizeBytes));
    const firstIndex = this.#nextIndex;
    this.#nextIndex += rows;
    return { firstIndex, rows: this.#take(rows * rowSizeBytes) };
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
