import { AibenchError, elementCount, type TensorSpec } from '@aibench/core';
import type { InferenceTask } from '@aibench/usecases';
import { dataTypeOf, formatTensorType } from './data-types.js';
import type { TensorInfo } from './gen/tensorflow/core/protobuf/meta_graph.js';
import {
  type GetModelMetadataResponse,
  SignatureDefMap,
} from './gen/tensorflow_serving/apis/get_model_metadata.js';
import { defaultSignature } from './model-choice.js';

/** What an inference takes and gives: the part of a task that a call is made of. */
export type TensorTask = Pick<InferenceTask, 'inputs' | 'references' | 'outputs'>;

/** A tensor of a model's signature. */
export interface SignatureTensor {
  readonly name: string;
  /** TensorFlow's number for the type. */
  readonly dataType: number;
  /** -1 for an extent that any tensor may have; undefined where even their number is open. */
  readonly shape: readonly number[] | undefined;
}

/** One way of calling a model. */
export interface ModelSignature {
  readonly inputs: readonly SignatureTensor[];
  readonly outputs: readonly SignatureTensor[];
}

/** The tensors of an inference, in the shapes that a model's signature wants them in. */
export interface WireTensors {
  /** The task's inputs, then its references. */
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** Metadata that GetModelMetadata is asked for, and the key of the answer. */
export const signatureField = 'signature_def';

/**
 * A signature out of a model's metadata.
 *
 * @param signature its name; default: `serving_default`
 * @throws AIBENCH_ANSWER where the model has none of that name, telling those that it has
 */
export function readSignature(
  response: GetModelMetadataResponse,
  signature: string = defaultSignature,
): ModelSignature {
  const packed = response.metadata[signatureField]?.value;
  if (packed === undefined) {
    throw new AibenchError('AIBENCH_ANSWER', 'the metadata of the model has no signatures');
  }
  const { signatureDef } = SignatureDefMap.decode(packed);
  const found = signatureDef[signature];
  if (found === undefined) {
    const names = Object.keys(signatureDef).join(', ') || 'none';
    throw new AibenchError('AIBENCH_ANSWER', `the model has no signature ${signature}, but ${names}`, {
      hint: 'see --signature',
    });
  }
  return {
    inputs: Object.entries(found.inputs).map(signatureTensor),
    outputs: Object.entries(found.outputs).map(signatureTensor),
  };
}

function signatureTensor([name, { dtype, tensorShape }]: [string, TensorInfo]): SignatureTensor {
  const isOpen = tensorShape === undefined || tensorShape.unknownRank;
  return { name, dataType: dtype, shape: isOpen ? undefined : tensorShape.dim.map(({ size }) => size) };
}

/**
 * Finds out how a model is asked for a task's inference: its tensors must have the task's names and types, and shapes
 * that the same bytes make. A tensor may be wanted with one more outermost extent, a batch, or one less.
 *
 * @throws AIBENCH_ANSWER telling everything that does not fit
 */
export function matchSignature(task: TensorTask, signature: ModelSignature): WireTensors {
  const problems: string[] = [];
  const given = [...task.inputs, ...task.references];
  const match = (kind: string, specs: readonly TensorSpec[], offered: readonly SignatureTensor[]) =>
    specs.map((spec) => {
      const wire = matchTensor(spec, offered);
      if (typeof wire !== 'string') return wire;
      problems.push(`${kind} ${wire}`);
      return spec;
    });
  const inputs = match('input', given, signature.inputs);
  for (const tensor of signature.inputs) {
    if (given.some(({ name }) => name === tensor.name)) continue;
    problems.push(`input ${describe(tensor)} is one that the use case does not have`);
  }
  const outputs = match('output', task.outputs, signature.outputs);
  if (problems.length === 0) return { inputs, outputs };
  throw new AibenchError('AIBENCH_ANSWER', `the model does not fit the use case: ${problems.join('; ')}`, {
    hint: 'is this the right model? see --model, --use-case and --enable-reference-data-redis',
  });
}

/** @returns what is wrong where it does not fit */
function matchTensor(spec: TensorSpec, offered: readonly SignatureTensor[]): TensorSpec | string {
  const dataType = dataTypeOf(spec.dtype);
  const wanted = `${spec.name} ${formatTensorType(dataType, spec.shape)}`;
  const tensor = offered.find(({ name }) => name === spec.name);
  if (tensor === undefined) {
    return `${wanted} is missing, there ${offered.length === 1 ? 'is' : 'are'} ${offered.map(describe).join(', ') || 'none'}`;
  }
  const shape = wireShape(spec.shape, tensor.shape);
  if (tensor.dataType === dataType && shape !== undefined)
    return { name: spec.name, dtype: spec.dtype, shape };
  return `${wanted} is ${formatTensorType(tensor.dataType, tensor.shape)} there`;
}

/** The shape in which a model takes a tensor's elements; undefined where it does not. */
function wireShape(
  shape: readonly number[],
  wanted: readonly number[] | undefined,
): readonly number[] | undefined {
  if (wanted === undefined) return shape;
  const candidates = [shape, [1, ...shape], ...(shape[0] === 1 ? [shape.slice(1)] : [])];
  return candidates.find(
    (candidate) =>
      candidate.length === wanted.length &&
      elementCount(candidate) === elementCount(shape) &&
      candidate.every((extent, i) => wanted[i] === -1 || wanted[i] === extent),
  );
}

function describe({ name, dataType, shape }: SignatureTensor): string {
  return `${name} ${formatTensorType(dataType, shape)}`;
}
