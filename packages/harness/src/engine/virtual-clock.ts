import type { Clock } from './clock.js';

interface Waiter {
  readonly dueUs: number;
  readonly wake: () => void;
}

/**
 * A clock for tests, that stands still until {@link run} moves it to the next
 * moment at which somebody wakes. Nothing really sleeps; what happens, and when,
 * is the same every time.
 */
export class VirtualClock implements Clock {
  #nowUs: number;
  /** Those who sleep by {@link sleepUntil}, and may be woken early. */
  #sleepers: Waiter[] = [];
  /** Those who wait by {@link wait}. */
  #waiters: Waiter[] = [];

  /** @param nowUs where it stands at first; default 0 */
  constructor(nowUs = 0) {
    this.#nowUs = nowUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  sleepUntil(dueUs: number): Promise<void> {
    return new Promise((wake) => this.#sleepers.push({ dueUs, wake }));
  }

  wakeAll(): void {
    for (const { wake } of this.#sleepers.splice(0)) wake();
  }

  /** For what the engine has no hand in, such as a server that takes its time: {@link wakeAll} does not end it. */
  wait(durationUs: number): Promise<void> {
    return new Promise((wake) => this.#waiters.push({ dueUs: this.#nowUs + durationUs, wake }));
  }

  /** Moves on while the caller keeps the thread to itself, as computing does. */
  advance(durationUs: number): void {
    this.#nowUs += durationUs;
  }

  /**
   * Lets time pass until some work is done.
   *
   * @returns what the work settles with
   * @throws Error when the work waits for something that no time brings
   */
  async run<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const noteEnd = () => {
      settled = true;
    };
    work.then(noteEnd, noteEnd);
    for (let idleTurns = 0; ; ) {
      await turnOfEventLoop();
      if (settled) return work;
      if (this.#wakeNext()) idleTurns = 0;
      // Files are read for real; give such work its time.
      else if (++idleTurns > 10_000) throw new Error('the work waits for something that no time brings');
    }
  }

  /** Moves to the next moment at which anybody wakes, and wakes all of that moment, in the order in which they began. */
  #wakeNext(): boolean {
    const all = [...this.#sleepers, ...this.#waiters];
    if (all.length === 0) return false;
    const dueUs = all.reduce((least, waiter) => Math.min(least, waiter.dueUs), Number.POSITIVE_INFINITY);
    this.#nowUs = Math.max(this.#nowUs, dueUs);
    const isDue = (waiter: Waiter) => waiter.dueUs <= this.#nowUs;
    const due = all.filter(isDue);
    this.#sleepers = this.#sleepers.filter((waiter) => !isDue(waiter));
    this.#waiters = this.#waiters.filter((waiter) => !isDue(waiter));
    for (const { wake } of due) wake();
    return due.length > 0;
  }
}

/** Every promise that can go on without time passing has gone on when this settles. */
function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
