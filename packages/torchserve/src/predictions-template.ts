import { type MessagePart, PatchedMessage, type TensorSpec, tensorSizeBytes } from '@aibench/core';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { PredictionsRequest } from './gen/torchserve/inference.js';

/** One kind of inference, as a model is asked for it. */
export interface PredictionsCall {
  readonly model: string;
  /** Empty where the server chooses. */
  readonly version: string;
  /** Tensors that the client sends, under the names that the handler knows. */
  readonly inputs: readonly TensorSpec[];
}

/** Fields of PredictionsRequest and of an entry of its map. */
const inputField = 3;
const keyField = 1;
const valueField = 2;
const lengthDelimited = 2;

/**
 * A `PredictionsRequest` whose tensors, one for each input and in their order,
 * are put in as raw little-endian bytes: what goes over gRPC.
 */
export function predictionsTemplate({ model, version, inputs }: PredictionsCall): PatchedMessage {
  const head = PredictionsRequest.encode({ modelName: model, modelVersion: version, input: {} }).finish();
  return new PatchedMessage([
    head,
    ...inputs.flatMap((spec): MessagePart[] => [entryHead(spec.name, tensorSizeBytes(spec)), spec]),
  ]);
}

/** An entry of the map up to its value's bytes. */
function entryHead(name: string, sizeBytes: number): Uint8Array {
  const beforeValue = new BinaryWriter()
    .tag(keyField, lengthDelimited)
    .string(name)
    .tag(valueField, lengthDelimited)
    .uint32(sizeBytes)
    .finish();
  const head = new BinaryWriter()
    .tag(inputField, lengthDelimited)
    .uint32(beforeValue.byteLength + sizeBytes)
    .finish();
  return Buffer.concat([head, beforeValue]);
}
