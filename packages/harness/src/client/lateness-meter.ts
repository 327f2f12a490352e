import { LatencyHistogram } from '@aibench/core';

/** How often the event loop is asked to come back, ms: often enough to see short stalls, seldom enough to cost nothing. */
const periodMs = 20;

/**
 * How late the event loop comes when it is due, seen by a timer on a fixed grid
 * of due times. Every due time is counted, also those that passed during a
 * stall, each with its own lateness: otherwise a stall of a second would count
 * as one tick of many, and the quantiles would be those of the good times.
 *
 * Node's timers have a resolution of 1 ms: up to that, lateness means nothing.
 * What matters below is seen where the load itself is due at set times.
 */
export class LatenessMeter {
  readonly #onTick: (nowMs: number) => void;
  readonly #histogram = new LatencyHistogram();
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;

  /** @param onTick called after each tick, for what else is to be sampled */
  constructor(onTick: (nowMs: number) => void = () => undefined) {
    this.#onTick = onTick;
  }

  /** Forgets what was recorded, and records. Does not keep the thread alive. */
  start(): void {
    this.stop();
    this.#histogram.reset();
    this.#dueMs = performance.now() + periodMs;
    this.#arm(periodMs);
  }

  /** Records no more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Lateness of every due time up to now. While it records, those of a stall still going on are in it too. */
  read(): LatencyHistogram {
    if (this.#timer !== undefined) this.#catchUp(performance.now());
    return this.#histogram;
  }

  #arm(waitMs: number): void {
    this.#timer = setTimeout(this.#tick, waitMs);
    this.#timer.unref();
  }

  readonly #tick = (): void => {
    const nowMs = performance.now();
    // A timer may come up to its resolution early; that is not late at all.
    if (nowMs < this.#dueMs) {
      this.#histogram.record(0);
      this.#dueMs += periodMs;
    }
    this.#catchUp(nowMs);
    this.#arm(Math.max(1, this.#dueMs - nowMs));
    this.#onTick(nowMs);
  };

  #catchUp(nowMs: number): void {
    for (; this.#dueMs <= nowMs; this.#dueMs += periodMs) {
      this.#histogram.record((nowMs - this.#dueMs) * 1_000);
    }
  }
}
