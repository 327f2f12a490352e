import { AibenchError, elementCount, formatShape, type TensorSpec } from '@aibench/core';
import type { InferenceTask } from '@aibench/usecases';
import type { FlaskHealth, FlaskModel, FlaskTensor } from './health.js';

/** What an inference takes and gives. */
export type TensorTask = Pick<InferenceTask, 'inputs' | 'references' | 'outputs'>;

/** Where a model is looked for. */
export interface ChoiceOptions {
  /** `host:port`, for messages. */
  readonly address: string;
  /** As the user asked for it; empty where the names of the inputs decide. */
  readonly model: string;
}

/** The back end of a null server, which answers whatever is asked. */
const nullBackend = 'null';

const setUp = 'set it up with aibench-setup-model --server flask, or name another with --model';
const rightModel = 'is this the right model? see --model, --use-case, --enable-reference-data-redis';

/**
 * The model that would answer a task's inference: the one of that name, or the
 * one whose inputs have the task's names. It has to take and give as many
 * elements of the same types.
 *
 * @throws AIBENCH_MISSING_KEY where there is none, AIBENCH_SERVER where it could not be loaded, AIBENCH_ANSWER where it
 *   does not fit or several would
 */
export function chooseModel(task: TensorTask, health: FlaskHealth, options: ChoiceOptions): FlaskModel {
  const { address } = options;
  if (health.backend.name === nullBackend) {
    return { name: options.model, inputs: [], outputs: [], sha256: undefined, error: undefined };
  }
  const model = find(task, health, options);
  if (model.error !== undefined) {
    throw new AibenchError(
      'AIBENCH_SERVER',
      `${address} could not load model ${model.name}: ${model.error}`,
      {
        hint: 'set it up anew with aibench-setup-model --server flask',
      },
    );
  }
  const where = `${address}: model ${model.name}`;
  const given = [...task.inputs, ...task.references];
  for (const spec of given) checkTensor(spec, model.inputs, `${where}, input`);
  const unknown = model.inputs.find(({ name }) => !given.some((spec) => spec.name === name));
  if (unknown !== undefined) {
    throw mismatch(`${where} also wants ${describe(unknown)}, which the use case does not have`);
  }
  for (const spec of task.outputs) checkTensor(spec, model.outputs, `${where}, output`);
  return model;
}

function find(
  task: TensorTask,
  { models }: FlaskHealth,
  { address, model: name }: ChoiceOptions,
): FlaskModel {
  const there = models.map((model) => model.name).join(', ') || 'none';
  if (name !== '') {
    const found = models.find((model) => model.name === name);
    if (found !== undefined) return found;
    throw new AibenchError('AIBENCH_MISSING_KEY', `${address} has no model ${name}, but ${there}`, {
      hint: setUp,
    });
  }
  const names = [...task.inputs, ...task.references].map((spec) => spec.name);
  const fitting = models.filter(
    ({ inputs }) => inputs.length === names.length && inputs.every((input) => names.includes(input.name)),
  );
  // As the service: one that cannot be loaded answers nobody, unless nobody else does.
  const loaded = fitting.filter(({ error }) => error === undefined);
  const found = loaded.length > 0 ? loaded : fitting;
  const [first, second] = found;
  if (first === undefined) {
    const failed = models.filter(({ error, inputs }) => error !== undefined && inputs.length === 0);
    const why = failed.map((model) => `; ${model.name} could not be loaded: ${model.error}`).join('');
    throw new AibenchError(
      'AIBENCH_MISSING_KEY',
      `${address} has no model with the inputs ${names.join(', ')}; there are: ${there}${why}`,
      { hint: setUp },
    );
  }
  if (second !== undefined) {
    throw new AibenchError(
      'AIBENCH_ANSWER',
      `${address} has several models with the inputs ${names.join(', ')}: ${found.map((each) => each.name).join(', ')}`,
      { hint: 'say which with --model' },
    );
  }
  return first;
}

function checkTensor(spec: TensorSpec, offered: readonly FlaskTensor[], where: string): void {
  const tensor = offered.find(({ name }) => name === spec.name);
  const wanted = `the use case has ${describe(spec)}`;
  if (tensor === undefined) {
    throw mismatch(`${where}: ${wanted}, the model ${offered.map(describe).join(', ') || 'none'}`);
  }
  if (tensor.dtype !== spec.dtype || !hasSize(tensor, elementCount(spec.shape))) {
    throw mismatch(`${where}: ${wanted}, the model ${describe(tensor)}`);
  }
}

/** The service goes by the number of elements, or by that of a row's where rows are free. */
function hasSize({ shape }: FlaskTensor, count: number): boolean {
  if (shape[0] !== -1) return elementCount(shape) === count;
  return count % elementCount(shape.slice(1)) === 0;
}

function describe({ name, dtype, shape }: FlaskTensor): string {
  return `${name} ${dtype} ${formatShape(shape)}`;
}

function mismatch(message: string): AibenchError {
  return new AibenchError('AIBENCH_ANSWER', message, { hint: rightModel });
}
