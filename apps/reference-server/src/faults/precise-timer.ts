/** Where the timer gets its time and its wake-ups from; tests bring their own. */
export interface TimerClock {
  /** Monotonic time in ms, with a fraction. */
  now(): number;
  /** Calls back after at least `delayMs`; returns a function that cancels. */
  sleep(delayMs: number, wake: () => void): () => void;
  /** Calls back after the next round of input and output. */
  soon(wake: () => void): void;
}

/** Node's own clock. */
export const systemClock: TimerClock = {
  now: () => performance.now(),
  sleep(delayMs, wake) {
    const timer = setTimeout(wake, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (wake) => void setImmediate(wake),
};

/** setTimeout counts in whole milliseconds and may be late by one or more, so the last stretch is polled. */
const polledStretchMs = 2;

interface Waiting {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * Calls back at points in time, to a few tens of microseconds where the event
 * loop is free: it sleeps until about 2 ms before the next one and then asks
 * the clock after every round of input and output. While it does so, one core
 * is busy. Callbacks run in the order of their times.
 */
export class PreciseTimer {
  readonly #clock: TimerClock;
  /** Binary heap, the next one first. */
  readonly #heap: Waiting[] = [];
  #order = 0;
  #polling = false;
  #cancelSleep: (() => void) | undefined;
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(clock: TimerClock = systemClock) {
    this.#clock = clock;
  }

  /** Current time in ms on the timer's clock. */
  now(): number {
    return this.#clock.now();
  }

  /** Calls back when the time has come; never before this call has returned. */
  at(dueMs: number, callback: () => void): void {
    this.#push({ dueMs, order: this.#order++, callback });
    this.#arm();
  }

  /** Forgets all that waits. */
  close(): void {
    this.#heap.length = 0;
    this.#cancelSleep?.();
    this.#cancelSleep = undefined;
  }

  #arm(): void {
    const next = this.#heap[0];
    if (next === undefined || this.#polling) return;
    const sleepMs = Math.floor(next.dueMs - this.#clock.now() - polledStretchMs);
    if (sleepMs < 1) {
      this.#cancelSleep?.();
      this.#cancelSleep = undefined;
      this.#polling = true;
      this.#clock.soon(this.#poll);
    } else if (this.#cancelSleep === undefined || next.dueMs < this.#wakeMs) {
      this.#cancelSleep?.();
      this.#wakeMs = next.dueMs;
      this.#cancelSleep = this.#clock.sleep(sleepMs, this.#wake);
    }
  }

  readonly #wake = (): void => {
    this.#cancelSleep = undefined;
    this.#arm();
  };

  readonly #poll = (): void => {
    this.#polling = false;
    const nowMs = this.#clock.now();
    while (this.#heap.length > 0 && this.#heap[0]!.dueMs <= nowMs) this.#pop().callback();
    this.#arm();
  };

  #push(waiting: Waiting): void {
    const heap = this.#heap;
    let index = heap.push(waiting) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(waiting, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = waiting;
  }

  #pop(): Waiting {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
