import type { RunRates, WindowResult } from '../result/run-result.js';
import { Distributions } from './distributions.js';
import { sampleWidth } from './samples.js';

/** What came in one window, or in several together. */
class Window {
  readonly distributions = new Distributions();
  durationUs = 0;
  answered = 0;
  measured = 0;
  firstMeasuredSendUs = Number.POSITIVE_INFINITY;
  lastMeasuredDueUs = 0;
  lastMeasuredEndUs = 0;

  /** Takes in one sample, laid out as `SampleBuffer` does. */
  record(samples: Float64Array, at: number): void {
    this.answered += 1;
    if (samples[at + 3] === 0) return;
    const endUs = samples[at]!;
    this.measured += 1;
    this.firstMeasuredSendUs = Math.min(this.firstMeasuredSendUs, endUs - samples[at + 1]!);
    this.lastMeasuredDueUs = Math.max(this.lastMeasuredDueUs, endUs - samples[at + 2]!);
    this.lastMeasuredEndUs = Math.max(this.lastMeasuredEndUs, endUs);
    this.distributions.record(samples, at);
  }

  /** Forgets all, to be used for another window: histograms of it take a megabyte. */
  reset(): void {
    this.distributions.reset();
    this.durationUs = 0;
    this.answered = 0;
    this.measured = 0;
    this.firstMeasuredSendUs = Number.POSITIVE_INFINITY;
    this.lastMeasuredDueUs = 0;
    this.lastMeasuredEndUs = 0;
  }

  add(other: Window): void {
    this.distributions.add(other.distributions);
    this.durationUs += other.durationUs;
    this.answered += other.answered;
    this.measured += other.measured;
    this.firstMeasuredSendUs = Math.min(this.firstMeasuredSendUs, other.firstMeasuredSendUs);
    this.lastMeasuredDueUs = Math.max(this.lastMeasuredDueUs, other.lastMeasuredDueUs);
    this.lastMeasuredEndUs = Math.max(this.lastMeasuredEndUs, other.lastMeasuredEndUs);
  }
}

/** When the measured requests of a run were under way, us after the send of the first of them. */
export interface MeasuredSpan {
  /** When the last one was due. */
  readonly lastDueUs: number;
  /** When the last answer came. */
  readonly lastAnswerUs: number;
}

/**
 * Makes distributions and windows of the samples of all threads. A sample
 * belongs to the window in which its answer came, whenever it is handed over.
 */
export class Aggregator {
  readonly #periodUs: number;
  readonly #kept: number;
  /** Windows that are closed, together; after {@link keepLast}, those that are kept. */
  #total = new Window();
  /** The last closed ones, one by one. */
  readonly #last: Window[] = [];
  /** Closed ones that nothing is wanted of any more. */
  readonly #spare: Window[] = [];
  #keptLast = false;
  /** Windows that samples have come for and that are not closed yet, by number. */
  readonly #open = new Map<number, Window>();
  #closed = 0;
  #answered = 0;
  #measured = 0;
  #serviceSumUs = 0;
  #firstSendUs = Number.POSITIVE_INFINITY;
  #lastEndUs = 0;

  /**
   * @param periodUs length of a window
   * @param kept how many of the last windows {@link keepLast} can go back to; default 0
   */
  constructor(periodUs: number, kept = 0) {
    this.#periodUs = periodUs;
    this.#kept = kept;
  }

  /** Answers so far. */
  get answered(): number {
    return this.#answered;
  }

  /** Measured answers so far; after {@link keepLast}, those of the windows that are kept. */
  get measured(): number {
    return this.#keptLast ? this.#total.measured : this.#measured;
  }

  /** Sum of the service times of all answers, burn-in included, exactly: for Little's law. */
  get serviceSumUs(): number {
    return this.#serviceSumUs;
  }

  /** Measured requests of the closed windows; after {@link keepLast}, of those that are kept. */
  get distributions(): Distributions {
    return this.#total.distributions;
  }

