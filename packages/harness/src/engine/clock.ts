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

/** A timer set for longer is set anew when it ends: above 2^31 - 1 ms setTimeout does not wait at all. */
const longestTimerMs = 1e9;

/** Told of what a clock's sleeps cost and how exact they are. */
export interface SleepObserver {
  /** A sleeper whose time had been waited for woke this much late. */
  noteWakeLateUs(lateUs: number): void;
  /** This much time went into polling for the next due time while there was nothing else to do. */
  notePolledUs(polledUs: number): void;
}

/** Two polls this close to one another have nothing between them: a turn of an idle event loop takes under 1 us. */
const idlePollUs = 5;

/**
 * The machine's monotonic clock. Sleeps are accurate to a few microseconds
 * while the event loop is free, because their last two milliseconds are polled;
 * that keeps a core busy while requests are being paced.
 */
export class SystemClock implements Clock {
  readonly #offsetUs: number;
  /** In order of their due times. */
  readonly #sleepers: Sleeper[] = [];
  /** What calls {@link #wakeDue} next; at most one of the two is set, and only while somebody sleeps. */
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  readonly #observer: SleepObserver | undefined;
  /** When the last callback found nothing due; undefined where it found something. */
  #emptyPollUs: number | undefined;

  constructor(observer?: SleepObserver) {
    this.#observer = observer;
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
      if (place === 0) this.#schedule();
    });
  }

  wakeAll(): void {
    for (const { wake } of this.#sleepers.splice(0)) wake();
    this.#schedule();
  }

  /** Arranges for the first sleeper to be woken. */
  #schedule(): void {
    const next = this.#sleepers[0];
    const waitUs = next === undefined ? 0 : next.dueUs - this.nowUs();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (next !== undefined && waitUs <= timerMarginUs) {
      this.#immediate ??= setImmediate(this.#wakeDue);
      return;
    }
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
    if (next === undefined) return;
    this.#timer = setTimeout(this.#wakeDue, Math.min((waitUs - timerMarginUs) / 1_000, longestTimerMs));
  }

  readonly #wakeDue = (): void => {
    this.#timer = undefined;
    this.#immediate = undefined;
    const nowUs = this.nowUs();
    let due = 0;
    while (due < this.#sleepers.length && this.#sleepers[due]!.dueUs <= nowUs) due++;
    if (due > 0) {
      for (const { dueUs, wake } of this.#sleepers.splice(0, due)) {
        this.#observer?.noteWakeLateUs(nowUs - dueUs);
        wake();
      }
    } else if (this.#emptyPollUs !== undefined && nowUs - this.#emptyPollUs < idlePollUs) {
      this.#observer?.notePolledUs(nowUs - this.#emptyPollUs);
    }
    this.#emptyPollUs = due > 0 ? undefined : nowUs;
    this.#schedule();
  };
}
