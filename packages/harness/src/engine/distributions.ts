import { LatencyHistogram } from '@aibench/core';
import { type LatencySummary, summarizeLatency } from '../result/latency-summary.js';
import type { WindowResult } from '../result/run-result.js';
import { sampleStages } from './samples.js';
import { type Stage, stageNames } from './stages.js';

/** How measured requests are distributed, in each of the ways in which results show them. */
export class Distributions {
  readonly serviceTime = new LatencyHistogram();
  /** From the due time to the send. */
  readonly sendDelay = new LatencyHistogram();
  /** Queries of several samples: from the send to the last answer. */
  readonly queryTime = new LatencyHistogram();
  /** Apart from service time since the first request that was not sent when it was due; empty before. */
  readonly #responseTime = new LatencyHistogram();
  #apart = false;
  readonly #stages = stageNames.map(() => new LatencyHistogram());

  /** The same object as {@link serviceTime} while every request was sent when it was due, as in the closed loop. */
  get responseTime(): LatencyHistogram {
    return this.#apart ? this.#responseTime : this.serviceTime;
  }

  /**
   * Records one sample.
   *
   * @param samples laid out as `SampleBuffer` does
   * @param at where in them the sample begins
   */
  record(samples: Float64Array, at: number): void {
    const serviceUs = samples[at + 1]!;
    const responseUs = samples[at + 2]!;
    const queryUs = samples[at + 4]!;
    if (responseUs !== serviceUs) this.#setApart();
    this.serviceTime.record(serviceUs);
    if (this.#apart) this.#responseTime.record(responseUs);
    this.sendDelay.record(responseUs - serviceUs);
    if (queryUs >= 0) this.queryTime.record(queryUs);
    for (let stage = 0; stage < stageNames.length; stage++) {
      const stageUs = samples[at + sampleStages + stage]!;
      if (stageUs >= 0) this.#stages[stage]!.record(stageUs);
    }
  }

  /** Adds all of another's samples, without loss. */
  add(other: Distributions): void {
    if (other.#apart) this.#setApart();
    this.serviceTime.add(other.serviceTime);
    if (this.#apart) this.#responseTime.add(other.responseTime);
    this.sendDelay.add(other.sendDelay);
    this.queryTime.add(other.queryTime);
    for (const [stage, histogram] of this.#stages.entries()) histogram.add(other.#stages[stage]!);
  }

  /** Forgets all samples. */
  reset(): void {
    this.#apart = false;
    const own = [this.serviceTime, this.#responseTime, this.sendDelay, this.queryTime];
    for (const histogram of [...own, ...this.#stages]) histogram.reset();
  }

  /** Service and response time; one summary for both where they are the same, so that it is kept once. */
  latencies(): Pick<WindowResult, 'serviceTime' | 'responseTime'> {
    const serviceTime = summarizeLatency(this.serviceTime);
    return { serviceTime, responseTime: this.#apart ? summarizeLatency(this.#responseTime) : serviceTime };
  }

  /** The stages that occurred. */
  stages(): Partial<Record<Stage, LatencySummary>> {
    const occurred = stageNames.flatMap((name, index) => {
      const histogram = this.#stages[index]!;
      return histogram.count > 0 ? [[name, summarizeLatency(histogram)] as const] : [];
    });
    return Object.fromEntries(occurred);
  }

  /** Until now every response time was a service time. */
  #setApart(): void {
    if (this.#apart) return;
    this.#apart = true;
    this.#responseTime.add(this.serviceTime);
  }
}
