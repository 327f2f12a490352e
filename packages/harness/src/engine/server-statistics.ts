import { AibenchError, errorLine } from '@aibench/core';
import type { ServerStatsResult } from '../result/run-result.js';
import type { ServerStatsReader } from '../runner.js';
import { within } from './time-limit.js';

/** How long the end of a run waits for the server's own statistics, and for their reader to close. */
const lastLimitMs = 2_000;

/**
 * What a server says of itself in the course of a run. Never throws: statistics
 * that cannot be read are a warning, the first time.
 */
export class ServerStatistics {
  readonly #reader: ServerStatsReader | undefined;
  readonly #onWarning: ((warning: string) => void) | undefined;
  readonly #results: ServerStatsResult[] = [];
  /** The read that is under way. */
  #reading: Promise<void> | undefined;
  #warned = false;

  /** @param reader undefined for a server that tells nothing */
  constructor(reader: ServerStatsReader | undefined, onWarning: ((warning: string) => void) | undefined) {
    this.#reader = reader;
    this.#onWarning = onWarning;
  }

  /** What was read so far. */
  get results(): readonly ServerStatsResult[] {
    return this.#results;
  }

  /** Asks once more, unless the server has yet to answer: one that is slower than the period is asked less often. */
  read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** What the server says at the end, which is all that it says of a run shorter than a period; waits 2 s at most. */
  async readLast(): Promise<void> {
    if (this.#reader === undefined) return;
    const reads = (async () => {
      await this.#reading;
      await this.read();
    })();
    await within(reads, lastLimitMs, noAnswer).catch((error: unknown) => this.#warn(error));
  }

  /** Closes the reader, or leaves it after 2 s. */
  async close(): Promise<void> {
    const reader = this.#reader;
    if (reader === undefined) return;
    await within((async () => reader.close())(), lastLimitMs, noAnswer).catch(() => undefined);
  }

  async #readOnce(): Promise<void> {
    if (this.#reader === undefined) return;
    try {
      // A copy: a value cut out of a server's answer keeps all of its text in memory.
      const servers = structuredClone(await this.#reader.read());
      this.#results.push({ readAtMs: Date.now(), servers });
    } catch (error) {
      this.#warn(error);
    }
  }

  #warn(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#onWarning?.(`the server's statistics could not be read: ${errorLine(error)}`);
  }
}

function noAnswer(): AibenchError {
  return new AibenchError('AIBENCH_TIMEOUT', 'no answer');
}