  /** Takes whole samples in, laid out as `SampleBuffer` does. */
  add(samples: Float64Array): void {
    for (let at = 0; at < samples.length; at += sampleWidth) {
      const endUs = samples[at]!;
      const serviceUs = samples[at + 1]!;
      this.#answered += 1;
      this.#measured += samples[at + 3]!;
      this.#serviceSumUs += serviceUs;
      this.#firstSendUs = Math.min(this.#firstSendUs, endUs - serviceUs);
      this.#lastEndUs = Math.max(this.#lastEndUs, endUs);
      this.#windowAt(endUs).record(samples, at);
    }
  }

  /**
   * Closes the oldest open window. All threads must have handed over what they
   * have up to its end.
   *
   * @param endUs its end, after the start of the load; before its full length where the run ended in it
   * @param endedAtMs Unix time of its end
   * @param failed requests that failed in it
   * @param isLast whether the run is over, so that whatever is left belongs to this window; default false
   */
  closeWindow(endUs: number, endedAtMs: number, failed: number, isLast = false): WindowResult {
    const number = this.#closed;
    this.#closed += 1;
    const window = this.#open.get(number) ?? this.#emptyWindow();
    this.#open.delete(number);
    if (isLast) {
      // Threads read the clock by themselves: one may be ahead of the end by a microsecond.
      for (const rest of this.#open.values()) window.add(rest);
      this.#open.clear();
    }
    const durationUs = Math.max(endUs - number * this.#periodUs, 1);
    window.durationUs = durationUs;
    if (!this.#keptLast) this.#total.add(window);
    const result = {
      endMs: endUs / 1_000,
      endedAtMs,
      durationMs: durationUs / 1_000,
      answered: window.answered,
      answeredPerSecond: (window.answered * 1e6) / durationUs,
      failed,
      ...window.distributions.latencies(),
    };
    this.#last.push(window);
    if (this.#last.length > this.#kept) this.#spare.push(this.#last.shift()!);
    return result;
  }

  /**
   * Makes the last closed windows, up to as many as the constructor was told, all
   * that is measured: what was before them is forgotten, and what comes after them
   * is only counted.
   */
  keepLast(): void {
    this.#total = new Window();
    for (const window of this.#last) this.#total.add(window);
    this.#keptLast = true;
  }

  /**
   * Rates of the measured answers in the closed windows, and of all answers. The
   * time in which windows that are kept were measured is theirs, from end to end.
   */
  rates(): Omit<RunRates, 'measuredRowsPerSecond'> {
    const { measured, durationUs } = this.#total;
    const measuredUs = this.#keptLast ? durationUs : this.span().lastAnswerUs;
    const allUs = Math.max(0, this.#lastEndUs - this.#firstSendUs);
    return {
      measuredPerSecond: perSecond(measured, measuredUs),
      measuredDurationMs: measuredUs / 1_000,
      includingBurnInPerSecond: perSecond(this.#answered, allUs),
      includingBurnInDurationMs: allUs / 1_000,
    };
  }

  /** When the measured requests of the closed windows were under way; zeros where there are none. */
  span(): MeasuredSpan {
    const { firstMeasuredSendUs, lastMeasuredDueUs, lastMeasuredEndUs } = this.#total;
    return {
      lastDueUs: Math.max(0, lastMeasuredDueUs - firstMeasuredSendUs),
      lastAnswerUs: Math.max(0, lastMeasuredEndUs - firstMeasuredSendUs),
    };
  }

  #windowAt(endUs: number): Window {
    // A window that is closed takes no more; only an answer in the instant of its end could come for it.
    const number = Math.max(this.#closed, Math.floor(endUs / this.#periodUs));
    let window = this.#open.get(number);
    if (window === undefined) {
      window = this.#emptyWindow();
      this.#open.set(number, window);
    }
    return window;
  }

  #emptyWindow(): Window {
    const window = this.#spare.pop() ?? new Window();
    window.reset();
    return window;
  }
}

function perSecond(count: number, durationUs: number): number {
  return durationUs > 0 ? (count * 1e6) / durationUs : 0;
}
