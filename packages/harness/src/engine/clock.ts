/** A monotonic clock. The engine takes its time from one of these alone, so that tests can run on a virtual one. */
export interface Clock {
  /** Microseconds since some fixed moment, with fractions; the same moment for every thread of the process. */
  nowUs(): number;
  /** Settles once {@link nowUs} has reached `dueUs`, or when all sleepers are woken. */
  sleepUntil(dueUs: number): Promise<void>;
  /** Ends every sleep at once: the run is over. */
  wakeAll(): void;
}

interface Sleeper {
  readonly dueUs: number;
  readonly wake: () => void;
}

/** How far ahead a timer is trusted: setTimeout may be late by about a millisecond, so the rest is polled. */
const timerMarginUs = 2_000;

/**
 * The machine's monotonic clock. Sleeps are accurate to a few microseconds
 * while the event loop is free, because their last two milliseconds are polled;
 * that keeps a core busy while requests are being paced.
 */
export class SystemClock implements Clock {
  readonly #offsetUs: number;
  /** In order of their due times. */
  readonly #sleepers: Sleeper[] = [];
  #polling = false;

  constructor() {
    // performance.now() is the cheapest clock but starts with each thread; hrtime is shared by all.
    const sharedUs = Number(process.hrtime.bigint()) / 1_000;
    this.#offsetUs = sharedUs - performance.now() * 1_000;
  }

  nowUs(): number {
    return performance.now() * 1_000 + this.#offsetUs;
  }

  sleepUntil(dueUs: number): Promise<void> {
    return new Promise((wake) => {
      // Due times come nearly in order, so the place is found from the end.
      let place = this.#sleepers.length;
      while (place > 0 && this.#sleepers[place - 1]!.dueUs > dueUs) place--;
      this.#sleepers.splice(place, 0, { dueUs, wake });
      if (!this.#polling || place === 0) this.#poll();
    });
  }

  wakeAll(): void {
    for (const { wake } of this.#sleepers.splice(0)) wake();
  }

  readonly #poll = (): void => {
    const nowUs = this.nowUs();
    let due = 0;
    while (due < this.#sleepers.length && this.#sleepers[due]!.dueUs <= nowUs) due++;
    for (const { wake } of this.#sleepers.splice(0, due)) wake();
    const next = this.#sleepers[0];
    this.#polling = next !== undefined;
    if (next === undefined) return;
    const waitUs = next.dueUs - nowUs;
    if (waitUs > timerMarginUs) setTimeout(this.#poll, (waitUs - timerMarginUs) / 1_000);
    else setImmediate(this.#poll);
  };
}
