/** The timed parts of one inference. */
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
