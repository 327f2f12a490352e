/** What happened to a model since its statistics were last reset. */
export class ModelStatistics {
  /** Time spent answering, injected delays included, successes only. */
  durationMs = 0;
  /** Extents of the batch dimension of the answered requests, added up. */
  samples = 0;
  /** Requests answered, errors included. */
  calls = 0;
  /** Requests answered with an error. */
  errors = 0;

  /** Counts an answer. */
  recordSuccess(durationMs: number, samples: number): void {
    this.calls += 1;
    this.samples += samples;
    this.durationMs += durationMs;
  }

  /** Counts an error. */
  recordError(): void {
    this.calls += 1;
    this.errors += 1;
  }

  /** Sets everything to 0. */
  reset(): void {
    this.durationMs = 0;
    this.samples = 0;
    this.calls = 0;
    this.errors = 0;
  }
}
