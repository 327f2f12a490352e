import type { AibenchError } from '@aibench/core';
import { BulkBatch } from './bulk-batch.js';
import type { RedisSocket } from './redis-socket.js';
import type { ScannedReply } from './reply-scanner.js';

/** What a lane tells its writer. */
export interface BulkLaneEvents {
  /** The reply to command `index` of a batch. */
  onReply(lane: BulkLane, batch: BulkBatch, index: number, reply: ScannedReply): void;
  /** All replies of a batch are in; its memory may be used again. */
  onBatchDone(): void;
  onLost(error: AibenchError): void;
}

/** Commands written at once, at the most: beyond this a larger write gains nothing. */
const maxBatchCommands = 256;

/**
 * One connection of a bulk writer, with at most `pipeline` commands on their
 * way. They are sent in batches of half of it, so that the next batch is built
 * while the server works on the one before.
 */
export class BulkLane {
  readonly address: string;
  readonly #socket: RedisSocket;
  readonly #events: BulkLaneEvents;
  readonly #batchCommands: number;
  readonly #free: BulkBatch[] = [];
  readonly #sent: BulkBatch[] = [];
  #unbuilt: number;
  #open: BulkBatch | undefined;

  /** @param pipeline commands on their way at most, at least 1 */
  constructor(socket: RedisSocket, pipeline: number, events: BulkLaneEvents) {
    this.address = socket.address;
    this.#socket = socket;
    this.#events = events;
    this.#batchCommands = Math.min(Math.max(Math.floor(pipeline / 2), 1), maxBatchCommands);
    this.#unbuilt = Math.floor(pipeline / this.#batchCommands);
    socket.listen({
      onReply: (reply) => this.#takeReply(reply),
      onLost: (error) => events.onLost(error),
    });
  }

  /** The batch that takes the next command; undefined where all are on their way. */
  batch(): BulkBatch | undefined {
    if (this.#open === undefined) {
      this.#open = this.#free.pop();
      if (this.#open === undefined && this.#unbuilt > 0) {
        this.#unbuilt -= 1;
        this.#open = new BulkBatch(this.#batchCommands);
      }
    }
    return this.#open;
  }

  /** Sends the open batch, full or not. */
  send(): void {
    const batch = this.#open;
    if (batch === undefined || batch.count === 0) return;
    this.#open = undefined;
    this.#sent.push(batch);
    this.#socket.write(batch.wire());
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  #takeReply(reply: ScannedReply): void {
    const batch = this.#sent[0];
    // A reply that nothing asked for is nobody's.
    if (batch === undefined) return;
    const index = batch.replied;
    batch.replied += 1;
    this.#events.onReply(this, batch, index, reply);
    if (batch.replied < batch.count) return;
    this.#sent.shift();
    batch.reset();
    this.#free.push(batch);
    this.#events.onBatchDone();
  }
}
