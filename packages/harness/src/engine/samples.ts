import { stageNames } from './stages.js';

/** One answered request as a load thread hands it to the main thread. */
export interface Sample {
  /** When the answer was complete, in us after the start of the load. */
  readonly endUs: number;
  /** From the send to the answer. */
  readonly serviceUs: number;
  /** From the due time to the answer; in a closed loop the same as {@link serviceUs}. */
  readonly responseUs: number;
  /** Whether burn-in was over when it was due. */
  readonly measured: boolean;
  /** From the send of a query of several samples to its last answer; -1 but for that answer. */
  readonly queryUs: number;
}

/** Doubles that a sample takes: its five fields in their order, then its stages, -1 for one that did not occur. */
export const sampleWidth = 5 + stageNames.length;

/** Where in a sample its stages begin. */
export const sampleStages = 5;

/** Samples after which a thread hands over what it has, whatever the reporting period. */
const chunkSamples = 4_096;

/** Doubles of a chunk. */
const chunkLength = chunkSamples * sampleWidth;

/** Chunks kept for later: one or two are on their way at a time, unless the main thread was held up. */
const mostSpare = 2;

/**
 * A thread's growing list of samples, handed over a chunk at a time without a
 * copy. Threads record samples, not histograms: appending costs a few
 * nanoseconds on the thread that bears the load, nothing is lost to binning
 * before windows are cut, and the main thread can cut them by the time of the
 * answer.
 *
 * Chunks go round: whoever read one gives it back. Otherwise the main thread,
 * which allocates too little to collect garbage often, would hold tens of
 * megabytes of read ones.
 */
export class SampleBuffer {
  readonly #handOver: (samples: Float64Array<ArrayBuffer>) => void;
  readonly #spare: Float64Array<ArrayBuffer>[] = [];
  #chunk = new Float64Array(chunkLength);
  #used = 0;

  /** @param handOver takes ownership of whole samples and of the buffer that they lie at the beginning of */
  constructor(handOver: (samples: Float64Array<ArrayBuffer>) => void) {
    this.#handOver = handOver;
  }

  /** @param stagesUs in the order of `stageNames` */
  append(sample: Sample, stagesUs: Float64Array): void {
    const chunk = this.#chunk;
    let at = this.#used;
    chunk[at++] = sample.endUs;
    chunk[at++] = sample.serviceUs;
    chunk[at++] = sample.responseUs;
    chunk[at++] = sample.measured ? 1 : 0;
    chunk[at++] = sample.queryUs;
    for (let stage = 0; stage < stageNames.length; stage++) chunk[at++] = stagesUs[stage]!;
    this.#used = at;
    if (at === chunk.length) this.flush();
  }

  /** Hands over what there is. */
  flush(): void {
    if (this.#used === 0) return;
    const samples = this.#chunk.subarray(0, this.#used);
    this.#chunk = this.#spare.pop() ?? new Float64Array(chunkLength);
    this.#used = 0;
    this.#handOver(samples);
  }

  /** Takes a buffer back that was handed over and has been read. */
  giveBack(buffer: ArrayBuffer): void {
    if (this.#spare.length < mostSpare) this.#spare.push(new Float64Array(buffer));
  }
}
