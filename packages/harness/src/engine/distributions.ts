import { LatencyHistogram } from '@aibench/core';
import { type LatencySummary, summarizeLatency } from '../result/latency-summary.js';
import { sampleStages } from './samples.js';
import { type Stage, stageNames } from './stages.js';

/** How measured requests are distributed, in each of the ways in which results show them. */
export class Distributions {
  readonly serviceTime = new LatencyHistogram();
  readonly responseTime = new LatencyHistogram();
  /** From the due time to the send. */
  readonly sendDelay = new LatencyHistogram();
  /** Queries of several samples: from the send to the last answer. */
  readonly queryTime = new LatencyHistogram();
  readonly #stages = stageNames.map(() => new LatencyHistogram());

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
    this.serviceTime.record(serviceUs);
    this.responseTime.record(responseUs);
    this.sendDelay.record(responseUs - serviceUs);
    if (queryUs >= 0) this.queryTime.record(queryUs);
    for (let stage = 0; stage < stageNames.length; stage++) {
      const stageUs = samples[at + sampleStages + stage]!;
      if (stageUs >= 0) this.#stages[stage]!.record(stageUs);
    }
  }

  /** Adds all of another's samples, without loss. */
  add(other: Distributions): void {
    this.serviceTime.add(other.serviceTime);
    this.responseTime.add(other.responseTime);
    this.sendDelay.add(other.sendDelay);
    this.queryTime.add(other.queryTime);
    for (const [stage, histogram] of this.#stages.entries()) histogram.add(other.#stages[stage]!);
  }

  /** The stages that occurred. */
  stages(): Partial<Record<Stage, LatencySummary>> {
    const occurred = stageNames.flatMap((name, index) => {
      const histogram = this.#stages[index]!;
      return histogram.count > 0 ? [[name, summarizeLatency(histogram)] as const] : [];
    });
    return Object.fromEntries(occurred);
  }
}
