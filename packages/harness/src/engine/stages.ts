import type { Clock } from './clock.js';

/** The timed parts of one inference, in the order in which results show them. */
export const stageNames = ['reference', 'encode', 'wait', 'decode'] as const;

/**
 * A part of one inference: `reference`, fetching reference data; `encode`,
 * building the request; `wait`, from the first byte sent to the last byte
 * received; `decode`, making tensors of the answer.
 */
export type Stage = (typeof stageNames)[number];

/** A runner's stopwatch for one inference; it starts with the call of `infer`. */
export interface StageTimer {
  /** The time since the last call, or since the start, belongs to this stage. */
  end(stage: Stage): void;
}

const stageIndex: Readonly<Record<Stage, number>> = { reference: 0, encode: 1, wait: 2, decode: 3 };

/** A worker's stopwatch, started anew for every inference. */
export class StageStopwatch implements StageTimer {
  /** Time spent in each stage, in the order of {@link stageNames}; -1 for a stage that did not occur. */
  readonly elapsedUs = new Float64Array(stageNames.length);
  readonly #clock: Clock;
  #lastUs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(nowUs: number): void {
    this.#lastUs = nowUs;
    this.elapsedUs.fill(-1);
  }

  end(stage: Stage): void {
    const nowUs = this.#clock.nowUs();
    const index = stageIndex[stage];
    // A stage may end twice, where a server needs two round trips.
    this.elapsedUs[index] = Math.max(this.elapsedUs[index]!, 0) + nowUs - this.#lastUs;
    this.#lastUs = nowUs;
  }
}
