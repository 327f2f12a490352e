import { type MessagePart, PatchedMessage, type TensorSpec, tensorSizeBytes } from '@aibench/core';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { dataTypeOf } from './data-types.js';
import { TensorProto } from './gen/tensorflow/core/framework/tensor.js';
import { PredictRequest } from './gen/tensorflow_serving/apis/predict.js';
import { type ModelChoice, modelSpec } from './model-choice.js';

/** How one kind of inference is asked for. */
export interface PredictCall extends ModelChoice {
  /** Tensors that the client sends, under the signature's names and in the shapes that it takes. */
  readonly inputs: readonly TensorSpec[];
}

// Field numbers of PredictRequest.inputs, of a map's entries, and of TensorProto.tensor_content.
const inputsField = 2;
const keyField = 1;
const valueField = 2;
const contentField = 4;
const lengthDelimited = 2;

/**
 * A `PredictRequest` that is encoded once, but for its tensors, one for each input and in their order, which are put
 * in as `tensor_content`.
 */
export function predictTemplate(call: PredictCall): PatchedMessage {
  const head = PredictRequest.encode(PredictRequest.create({ modelSpec: modelSpec(call) })).finish();
  // A tensor's content is the last of its entry, so nothing has to be sent behind it.
  return new PatchedMessage([head, ...call.inputs.flatMap((spec): MessagePart[] => [entryHead(spec), spec])]);
}

/** All of an entry of `PredictRequest.inputs` but the bytes of its tensor. */
function entryHead(spec: TensorSpec): Uint8Array {
  const contentBytes = tensorSizeBytes(spec);
  const type = TensorProto.encode(
    TensorProto.create({
      dtype: dataTypeOf(spec.dtype),
      tensorShape: { dim: spec.shape.map((size) => ({ size })) },
    }),
  ).finish();
  const contentHead = new BinaryWriter().tag(contentField, lengthDelimited).uint32(contentBytes).finish();
  const key = new BinaryWriter().tag(keyField, lengthDelimited).string(spec.name).finish();
  const tensorBytes = type.byteLength + contentHead.byteLength + contentBytes;
  const valueHead = new BinaryWriter().tag(valueField, lengthDelimited).uint32(tensorBytes).finish();
  const entryBytes = key.byteLength + valueHead.byteLength + tensorBytes;
  return Buffer.concat([
    new BinaryWriter().tag(inputsField, lengthDelimited).uint32(entryBytes).finish(),
    ...[key, valueHead, type, contentHead],
  ]);
}
