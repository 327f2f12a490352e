import type { RowCommand } from './row-commands.js';

/** Views on the rows of one block of memory. */
export interface BlockView {
  /** Each row. */
  readonly rows: readonly Uint8Array[];
  /** For each command, and then for each row, the blobs that the command takes. */
  readonly blobs: readonly (readonly (readonly Uint8Array[])[])[];
}

/**
 * Views on blocks of rows. A reader fills the same memory again and again, so
 * its views are made once: two for each row would cost more than writing it.
 */
export class BlockViews {
  readonly #rowBytes: number;
  readonly #commands: readonly RowCommand[];
  readonly #known = new WeakMap<ArrayBufferLike, BlockView>();

  constructor(rowBytes: number, commands: readonly RowCommand[]) {
    this.#rowBytes = rowBytes;
    this.#commands = commands;
  }

  /** Views on a block of whole rows; those of its rows come first, there may be more. */
  of(block: Buffer): BlockView {
    const known = this.#known.get(block.buffer);
    // A reader's blocks differ in length only.
    if (
      known?.rows[0]?.byteOffset === block.byteOffset &&
      known.rows.length * this.#rowBytes >= block.length
    ) {
      return known;
    }
    const { buffer, byteOffset } = block;
    const starts = Array.from(
      { length: block.length / this.#rowBytes },
      (_, i) => byteOffset + i * this.#rowBytes,
    );
    const view = {
      rows: starts.map((at) => new Uint8Array(buffer, at, this.#rowBytes)),
      blobs: this.#commands.map(({ start, end }) =>
        starts.map((at) => [new Uint8Array(buffer, at + start, end - start)]),
      ),
    };
    this.#known.set(buffer, view);
    return view;
  }
}
