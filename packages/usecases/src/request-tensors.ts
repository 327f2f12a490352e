import { withRowCount } from '@aibench/core';
import type { InferenceTask } from './use-case.js';

/** What a request's tensors are: the part of a task that requests and answers are made of. */
export type RequestTensors = Pick<InferenceTask, 'inputs' | 'references' | 'outputs'>;

/**
 * The tensors of a request that has some number of rows: those of the task, whose requests are whole batches, or the
 * same with fewer rows, as at the end of the data.
 */
export function requestTensors(
  task: RequestTensors & Pick<InferenceTask, 'batchSize'>,
  rowCount: number,
): RequestTensors {
  const { batchSize, inputs, outputs, references } = task;
  if (rowCount === batchSize) return task;
  return { references, inputs: withRowCount(inputs, rowCount), outputs: withRowCount(outputs, rowCount) };
}
