import { LatencyHistogram } from '@aibench/core';
import { type LatencySummary, summarizeLatency } from '../result/latency-summary.js';
import type { RunRates, WindowResult } from '../result/run-result.js';
import { sampleWidth } from './samples.js';
import { type Stage, stageNames } from './stages.js';

interface Window {
  readonly serviceTime: LatencyHistogram;
  answered: number;
}

/**
 * Makes distributions and windows of the samples of all threads. A sample
 * belongs to the window in which its answer came, whenever it is handed over.
 */
export class Aggregator {
  readonly #periodUs: number;
  readonly #serviceTime = new LatencyHistogram();
  readonly #stages = stageNames.map(() => new LatencyHistogram());
  /** Windows that samples have come for and that are not closed yet, by number. */
  readonly #open = new Map<number, Window>();
  #closed = 0;
  #answered = 0;
  #firstSendUs = Number.POSITIVE_INFINITY;
  #lastEndUs = 0;
  #firstMeasuredSendUs = Number.POSITIVE_INFINITY;
  #lastMeasuredEndUs = 0;

  /** @param periodUs length of a window */
  constructor(periodUs: number) {
    this.#periodUs = periodUs;
  }

  /** Measured answers so far. */
  get measured(): number {
    return this.#serviceTime.count;
  }

  /** Answers of the burn-in so far. */
  get burnIn(): number {
    return this.#answered - this.measured;
  }

  /** Takes whole samples in, laid out as `SampleBuffer` does. */
  add(samples: Float64Array): void {
    for (let at = 0; at < samples.length; at += sampleWidth) {
      const endUs = samples[at]!;
      const serviceUs = samples[at + 1]!;
      const window = this.#windowAt(endUs);
      window.answered += 1;
      this.#answered += 1;
      this.#firstSendUs = Math.min(this.#firstSendUs, endUs - serviceUs);
      this.#lastEndUs = Math.max(this.#lastEndUs, endUs);
      if (samples[at + 2] === 0) continue;
      this.#firstMeasuredSendUs = Math.min(this.#firstMeasuredSendUs, endUs - serviceUs);
      this.#lastMeasuredEndUs = Math.max(this.#lastMeasuredEndUs, endUs);
      this.#serviceTime.record(serviceUs);
      window.serviceTime.record(serviceUs);
      for (let stage = 0; stage < stageNames.length; stage++) {
        const stageUs = samples[at + 3 + stage]!;
        if (stageUs >= 0) this.#stages[stage]!.record(stageUs);
      }
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
    const window = this.#open.get(number);
    this.#open.delete(number);
    const durationUs = Math.max(endUs - number * this.#periodUs, 1);
    const answered = window?.answered ?? 0;
    return {
      endMs: endUs / 1_000,
      endedAtMs,
      durationMs: durationUs / 1_000,
      answered,
      answeredPerSecond: (answered * 1e6) / durationUs,
      failed,
      serviceTime: summarizeLatency(window?.serviceTime ?? new LatencyHistogram()),
    };
  }

  /** Rates up to now. */
  rates(): RunRates {
    const measuredUs = Math.max(0, this.#lastMeasuredEndUs - this.#firstMeasuredSendUs);
    const allUs = Math.max(0, this.#lastEndUs - this.#firstSendUs);
    return {
      measuredPerSecond: perSecond(this.measured, measuredUs),
      measuredDurationMs: measuredUs / 1_000,
      includingBurnInPerSecond: perSecond(this.#answered, allUs),
      includingBurnInDurationMs: allUs / 1_000,
    };
  }

  /** Service time of all measured requests. */
  get serviceTime(): LatencyHistogram {
    return this.#serviceTime;
  }

  /** The stages that occurred. */
  stages(): Partial<Record<Stage, LatencySummary>> {
    const occurred = stageNames.flatMap((name, index) => {
      const histogram = this.#stages[index]!;
      return histogram.count > 0 ? [[name, summarizeLatency(histogram)] as const] : [];
    });
    return Object.fromEntries(occurred);
  }

  #windowAt(endUs: number): Window {
    // A window that is closed takes no more; only an answer in the instant of its end could come for it.
    const number = Math.max(this.#closed, Math.floor(endUs / this.#periodUs));
    let window = this.#open.get(number);
    if (window === undefined) {
      window = { serviceTime: new LatencyHistogram(), answered: 0 };
      this.#open.set(number, window);
    }
    return window;
  }
}

function perSecond(count: number, durationUs: number): number {
  return durationUs > 0 ? (count * 1e6) / durationUs : 0;
}
