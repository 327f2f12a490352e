import { AibenchError, elementCount, type TensorSpec } from '@aibench/core';
import type { InferenceTask } from '@aibench/usecases';
import { formatTensor, tritonDatatype } from './datatypes.js';
import type { InferenceCall } from './infer-template.js';
import type { ModelDescription, ModelTensor } from './triton-control.js';

/** What an inference takes and gives: the part of a task that a call is made of. */
export type TensorTask = Pick<InferenceTask, 'inputs' | 'references' | 'outputs'>;

/** Which model is to be matched. */
export interface MatchOptions {
  /** `host:port`, for messages. */
  readonly address: string;
  /** As the user asked for it; empty where the server chooses. */
  readonly version: string;
}

/** The platform that a null server's models have: they answer whatever is asked. */
const nullPlatform = 'null';

/**
 * Finds out how a model is asked for a task's inference: its tensors have to
 * have the task's names and types, and shapes that the same bytes make. Where
 * the model wants a batch, the tensor is a batch of one.
 *
 * @throws AIBENCH_ANSWER saying what the model takes and what the use case sends
 */
export function matchModel(
  task: TensorTask,
  model: ModelDescription,
  { address, version }: MatchOptions,
): InferenceCall {
  const given = [...task.inputs, ...task.references];
  const call = { model: model.name, version };
  if (model.platform === nullPlatform && model.inputs.length === 0) {
    return { ...call, inputs: given, outputs: task.outputs };
  }
  const where = `${address}: model ${model.name}`;
  const inputs = given.map((spec) => matchTensor(spec, model.inputs, `${where}, input`));
  const unknown = model.inputs.find(({ name }) => !given.some((spec) => spec.name === name));
  if (unknown !== undefined) {
    throw mismatch(`${where} also wants ${describe(unknown)}, which the use case does not have`);
  }
  const outputs = task.outputs.map((spec) => matchTensor(spec, model.outputs, `${where}, output`));
  return { ...call, inputs, outputs };
}

function matchTensor(spec: TensorSpec, offered: readonly ModelTensor[], where: string): TensorSpec {
  const tensor = offered.find(({ name }) => name === spec.name);
  const wanted = `${spec.name} ${formatTensor(spec)}`;
  if (tensor === undefined) {
    const list = offered.map(describe).join(', ') || 'none';
    throw mismatch(`${where}: the use case has ${wanted}, the model ${list}`);
  }
  const shape = shapeFor(spec, tensor.shape);
  if (shape === undefined || tensor.datatype !== tritonDatatype(spec.dtype)) {
    throw mismatch(`${where}: the use case has ${wanted}, the model ${describe(tensor)}`);
  }
  return { name: spec.name, dtype: spec.dtype, shape };
}

/** The shape that a model wants the same elements in, or undefined where there is none. */
function shapeFor(spec: TensorSpec, wanted: readonly number[]): readonly number[] | undefined {
  const { shape } = spec;
  const withoutOne = shape[0] === 1 ? [shape.slice(1)] : [];
  return [shape, [1, ...shape], ...withoutOne].find(
    (candidate) =>
      candidate.length === wanted.length &&
      elementCount(candidate) === elementCount(shape) &&
      candidate.every((extent, i) => wanted[i] === -1 || wanted[i] === extent),
  );
}

function describe({ name, datatype, shape }: ModelTensor): string {
  return `${name} ${datatype} [${shape.join(',')}]`;
}

function mismatch(message: string): AibenchError {
  return new AibenchError('AIBENCH_ANSWER', message, {
    hint: 'is this the right model? see --model, --use-case, --enable-reference-data-redis',
  });
}
