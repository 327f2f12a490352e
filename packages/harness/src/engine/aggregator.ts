import { summarizeLatency } from '../result/latency-summary.js';
import type { RunRates, WindowResult } from '../result/run-result.js';
import { Distributions } from './distributions.js';
import { sampleWidth } from './samples.js';

/** What came in one window. */
class Window {
  readonly distributions = new Distributions();
  answered = 0;
  measured = 0;
  firstSendUs = Number.POSITIVE_INFINITY;
  lastEndUs = 0;
  firstMeasuredSendUs = Number.POSITIVE_INFINITY;
  lastMeasuredEndUs = 0;

  /** Takes in one sample, laid out as `SampleBuffer` does. */
  record(samples: Float64Array, at: number): void {
    const endUs = samples[at]!;
    const sendUs = endUs - samples[at + 1]!;
    this.answered += 1;
    this.firstSendUs = Math.min(this.firstSendUs, sendUs);
    this.lastEndUs = Math.max(this.lastEndUs, endUs);
    if (samples[at + 3] === 0) return;
    this.measured += 1;
    this.firstMeasuredSendUs = Math.min(this.firstMeasuredSendUs, sendUs);
    this.lastMeasuredEndUs = Math.max(this.lastMeasuredEndUs, endUs);
    this.distributions.record(samples, at);
  }

  add(other: Window): void {
    this.distributions.add(other.distributions);
    this.answered += other.answered;
    this.measured += other.measured;
    this.firstSendUs = Math.min(this.firstSendUs, other.firstSendUs);
    this.lastEndUs = Math.max(this.lastEndUs, other.lastEndUs);
    this.firstMeasuredSendUs = Math.min(this.firstMeasuredSendUs, other.firstMeasuredSendUs);
    this.lastMeasuredEndUs = Math.max(this.lastMeasuredEndUs, other.lastMeasuredEndUs);
  }
}

/**
 * Makes distributions and windows of the samples of all threads. A sample
 * belongs to the window in which its answer came, whenever it is handed over.
 */
export class Aggregator {
  readonly #periodUs: number;
  readonly #kept: number;
  /** Windows that are closed, together. */
  #total = new Window();
  /** The last closed ones, one by one. */
  #last: Window[] = [];
  /** Windows that samples have come for and that are not closed yet, by number. */
  readonly #open = new Map<number, Window>();
  #closed = 0;
  #answered = 0;
  #measured = 0;
  #serviceSumUs = 0;

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
    return this.#measured;
  }

  /** Sum of the service times of all answers, burn-in included, exactly: for Little's law. */
  get serviceSumUs(): number {
    return this.#serviceSumUs;
  }

  /** Measured requests of the closed windows. */
  get distributions(): Distributions {
    return this.#total.distributions;
  }

  /** Takes whole samples in, laid out as `SampleBuffer` does. */
  add(samples: Float64Array): void {
    for (let at = 0; at < samples.length; at += sampleWidth) {
      this.#answered += 1;
      this.#measured += samples[at + 3]!;
      this.#serviceSumUs += samples[at + 1]!;
      this.#windowAt(samples[at]!).record(samples, at);
    }
  }

  /**
   * Closes the oldest open window. All threads must have handed over what they
   * have up to its end.
   *
   * @param endUs its end, after the start of the load; before its full length where the run ended in it
   * @param endedAtMs Unix time of its end
   * @param failed requests that failed in it
   */
  closeWindow(endUs: number, endedAtMs: number, failed: number): WindowResult {
    const number = this.#closed;
    this.#closed += 1;
    const window = this.#open.get(number) ?? new Window();
    this.#open.delete(number);
    this.#total.add(window);
    if (this.#kept > 0) this.#last = [...this.#last, window].slice(-this.#kept);
    const durationUs = Math.max(endUs - number * this.#periodUs, 1);
    return {
      endMs: endUs / 1_000,
      endedAtMs,
      durationMs: durationUs / 1_000,
      answered: window.answered,
      answeredPerSecond: (window.answered * 1e6) / durationUs,
      failed,
      serviceTime: summarizeLatency(window.distributions.serviceTime),
      responseTime: summarizeLatency(window.distributions.responseTime),
    };
  }

  /** Forgets all but the last closed windows, up to as many as the constructor was told: they are what was measured. */
  keepLast(): void {
    this.#total = new Window();
    for (const window of this.#last) this.#total.add(window);
    this.#open.clear();
    this.#measured = this.#total.measured;
  }

  /** Rates of the closed windows. */
  rates(): RunRates {
    const { answered, measured, firstSendUs, lastEndUs, firstMeasuredSendUs, lastMeasuredEndUs } =
      this.#total;
    const measuredUs = Math.max(0, lastMeasuredEndUs - firstMeasuredSendUs);
    const allUs = Math.max(0, lastEndUs - firstSendUs);
    return {
      measuredPerSecond: perSecond(measured, measuredUs),
      measuredDurationMs: measuredUs / 1_000,
      includingBurnInPerSecond: perSecond(answered, allUs),
      includingBurnInDurationMs: allUs / 1_000,
    };
  }

  #windowAt(endUs: number): Window {
    // A window that is closed takes no more; only an answer in the instant of its end could come for it.
    const number = Math.max(this.#closed, Math.floor(endUs / this.#periodUs));
    let window = this.#open.get(number);
    if (window === undefined) {
      window = new Window();
      this.#open.set(number, window);
    }
    return window;
  }
}

function perSecond(count: number, durationUs: number): number {
  return durationUs > 0 ? (count * 1e6) / durationUs : 0;
}
