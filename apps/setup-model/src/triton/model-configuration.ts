import type { Dtype, TensorSpec } from '@aibench/core';
import { tritonDatatype } from '@aibench/triton';
import type { InferenceTask } from '@aibench/usecases';

/** Back ends of Triton that models are set up for. */
export type TritonBackend = 'onnxruntime' | 'tensorflow' | 'python';

/** All that a model's configuration says. */
export interface ModelConfigurationOptions {
  readonly modelName: string;
  readonly backend: TritonBackend;
  /** The tensors that the model takes and gives. */
  readonly task: Pick<InferenceTask, 'inputs' | 'references' | 'outputs' | 'hasBatches'>;
  /** Most rows in one run; 0 for a model without a batch dimension. */
  readonly maxBatchSize: number;
  /** Sizes at which a batch is run at once. */
  readonly preferredBatchSizes: readonly number[];
  readonly maxQueueDelayUs: number;
  readonly instances: number;
  /** `CPU`, `GPU`, `GPU:1` */
  readonly device: string;
  /** Threads within an operator; 0 leaves them to the back end. */
  readonly intraOpThreads: number;
}

/**
 * A model's `config.pbtxt`: Triton's model configuration in the text form of
 * protocol buffers. Without a batch dimension the shapes are those of the use
 * case, their outermost extent open where requests may have any number of rows;
 * with one, they are those of a row.
 */
export function modelConfiguration(options: ModelConfigurationOptions): string {
  const { modelName, backend, task, maxBatchSize, instances, device, intraOpThreads } = options;
  const tensors = (specs: readonly TensorSpec[]) =>
    specs.map((spec) => tensor(spec.name, spec.dtype, dimsOf(spec, options)));
  return [
    `name: ${quoted(modelName)}`,
    ...backendLines[backend],
    `max_batch_size: ${maxBatchSize}`,
    `input [\n${tensors([...task.inputs, ...task.references]).join(',\n')}\n]`,
    `output [\n${tensors(task.outputs).join(',\n')}\n]`,
    `instance_group [\n  {\n    count: ${instances}\n${deviceLines(device)}  }\n]`,
    ...(maxBatchSize > 0 ? [dynamicBatching(options)] : []),
    ...(intraOpThreads > 0 ? [parameter(threadsParameter[backend], String(intraOpThreads))] : []),
    '',
  ].join('\n');
}

const backendLines: Readonly<Record<TritonBackend, readonly string[]>> = {
  onnxruntime: ['backend: "onnxruntime"', 'default_model_filename: "model.onnx"'],
  tensorflow: [
    'platform: "tensorflow_graphdef"',
    'backend: "tensorflow"',
    'default_model_filename: "model.graphdef"',
  ],
  python: ['backend: "python"', 'default_model_filename: "model.py"'],
};

/** What the back ends call the number of threads within an operator; that of python is our own model.py's. */
const threadsParameter: Readonly<Record<TritonBackend, string>> = {
  onnxruntime: 'intra_op_thread_count',
  tensorflow: 'TF_NUM_INTRA_THREADS',
  python: 'intra_op_thread_count',
};

function dimsOf({ shape }: TensorSpec, { maxBatchSize, task }: ModelConfigurationOptions): readonly number[] {
  if (maxBatchSize > 0) return shape.length > 1 ? shape.slice(1) : shape;
  return task.hasBatches ? [-1, ...shape.slice(1)] : shape;
}

function tensor(name: string, dtype: Dtype, dims: readonly number[]): string {
  return [
    '  {',
    `    name: ${quoted(name)}`,
    `    data_type: TYPE_${tritonDatatype(dtype)}`,
    `    dims: [ ${dims.join(', ')} ]`,
    '  }',
  ].join('\n');
}

function deviceLines(device: string): string {
  const [kind, index] = device.split(':');
  return `    kind: KIND_${kind}\n${index === undefined ? '' : `    gpus: [ ${index} ]\n`}`;
}

function dynamicBatching({ preferredBatchSizes, maxQueueDelayUs }: ModelConfigurationOptions): string {
  const lines = [
    ...(preferredBatchSizes.length > 0
      ? [`  preferred_batch_size: [ ${preferredBatchSizes.join(', ')} ]`]
      : []),
    `  max_queue_delay_microseconds: ${maxQueueDelayUs}`,
  ];
  return `dynamic_batching {\n${lines.join('\n')}\n}`;
}

function parameter(key: string, value: string): string {
  return `parameters {\n  key: ${quoted(key)}\n  value { string_value: ${quoted(value)} }\n}`;
}

function quoted(text: string): string {
  return `"${text.replaceAll(/[\\"]/g, '\\$&')}"`;
}
