import type { RequestRows, RowCursor, Turn } from './row-cursor.js';

/** Rows that the main thread read from a stream and handed to this thread. */
export interface RowBlock {
  /** Number of the block's first request over the whole stream. */
  readonly firstIndex: number;
  /** Those of whole requests, but for the last one of the stream. */
  readonly rows: Uint8Array<ArrayBuffer>;
}

/** Blocks that a thread asks for ahead of its need. */
export const blocksAhead = 2;

/** A thread's rows of a stream: blocks arrive by message, in order, and are asked for ahead of need. */
export class QueuedRows implements RowCursor {
  readonly #batchSize: number;
  readonly #requestBytes: number;
  readonly #requestBlock: () => void;
  readonly #blocks: RowBlock[] = [];
  readonly #waiting: ((turn: Turn | undefined) => void)[] = [];
  #offset = 0;
  #ended = false;

  /** @param requestBlock asks for one more block */
  constructor({ rowSizeBytes, batchSize }: RequestRows, requestBlock: () => void) {
    this.#batchSize = batchSize;
    this.#requestBytes = rowSizeBytes * batchSize;
    this.#requestBlock = requestBlock;
    for (let i = 0; i < blocksAhead; i++) requestBlock();
  }

  /** Takes a block in. */
  push(block: RowBlock): void {
    this.#blocks.push(block);
    this.#serve();
  }

  /** No more blocks will come. */
  end(): void {
    this.#ended = true;
    this.#serve();
  }

  next(): Turn | undefined | Promise<Turn | undefined> {
    if (this.#waiting.length === 0) {
      const turn = this.#take();
      if (turn !== undefined || this.#ended) return turn;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.#blocks.length = 0;
    this.end();
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const turn = this.#take();
      if (turn === undefined && !this.#ended) return;
      this.#waiting.shift()!(turn);
    }
  }

  #take(): Turn | undefined {
    const block = this.#blocks[0];
    if (block === undefined) return undefined;
    const start = this.#offset;
    const end = start + this.#requestBytes;
    const index = block.firstIndex + start / this.#requestBytes;
    const turn = { index, firstRow: index * this.#batchSize, rows: block.rows.subarray(start, end) };
    this.#offset = end;
    if (end >= block.rows.byteLength) {
      this.#blocks.shift();
      this.#offset = 0;
      if (!this.#ended) this.#requestBlock();
    }
    return turn;
  }
}
