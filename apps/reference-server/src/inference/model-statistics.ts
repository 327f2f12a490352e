/** Where the time of an answered request went, in ms. */
export interface AnswerTimes {
  /** Running the model or, where it is longer, the injected delay. */
  readonly durationMs: number;
  /** Waiting for its turn: for the service desk, and for models that ran before. */
  readonly queueMs: number;
}

/** Runs of one batch size. */
export interface BatchStatistics {
  count: number;
  durationMs: number;
  inputMs: number;
  outputMs: number;
}

/** What happened to a model since its statistics were last reset. */
export class ModelStatistics {
  /** Time spent answering, injected delays included, successes only. */
  durationMs = 0;
  /** Time that the answered requests waited for their turn. */
  queueMs = 0;
  /** Time spent reading requests and writing answers, where the protocol tells. */
  inputMs = 0;
  outputMs = 0;
  /** Time from request to error of those that failed. */
  errorMs = 0;
  /** Extents of the batch dimension of the answered requests, added up. */
  samples = 0;
  /** Requests answered, errors included. */
  calls = 0;
  /** Requests answered with an error. */
  errors = 0;
  /** Requests that are being answered. */
  pending = 0;
  /** When the last request was answered, ms since 1970; 0 where there was none. */
  lastAnswerAtMs = 0;
  /** The answered requests by their batch size. */
  readonly batches = new Map<number, BatchStatistics>();

  /** Requests answered without an error. */
  get successes(): number {
    return this.calls - this.errors;
  }

  /** Counts an answer. */
  recordSuccess({ durationMs, queueMs }: AnswerTimes, samples: number): void {
    this.calls += 1;
    this.samples += samples;
    this.durationMs += durationMs;
    this.queueMs += queueMs;
    this.lastAnswerAtMs = Date.now();
    const batch = this.#batch(samples);
    batch.count += 1;
    batch.durationMs += durationMs;
  }

  /** Adds what it took to read an answered request and to write its answer. */
  recordTransfer(inputMs: number, outputMs: number, samples: number): void {
    this.inputMs += inputMs;
    this.outputMs += outputMs;
    const batch = this.#batch(samples);
    batch.inputMs += inputMs;
    batch.outputMs += outputMs;
  }

  /** Counts an error. */
  recordError(errorMs: number): void {
    this.calls += 1;
    this.errors += 1;
    this.errorMs += errorMs;
    this.lastAnswerAtMs = Date.now();
  }

  /** Sets everything to 0, but what is still being answered. */
  reset(): void {
    this.durationMs = 0;
    this.queueMs = 0;
    this.inputMs = 0;
    this.outputMs = 0;
    this.errorMs = 0;
    this.samples = 0;
    this.calls = 0;
    this.errors = 0;
    this.lastAnswerAtMs = 0;
    this.batches.clear();
  }

  #batch(samples: number): BatchStatistics {
    let batch = this.batches.get(samples);
    if (batch === undefined) {
      batch = { count: 0, durationMs: 0, inputMs: 0, outputMs: 0 };
      this.batches.set(samples, batch);
    }
    return batch;
  }
}
