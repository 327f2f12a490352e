import { type MessagePart, PatchedMessage, type TensorSpec, tensorSizeBytes } from '@aibench/core';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { tritonDatatype } from './datatypes.js';
import { ModelInferRequest } from './gen/inference/grpc_service.js';

/** One kind of inference, as a model is asked for it. */
export interface InferenceCall {
  readonly model: string;
  /** Empty where the server chooses. */
  readonly version: string;
  /** Tensors that the client sends, under the model's names and in the shapes that it takes. */
  readonly inputs: readonly TensorSpec[];
  /** Tensors that the model is asked for. */
  readonly outputs: readonly TensorSpec[];
}

/** Of ModelInferRequest. */
const rawInputContentsField = 7;
const lengthDelimited = 2;

/**
 * A `ModelInferRequest` whose tensors, one for each input and in their order,
 * are put in as raw contents: what goes over gRPC.
 */
export function inferTemplate({ model, version, inputs, outputs }: InferenceCall): PatchedMessage {
  const head = ModelInferRequest.encode(
    ModelInferRequest.fromPartial({
      modelName: model,
      modelVersion: version,
      inputs: inputs.map(({ name, dtype, shape }) => ({
        name,
        datatype: tritonDatatype(dtype),
        shape: shape.map(BigInt),
      })),
      outputs: outputs.map(({ name }) => ({ name })),
    }),
  ).finish();
  return new PatchedMessage([
    head,
    ...inputs.flatMap((spec): MessagePart[] => [rawContentsHead(tensorSizeBytes(spec)), spec]),
  ]);
}

function rawContentsHead(sizeBytes: number): Uint8Array {
  return new BinaryWriter().tag(rawInputContentsField, lengthDelimited).uint32(sizeBytes).finish();
}
