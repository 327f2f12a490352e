import { AibenchError, type TensorSpec, tensorSizeBytes } from '@aibench/core';
import type { GrpcMessage } from '@aibench/grpc';
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

/** From this size on a tensor is sent as it lies in memory; below, copying it costs less than another piece does. */
const largeTensorBytes = 65_536;

// Field numbers of PredictRequest.inputs, of a map's entries, and of TensorProto.tensor_content.
const inputsField = 2;
const keyField = 1;
const valueField = 2;
const contentField = 4;
const lengthDelimited = 2;

/** Bytes that are sent as one piece, with holes for the tensors that are small. */
interface Piece {
  readonly skeleton: Buffer;
  readonly holes: readonly { readonly input: number; readonly at: number }[];
  /** The large tensor that follows, if any, by its number. */
  readonly next: number | undefined;
}

/** A `PredictRequest` that is encoded once; each request is a copy of it with its tensors filled in. */
export class PredictTemplate {
  readonly #inputs: readonly TensorSpec[];
  readonly #sizes: readonly number[];
  readonly #pieces: readonly Piece[];

  /** Use {@link predictTemplate}. */
  constructor(call: PredictCall) {
    this.#inputs = call.inputs;
    this.#sizes = call.inputs.map(tensorSizeBytes);
    this.#pieces = layOut(call);
  }

  /**
   * The request with these tensors as `tensor_content`: one buffer of its own, or, where there are tensors of 64 KiB and
   * more, pieces that are sent one after another, the large tensors among them as they are.
   *
   * @param data of each input, in order
   * @throws AIBENCH_INPUT where one has another size than its shape calls for
   */
  encode(data: readonly Uint8Array[]): GrpcMessage {
    for (let i = 0; i < this.#sizes.length; i++) {
      if (data[i]?.byteLength !== this.#sizes[i]) throw this.#wrongSize(i, data[i]);
    }
    const pieces = this.#pieces;
    const first = filled(pieces[0]!, data);
    if (pieces.length === 1 && pieces[0]!.next === undefined) return first;
    const message: Uint8Array[] = [];
    for (const piece of pieces) {
      message.push(piece === pieces[0] ? first : filled(piece, data));
      if (piece.next !== undefined) message.push(data[piece.next]!);
    }
    return message;
  }

  #wrongSize(input: number, data: Uint8Array | undefined): AibenchError {
    const { name } = this.#inputs[input]!;
    const seen = data === undefined ? 'no bytes' : `${data.byteLength} bytes`;
    return new AibenchError('AIBENCH_INPUT', `tensor ${name} has ${seen} instead of ${this.#sizes[input]}`);
  }
}

/** Encodes the part of a request that is the same for all of them. */
export function predictTemplate(call: PredictCall): PredictTemplate {
  return new PredictTemplate(call);
}

function filled({ skeleton, holes }: Piece, data: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.allocUnsafe(skeleton.length);
  bytes.set(skeleton);
  for (let i = 0; i < holes.length; i++) bytes.set(data[holes[i]!.input]!, holes[i]!.at);
  return bytes;
}

/** Every tensor's content is the last that its lengths cover, so nothing is left to be sent behind it. */
function layOut(call: PredictCall): Piece[] {
  const pieces: Piece[] = [];
  let parts: Uint8Array[] = [
    PredictRequest.encode(PredictRequest.create({ modelSpec: modelSpec(call) })).finish(),
  ];
  let holes: { input: number; at: number }[] = [];
  let at = parts[0]!.byteLength;
  const append = (part: Uint8Array) => {
    parts.push(part);
    at += part.byteLength;
  };
  const close = (next: number | undefined) => {
    pieces.push({ skeleton: Buffer.concat(parts), holes, next });
    parts = [];
    holes = [];
    at = 0;
  };
  for (const [input, spec] of call.inputs.entries()) {
    append(entryHead(spec));
    const sizeBytes = tensorSizeBytes(spec);
    if (sizeBytes >= largeTensorBytes) close(input);
    else {
      holes.push({ input, at });
      append(new Uint8Array(sizeBytes));
    }
  }
  if (parts.length > 0 || pieces.length === 0) close(undefined);
  return pieces;
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
