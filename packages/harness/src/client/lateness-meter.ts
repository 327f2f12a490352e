import { LatencyHistogram } from '@aibench/core';

/** How often the event loop is asked to come back, ms: often enough to see short stalls, seldom enough to cost nothing. */
const periodMs = 50;

/** A timer may come this much early, ms: its resolution, and the rounding of what it counts from. */
const earlyMs = 2;

/**
 * How late the event loop comes when it is due, seen by a timer that is set
 * again and again. Every due time is counted, also those that passed during a
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
    this.#timer = setTimeout(this.#tick, periodMs);
    this.#timer.unref();
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

  readonly #tick = (): void => {
    const nowMs = performance.now();
    // Coming early is not late at all; much too early is a due time that a read has counted already.
    if (nowMs < this.#dueMs && nowMs >= this.#dueMs - earlyMs) this.#histogram.record(0);
    this.#catchUp(nowMs);
    this.#dueMs = nowMs + periodMs;
    // Costs half of what a new timer does.
    this.#timer?.refresh();
    this.#onTick(nowMs);
  };

  #catchUp(nowMs: number): void {
    for (; this.#dueMs <= nowMs; this.#dueMs += periodMs) {
      this.#histogram.record((nowMs - this.#dueMs) * 1_000);
    }
  }
}
