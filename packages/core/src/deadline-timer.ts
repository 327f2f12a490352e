/**
 * One timer for the deadlines of many requests. It is set for the earliest that it
 * knows of, and when it fires all are looked at; a request whose deadline is not
 * the earliest, which is nearly every one, costs a comparison.
 */
export class DeadlineTimer {
  readonly #expire: (nowMs: number) => number;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;

  /** @param expire ends what is over time, and returns when the next will be, Infinity for never */
  constructor(expire: (nowMs: number) => number) {
    this.#expire = expire;
  }

  /** Takes note of a deadline, in `performance.now()`'s time. */
  add(deadlineMs: number): void {
    if (deadlineMs < this.#dueMs) this.#set(deadlineMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  #set(dueMs: number): void {
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    // Node takes a longer wait for none at all; whoever waits so long is looked at in between.
    const waitMs = Math.min(Math.max(1, Math.ceil(dueMs - performance.now())), 0x7fffffff);
    this.#timer = setTimeout(() => this.#set(this.#expire(performance.now())), waitMs);
    this.#timer.unref();
  }
}
