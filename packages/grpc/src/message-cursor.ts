import type { MessageBytes } from '@aibench/core';
import type { OutputQueue } from './output-queue.js';

/** The length of a message in bytes. */
export function messageLength(message: MessageBytes): number {
  if (message instanceof Uint8Array) return message.byteLength;
  let length = 0;
  for (const piece of message) length += piece.byteLength;
  return length;
}

/** Goes through a message that is too long, or whose windows are too small, to be sent in one go. */
export class MessageCursor {
  readonly #pieces: readonly Uint8Array[];
  #piece = 0;
  #at = 0;
  /** What is still to be sent. */
  leftBytes: number;

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces;
    this.leftBytes = messageLength(pieces);
  }

  /** Puts the next bytes into the queue, without copying them where they are many. */
  pass(bytes: number, output: OutputQueue): void {
    this.leftBytes -= bytes;
    for (let wanted = bytes; wanted > 0; ) {
      const piece = this.#pieces[this.#piece]!;
      const taken = Math.min(wanted, piece.byteLength - this.#at);
      if (taken > 0) output.append(piece, this.#at, this.#at + taken);
      wanted -= taken;
      this.#at += taken;
      if (this.#at === piece.byteLength) {
        this.#piece += 1;
        this.#at = 0;
      }
    }
  }
}
