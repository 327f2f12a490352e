import type { WindowResult } from '../result/run-result.js';
import type { Aggregator } from './aggregator.js';

/** A rest of a period in which nothing came back is passed over below this share of the period. */
const smallestRest = 0.1;

/** What windows are cut of. */
export interface WindowSource {
  readonly periodUs: number;
  readonly aggregator: Aggregator;
  /** Requests that failed so far. */
  failed(): number;
  /** Told of each window as it ends, with the answers so far. */
  onWindow(window: WindowResult, totalAnswered: number): void;
}

/** Cuts the course of a run into windows of a reporting period each. */
export class WindowCutter {
  readonly #source: WindowSource;
  readonly #windows: WindowResult[] = [];
  #failedInWindows = 0;

  constructor(source: WindowSource) {
    this.#source = source;
  }

  /** Those that have ended. */
  get windows(): readonly WindowResult[] {
    return this.#windows;
  }

  /**
   * Ends the next window, which lasted for a whole period.
   *
   * @param startedAtMs Unix time of the start of the load
   */
  closeNext(startedAtMs: number): void {
    this.#close((this.#windows.length + 1) * this.#source.periodUs, startedAtMs);
  }

  /**
   * Ends the windows that are over, which are several where the main thread was held up, and the one that is not.
   *
   * @param endUs end of the run, after the start of the load
   * @param startedAtMs Unix time of that start
   */
  closeRest(endUs: number, startedAtMs: number): void {
    const { periodUs } = this.#source;
    while ((this.#windows.length + 1) * periodUs <= endUs) this.closeNext(startedAtMs);
    const restUs = endUs - this.#windows.length * periodUs;
    const mayBePassedOver = this.#windows.length > 0 && restUs < periodUs * smallestRest;
    this.#close(endUs, startedAtMs, { isLast: true, mayBePassedOver });
  }

  #close(
    endUs: number,
    startedAtMs: number,
    { isLast, mayBePassedOver } = { isLast: false, mayBePassedOver: false },
  ): void {
    const { aggregator } = this.#source;
    const failed = this.#source.failed();
    const failedIn = failed - this.#failedInWindows;
    const endedAtMs = startedAtMs + endUs / 1_000;
    const window = aggregator.closeWindow(endUs, endedAtMs, failedIn, isLast);
    if (mayBePassedOver && window.answered === 0 && failedIn === 0) return;
    this.#failedInWindows = failed;
    this.#windows.push(window);
    this.#source.onWindow(window, aggregator.answered);
  }
}
