import type { TensorSpec } from '@aibench/core';
import { batchExtent } from '@aibench/models';
import type { InferenceTask } from '@aibench/usecases';

/** What `model.json` says of a model; the service knows nothing else of it. */
export interface ModelDescription {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** The files that belong to the model. */
  readonly files: readonly string[];
}

/** A model's `model.json`, in which the first extent of a tensor is free where it is that of rows. */
export function modelDescription(
  task: Pick<InferenceTask, 'graph' | 'inputs' | 'references' | 'outputs'>,
  files: readonly string[],
  isOwn: boolean,
): ModelDescription {
  const { inputs, outputs } = isOwn
    ? {
        inputs: [...task.inputs, ...task.references].map(withRows),
        outputs: task.outputs.map(withRows),
      }
    : task.graph();
  return { inputs: inputs.map(plain), outputs: outputs.map(plain), files };
}

/** One row of a tensor of several dimensions is as good as any number of them, for a model of which no more is known. */
function withRows(spec: TensorSpec): TensorSpec {
  const [first, ...others] = spec.shape;
  return first === 1 && others.length > 0 ? { ...spec, shape: [batchExtent, ...others] } : spec;
}

function plain({ name, dtype, shape }: TensorSpec): TensorSpec {
  return { name, dtype, shape };
}
