import { elementCount, formatShape } from '@aibench/core';
import { GrpcError } from '../grpc/grpc-error.js';
import { elementSizeBytes } from '../inference/element-type.js';
import { ServerTensor } from '../inference/server-tensor.js';
import { datatypeOf } from './datatype.js';
import type { TritonModel, TritonTensor } from './load-repository-model.js';

/** An input as a request gives it. */
export interface RequestTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** What a request to a model is about, whatever protocol it came in. */
export interface InferRequest {
  /** Empty where the client gave none. */
  readonly id: string;
  readonly inputs: readonly RequestTensor[];
  /** Names of the outputs asked for; none asks for all. */
  readonly outputs: readonly string[];
}

/**
 * Indices of the outputs that a request asks for.
 *
 * @throws GrpcError in Triton's words
 */
export function chosenOutputs({ outputs }: InferRequest, model: TritonModel): number[] {
  if (outputs.length === 0)
    return model.outputs.flatMap((output, index) => (output === undefined ? [] : [index]));
  return outputs.map((name) => {
    const index = model.outputs.findIndex((output) => output?.name === name);
    if (index !== -1) return index;
    throw invalid(`unexpected inference output '${name}' for model '${model.name}'`);
  });
}

/**
 * A request's inputs in the order of the model's.
 *
 * @throws GrpcError in Triton's words where they are not those of the configuration
 */
export function checkInputs(request: InferRequest, model: TritonModel): ServerTensor[] {
  const fail = (message: string) => invalid(`[request id: ${request.id || '<id_unknown>'}] ${message}`);
  const { inputs } = request;
  if (inputs.length !== model.inputs.length) {
    const missing = model.inputs.filter(({ name }) => inputs.every((input) => input.name !== name));
    throw fail(
      `expected ${model.inputs.length} inputs but got ${inputs.length} inputs for model '${model.name}'. ` +
        `Got input(s) ${quoted(inputs)}, but missing required input(s) ${quoted(missing)}. ` +
        `Please provide all required input(s).`,
    );
  }
  checkBatch(inputs, model, fail);
  for (const { name } of inputs) {
    if (model.inputs.some((input) => input.name === name)) continue;
    throw invalid(`unexpected inference input '${name}' for model '${model.name}'`);
  }
  return model.inputs.map((expected) => {
    const given = inputs.find(({ name }) => name === expected.name)!;
    return checkInput(given, expected, model, fail);
  });
}

type Fail = (message: string) => GrpcError;

function checkBatch(inputs: readonly RequestTensor[], { config, name }: TritonModel, fail: Fail): void {
  if (config.maxBatchSize === 0) return;
  const batch = inputs[0]?.shape[0];
  for (const input of inputs) {
    if (input.shape.length === 0) {
      throw fail(`input '${input.name}' has no shape but model requires batch dimension for '${name}'`);
    }
    if (input.shape[0] !== batch) {
      throw fail(`input '${input.name}' batch size does not match other inputs for '${name}'`);
    }
  }
  if (batch !== undefined && batch > config.maxBatchSize) {
    throw fail(`inference request batch-size must be <= ${config.maxBatchSize} for '${name}'`);
  }
}

function checkInput(
  given: RequestTensor,
  expected: TritonTensor,
  model: TritonModel,
  fail: Fail,
): ServerTensor {
  const { name, type } = expected;
  const { datatype, shape, data } = given;
  if (datatype !== datatypeOf(type)) {
    throw fail(
      `inference input '${name}' data-type is '${datatype}', but model '${model.name}' expects '${datatypeOf(type)}'`,
    );
  }
  const fits =
    shape.length === expected.shape.length &&
    shape.every(
      (extent, i) => extent >= 0 && (expected.shape[i] === undefined || expected.shape[i] === extent),
    );
  if (!fits) {
    const wanted = formatShape(expected.shape.map((extent) => extent ?? -1));
    const note =
      model.config.maxBatchSize > 0
        ? 'NOTE: max_batch_size is above 0, so the batch comes first in each shape.'
        : '';
    throw fail(
      `unexpected shape for input '${name}' for model '${model.name}'. Expected ${wanted}, got ${formatShape(shape)}. ${note}`,
    );
  }
  const sizeBytes = elementCount(shape) * elementSizeBytes[type];
  if (data.byteLength !== sizeBytes) {
    throw fail(
      `input byte size mismatch for input '${name}' for model '${model.name}'. Expected ${sizeBytes}, got ${data.byteLength}`,
    );
  }
  return new ServerTensor(type, modelShape(shape, expected, model), data);
}

function modelShape(
  shape: readonly number[],
  { reshape }: TritonTensor,
  { config }: TritonModel,
): readonly number[] {
  if (reshape === undefined) return shape;
  return config.maxBatchSize > 0 ? [shape[0]!, ...reshape] : reshape;
}

/** An output of the model in the shape that the configuration gives it. */
export function answeredTensor(tensor: ServerTensor, { reshape, shape }: TritonTensor): ServerTensor {
  if (reshape === undefined) return tensor;
  const fixed = shape.map((extent) => extent ?? tensor.batchSize);
  return new ServerTensor(tensor.type, fixed, tensor.data);
}

function quoted(tensors: readonly { readonly name: string }[]): string {
  return `[${tensors.map(({ name }) => `'${name}'`).join(',')}]`;
}

function invalid(message: string): GrpcError {
  return new GrpcError('invalidArgument', message);
}
