import { tensorSizeBytes } from '@aibench/core';
import {
  type AiCommandFamily,
  type CommandTemplate,
  commandTemplate,
  redisAiDtype,
  type TemplatePart,
} from '@aibench/redis';
import type { InferenceTask, InputSpec, ReferenceSpec } from '@aibench/usecases';

/** What an inference takes and gives: the part of a task that its commands are made of. */
export type TensorTask = Pick<InferenceTask, 'inputs' | 'references' | 'outputs'>;

/** Under which keys the tensors of an inference go. */
export interface TensorKeys {
  /** Where a row's reference tensor lies. */
  reference(spec: ReferenceSpec): TemplatePart;
  /** An input or an output. */
  tensor(spec: InputSpec): TemplatePart;
}

/** How an inference is asked for. */
export interface InferenceCommandOptions {
  readonly family: AiCommandFamily;
  /** Key of the model. */
  readonly model: string;
  readonly keys: TensorKeys;
  /** Whether the outputs stay in the store. Default false. */
  readonly persist?: boolean;
}

/** Keys made from the row's id, as in the Go suite: `transactionTensor:{17}`. */
export const rowKeys: TensorKeys = {
  reference: (spec) => ({ key: (id) => spec.tensorKey(id) }),
  tensor: ({ keyPrefix }) => ({ key: (id) => `${keyPrefix}:{${id}}` }),
};

/** Keys of the asker's own, whatever the row, that end as `owner` does: `imageTensor:{w3}`. */
export function ownKeys(owner: string): TensorKeys {
  return { reference: rowKeys.reference, tensor: ({ keyPrefix }) => `${keyPrefix}:${owner}` };
}

/**
 * One inference as one command, whose tensors live only as long as it runs:
 * `AI.DAGRUN` or `AI.DAGEXECUTE`, which set the inputs, run the model and get
 * the outputs. It takes one blob for each input, and is answered by an array:
 * `OK` for each input and for the run, then one blob for each output.
 */
export function dagCommand(task: TensorTask, options: InferenceCommandOptions): CommandTemplate {
  const { family, model, keys, persist = false } = options;
  const loads = task.references.map((spec) => keys.reference(spec));
  const head: TemplatePart[] = loads.length > 0 ? ['LOAD', String(loads.length), ...loads] : [];
  if (persist) {
    const kept = task.outputs.map((spec) => keys.tensor(spec));
    head.push('PERSIST', String(kept.length), ...kept);
  }
  // AI.DAGEXECUTE must name a key to find its shard by; where nothing is loaded, the model is that key.
  if (loads.length === 0 && !persist && family === 'execute') head.push('ROUTING', model);
  const steps = [
    ...task.inputs.map((spec) => setTensor(spec, keys)),
    runModel(task, options),
    ...task.outputs.map((spec) => getTensor(spec, keys)),
  ];
  const name = family === 'execute' ? 'AI.DAGEXECUTE' : 'AI.DAGRUN';
  return commandTemplate([name, ...head, ...steps.flatMap((step) => ['|>', ...step])]);
}

/** One inference as commands of their own, sent together; answered one by one as the steps of a DAG are. */
export interface SeparateCommands {
  /** One for each input; each takes that input's blob. */
  readonly sets: readonly CommandTemplate[];
  readonly run: CommandTemplate;
  /** One for each output. */
  readonly gets: readonly CommandTemplate[];
  /** Keys that the commands write. */
  readonly ownKeys: readonly string[];
}

/** How an inference is asked for in separate commands. */
export interface SeparateCommandOptions extends Omit<InferenceCommandOptions, 'keys' | 'persist'> {
  /**
   * Ends the keys of inputs and outputs, in the place of the row: a text that
   * nobody else who asks the same server uses, `{w3}`.
   */
  readonly owner: string;
}

/**
 * The commands of {@link SeparateCommands}. Their tensors stay in the store, so
 * their keys are the asker's own, whatever the row: its next request writes
 * over them, and a run leaves no more behind than it has workers.
 */
export function separateCommands(
  task: TensorTask,
  { owner, ...options }: SeparateCommandOptions,
): SeparateCommands {
  const keys = ownKeys(owner);
  return {
    sets: task.inputs.map((spec) => commandTemplate(setTensor(spec, keys))),
    run: commandTemplate(runModel(task, { ...options, keys })),
    gets: task.outputs.map((spec) => commandTemplate(getTensor(spec, keys))),
    ownKeys: [...task.inputs, ...task.outputs].map(({ keyPrefix }) => `${keyPrefix}:${owner}`),
  };
}

type Parts = [string, ...TemplatePart[]];

function setTensor(spec: InputSpec, keys: TensorKeys): Parts {
  const shape = spec.shape.map(String);
  return [
    'AI.TENSORSET',
    keys.tensor(spec),
    redisAiDtype(spec.dtype),
    ...shape,
    'BLOB',
    { blob: tensorSizeBytes(spec) },
  ];
}

function getTensor(spec: InputSpec, keys: TensorKeys): Parts {
  return ['AI.TENSORGET', keys.tensor(spec), 'BLOB'];
}

function runModel(task: TensorTask, { family, model, keys }: InferenceCommandOptions): Parts {
  const inputs = [
    ...task.inputs.map((spec) => keys.tensor(spec)),
    ...task.references.map((spec) => keys.reference(spec)),
  ];
  const outputs = task.outputs.map((spec) => keys.tensor(spec));
  return family === 'execute'
    ? ['AI.MODELEXECUTE', model, ...counted('INPUTS', inputs), ...counted('OUTPUTS', outputs)]
    : ['AI.MODELRUN', model, 'INPUTS', ...inputs, 'OUTPUTS', ...outputs];
}

function counted(word: string, parts: readonly TemplatePart[]): TemplatePart[] {
  return [word, String(parts.length), ...parts];
}
