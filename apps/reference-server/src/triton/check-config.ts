import { formatShape } from '@aibench/core';
import type { ModelConfig } from '@aibench/triton';
import type { OnnxSession, TensorDeclaration } from '../inference/onnx-session.js';
import { ServerError } from '../inference/server-error.js';
import { configTypeOf, datatypeOf, datatypeOfConfig } from './datatype.js';

/** An input or output of a configuration. */
export type ConfigTensor = ModelConfig['input'][number] | ModelConfig['output'][number];

/** TensorFlow's names of values may end in the number of the node's output. */
export function nodeOf(name: string): string {
  return name.replace(/:0$/, '');
}

/** A configuration with what it leaves to the model: inputs and outputs, where it names none, and the back end. */
export function completeConfig(config: ModelConfig, session: OnnxSession): ModelConfig {
  return {
    ...config,
    backend: config.platform.startsWith('tensorflow') ? 'tensorflow' : 'onnxruntime',
    input: config.input.length > 0 ? config.input : session.inputs.map((tensor) => complete(tensor, config)),
    output:
      config.output.length > 0 ? config.output : session.outputs.map((tensor) => complete(tensor, config)),
  };
}

function complete({ name, type, shape }: TensorDeclaration, { maxBatchSize }: ModelConfig): ConfigTensor {
  const extents = maxBatchSize > 0 ? shape.slice(1) : shape;
  const dims = extents.map((extent) => BigInt(extent ?? -1));
  return { name, dataType: configTypeOf(type), dims, reshape: undefined };
}

/**
 * Checks that a configuration is that of the model.
 *
 * @throws ServerError much as Triton's ONNX Runtime back end words it
 */
export function checkConfig(config: ModelConfig, session: OnnxSession): void {
  const { name, input } = config;
  if (input.length !== session.inputs.length) {
    throw new ServerError(
      `unable to load model '${name}', configuration expects ${input.length} inputs, model provides ${session.inputs.length}`,
    );
  }
  checkTensors(config, 'input', session.inputs);
  checkTensors(config, 'output', session.outputs);
}

function checkTensors(
  config: ModelConfig,
  kind: 'input' | 'output',
  declared: readonly TensorDeclaration[],
): void {
  for (const tensor of config[kind]) {
    const model = declared.find(({ name }) => name === nodeOf(tensor.name));
    if (model === undefined) {
      const allowed = declared.map(({ name }) => name).join(', ');
      throw new ServerError(
        `unexpected inference ${kind} '${tensor.name}', allowed ${kind}s are: ${allowed}`,
      );
    }
    const type = datatypeOfConfig(tensor.dataType);
    if (type !== datatypeOf(model.type)) {
      throw new ServerError(
        `configuration of model '${config.name}' has ${kind} '${tensor.name}' as ${type}, the model has ${datatypeOf(model.type)}`,
      );
    }
    if (tensor.reshape?.shape.some((extent) => extent < 0n)) {
      throw new ServerError(`${kind} '${tensor.name}': this server reshapes to fixed extents only`);
    }
    const batch = config.maxBatchSize > 0 ? [-1] : [];
    const shape = [...batch, ...(tensor.reshape?.shape ?? tensor.dims).map(Number)];
    if (!agree(shape, model.shape)) {
      throw new ServerError(
        `model '${config.name}', tensor '${tensor.name}': the model has the shape ${formatShape(
          model.shape.map((extent) => extent ?? -1),
        )}, the configuration gives ${formatShape(shape)}${batch.length === 0 ? '' : ', the batch dimension of max_batch_size > 0 in front'}`,
      );
    }
  }
}

function agree(shape: readonly number[], declared: readonly (number | undefined)[]): boolean {
  return (
    shape.length === declared.length &&
    shape.every((extent, i) => extent === -1 || declared[i] === undefined || declared[i] === extent)
  );
}
