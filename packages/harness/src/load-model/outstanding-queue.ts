import type { Pacer } from '../engine/pacer.js';

/** A request that is to be sent: at its due time if that lies ahead, otherwise at once, late. */
export interface Arrival {
  /** Its number over all threads. */
  readonly index: number;
  /** When it is due, us after the start. */
  readonly dueUs: number;
}

/** What an {@link OutstandingQueue} works with. */
export interface OutstandingQueueOptions {
  readonly pacer: Pacer;
  /**
   * The most requests that may be out or waiting for a worker at once; a request
   * that comes due beyond it is dropped. Infinity for no bound. Not below the number
   * of workers: start no more of them than this, the others could never send.
   */
  readonly maxOutstanding: number;
  /** Number of the first arrival; default 0. */
  readonly firstIndex?: number;
  /** From one arrival to the next; default 1. Thread t of T takes `firstIndex` t and `stride` T. */
  readonly stride?: number;
}

/**
 * The open loop's queue, shared by the workers of one thread: arrivals come at
 * their due times whatever the workers do, wait in order for a free one, and are
 * dropped where, at its due time, as many requests as allowed are out or waiting.
 * That is a G/G/W/K queue: W workers, K `maxOutstanding`.
 *
 * A worker calls {@link take}, sends the arrival at its due time or at once if
 * that has passed, calls {@link release} when it is answered or failed, and takes
 * the next. Workers that take ahead of time hold the arrival until it is due;
 * such an arrival is never dropped.
 *
 * Pure: time is what the callers say, never going back. Each arrival costs O(1),
 * once; memory is what waits under a bound, and none without one. The pacer's
 * times must grow without end or come to Infinity: not `unpaced`.
 */
export class OutstandingQueue {
  readonly #pacer: Pacer;
  readonly #maxOutstanding: number;
  readonly #stride: number;
  /** The next arrival that nothing has become of yet. */
  #nextIndex: number;
  #nextDueUs: number;
  /** Arrivals whose time has come, in order, from `#head` on; only used under a bound. */
  #waiting: Arrival[] = [];
  #head = 0;
  #busy = 0;
  #taken = 0;
  #dropped = 0;

  constructor({ pacer, maxOutstanding, firstIndex = 0, stride = 1 }: OutstandingQueueOptions) {
    this.#pacer = pacer;
    this.#maxOutstanding = maxOutstanding;
    this.#stride = stride;
    this.#nextIndex = firstIndex;
    this.#nextDueUs = pacer.dueUs(firstIndex);
  }

  /**
   * The next arrival for a worker that is free, which counts as busy from now on.
   *
   * @param nowUs us after the start
   * @returns undefined when there are no more
   */
  take(nowUs: number): Arrival | undefined {
    this.#admit(nowUs, true);
    const arrival = this.waiting > 0 ? this.#shift() : this.#draw();
    if (arrival === undefined) return undefined;
    this.#busy += 1;
    this.#taken += 1;
    return arrival;
  }

  /**
   * A worker's request is answered or has failed, or the worker gives its arrival up.
   *
   * @param nowUs us after the start; what is due just then still finds room
   */
  release(nowUs: number): void {
    this.#admit(nowUs, false);
    this.#busy -= 1;
  }

  /**
   * Ends the queue: nothing that is due later arrives, nothing more is given out.
   *
   * @param nowUs us after the start; what is due just then has arrived
   * @returns how many arrivals waited for a worker: due, but neither taken nor dropped; of a schedule without
   *   number, such as a burst without end, none can be counted and none are
   */
  close(nowUs: number): number {
    this.#admit(nowUs, true);
    // Without a bound nothing is admitted ahead; what has come due is only counted here.
    const waiting = this.waiting + this.#countDue(nowUs);
    this.#waiting = [];
    this.#head = 0;
    this.#nextDueUs = Number.POSITIVE_INFINITY;
    return waiting;
  }

  /** Arrivals handed to workers. */
  get taken(): number {
    return this.#taken;
  }

  /** Arrivals that found the bound reached. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Arrivals handed to workers and not released: requests that are out, and arrivals held until they are due. */
  get busy(): number {
    return this.#busy;
  }

  /** Arrivals that wait for a worker, as of the last call; under a bound only, 0 without one. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  #admit(nowUs: number, including: boolean): void {
    if (this.#maxOutstanding === Number.POSITIVE_INFINITY) return;
    while (including ? this.#nextDueUs <= nowUs : this.#nextDueUs < nowUs) {
      if (this.#busy + this.waiting < this.#maxOutstanding) {
        this.#waiting.push({ index: this.#nextIndex, dueUs: this.#nextDueUs });
      } else {
        this.#dropped += 1;
      }
      this.#advance();
    }
  }

  /** Arrivals from the next one on that are due: found by halving, since a run may end far behind its schedule. */
  #countDue(nowUs: number): number {
    const isDue = (ahead: number) => this.#pacer.dueUs(this.#nextIndex + ahead * this.#stride) <= nowUs;
    if (!(this.#nextDueUs <= nowUs)) return 0;
    let above = 1;
    for (; isDue(above); above *= 2) {
      if (this.#nextIndex + 2 * above * this.#stride > Number.MAX_SAFE_INTEGER) return 0;
    }
    // The last one known to be due, and the first known not to be.
    let due = Math.floor(above / 2);
    while (above - due > 1) {
      const middle = Math.floor((due + above) / 2);
      if (isDue(middle)) due = middle;
      else above = middle;
    }
    return due + 1;
  }

  #advance(): void {
    this.#nextIndex += this.#stride;
    this.#nextDueUs = this.#pacer.dueUs(this.#nextIndex);
  }

  /** The next arrival before it has come due, or without a bound. */
  #draw(): Arrival | undefined {
    if (this.#nextDueUs === Number.POSITIVE_INFINITY) return undefined;
    const arrival = { index: this.#nextIndex, dueUs: this.#nextDueUs };
    this.#advance();
    return arrival;
  }

  #shift(): Arrival | undefined {
    const arrival = this.#waiting[this.#head++];
    // Moving the rest up only when it is the smaller half keeps the cost of each arrival constant.
    if (this.#head * 2 > this.#waiting.length) {
      this.#waiting.copyWithin(0, this.#head);
      this.#waiting.length -= this.#head;
      this.#head = 0;
    }
    return arrival;
  }
}
