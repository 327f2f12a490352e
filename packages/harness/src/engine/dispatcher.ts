import type { Arrival } from '../load-model/outstanding-queue.js';
import type { Pacer } from './pacer.js';

/**
 * Tells the workers of one thread when to send. Times are in us after the
 * start of the load and never go back. `OutstandingQueue` is the open loop's,
 * {@link ClosedDispatcher} the closed loop's.
 */
export interface Dispatcher {
  /** What a worker that is free sends next: at `dueUs`, or at once where that has passed; undefined when there is no more. */
  take(nowUs: number): Arrival | undefined;
  /** That request is answered, failed, or will not be sent after all. */
  release(nowUs: number): void;
  /** Requests that were dropped because too many were outstanding. */
  readonly dropped: number;
  /** Ends the schedule; returns the requests that were due and that nobody was free to send. */
  close(nowUs: number): number;
}

/** The closed loop: a request is due when a worker is free, and not before the pacer allows it. */
export class ClosedDispatcher implements Dispatcher {
  readonly dropped = 0;
  readonly #pacer: Pacer;
  readonly #stride: number;
  #nextIndex: number;

  /** @param firstIndex number of the thread's first request; it takes every `stride`-th from there */
  constructor(pacer: Pacer, firstIndex: number, stride: number) {
    this.#pacer = pacer;
    this.#nextIndex = firstIndex;
    this.#stride = stride;
  }

  take(nowUs: number): Arrival | undefined {
    const index = this.#nextIndex;
    const dueUs = this.#pacer.dueUs(index);
    if (dueUs === Number.POSITIVE_INFINITY) return undefined;
    this.#nextIndex += this.#stride;
    return { index, dueUs: Math.max(dueUs, nowUs) };
  }

  release(): void {
    // Nothing waits for a worker in a closed loop.
  }

  close(): number {
    return 0;
  }
}
