import { elementCount } from '@aibench/core';
import { ModelInferRequest, ModelInferResponse, ModelInferResponse_InferOutputTensor } from '@aibench/triton';
import { GrpcError } from '../grpc/grpc-error.js';
import type { MaybePromise } from '../inference/inference-engine.js';
import type { InferenceModel } from '../inference/inference-model.js';
import type { ServerTensor } from '../inference/server-tensor.js';
import type { RequestTensor } from './check-request.js';
import { datatypeOf, elementTypeOf } from './datatype.js';
import { type NamedTensor, nameNullOutputs, type TritonService } from './triton-service.js';
import { contentBytes } from './typed-contents.js';

/** The null model's answer to one model's name and version, kept because calibration asks for nothing else. */
interface NullAnswer {
  readonly name: string;
  readonly version: string;
  /** What the bytes were written from; another array of tensors is another answer. */
  outputs: readonly ServerTensor[] | undefined;
  bytes: Uint8Array;
}

/** So many names have a kept answer. */
const mostNullAnswers = 64;

/** The gRPC call ModelInfer. */
export class InferMethod {
  readonly #service: TritonService;
  readonly #nullAnswers = new Map<string, NullAnswer>();

  constructor(service: TritonService) {
    this.#service = service;
  }

  /** @throws GrpcError in Triton's words, also as a rejection */
  answer(bytes: Uint8Array): MaybePromise<Uint8Array> {
    const { absent } = this.#service.repository;
    if (absent === undefined) return this.#infer(bytes);
    const key = modelKey(bytes);
    const kept = key === undefined ? undefined : this.#nullAnswers.get(key);
    return kept === undefined ? this.#infer(bytes, key) : this.#inferNull(absent, kept);
  }

  async #infer(bytes: Uint8Array, key?: string): Promise<Uint8Array> {
    const startMs = performance.now();
    const request = decode(bytes);
    const { modelName, modelVersion, id } = request;
    const model = await this.#service.repository.find(modelName, modelVersion);
    if (model === undefined) {
      const version = modelVersion || '1';
      const kept: NullAnswer = { name: modelName, version, outputs: undefined, bytes: new Uint8Array(0) };
      if (key !== undefined && this.#nullAnswers.size < mostNullAnswers) this.#nullAnswers.set(key, kept);
      const absent = this.#service.repository.absent!;
      const outputs = nameNullOutputs(absent, await this.#service.inferNull(absent));
      return encode(modelName, version, id, outputs);
    }
    const inferRequest = {
      id,
      inputs: readInputs(request),
      outputs: request.outputs.map(({ name }) => name),
    };
    return this.#service.infer(model, inferRequest, startMs, (outputs) =>
      encode(modelName, String(model.version), id, outputs),
    );
  }

  #inferNull(absent: InferenceModel, kept: NullAnswer): MaybePromise<Uint8Array> {
    const write = (outputs: readonly ServerTensor[]): Uint8Array => {
      if (outputs !== kept.outputs) {
        kept.bytes = encode(kept.name, kept.version, '', nameNullOutputs(absent, outputs));
        kept.outputs = outputs;
      }
      return kept.bytes;
    };
    const outputs = this.#service.inferNull(absent);
    return outputs instanceof Promise ? outputs.then(write) : write(outputs);
  }
}

/** Tags of a request's first fields: name and version of the model, the request's id; each a text. */
const nameTag = 0x0a;
const versionTag = 0x12;
const idTag = 0x1a;

/**
 * The bytes of a request's `model_name` and `model_version`, without reading the
 * rest, as a key: one character a byte.
 *
 * @returns undefined where the request does not begin with them, as encoders write them, or has an id to give back
 */
function modelKey(request: Uint8Array): string | undefined {
  if (request[0] !== nameTag) return undefined;
  let end = fieldEnd(request, 0);
  if (request[end] === versionTag) end = fieldEnd(request, end);
  if (end >= request.length || request[end] === idTag) return undefined;
  return String.fromCharCode(...request.subarray(0, end));
}

/** Where a text field of under 128 bytes ends; past the request's end for a longer one. */
function fieldEnd(request: Uint8Array, at: number): number {
  const length = request[at + 1];
  return length === undefined || length >= 0x80 ? request.length : at + 2 + length;
}

function decode(bytes: Uint8Array): ModelInferRequest {
  try {
    return ModelInferRequest.decode(bytes);
  } catch (cause) {
    throw new GrpcError('internal', 'the request is no ModelInferRequest', { cause });
  }
}

function readInputs({ inputs, modelName, rawInputContents }: ModelInferRequest): RequestTensor[] {
  let nextRaw = 0;
  const tensors = inputs.map(({ contents, datatype, name, shape: extents }): RequestTensor => {
    const shape = extents.map(Number);
    const type = elementTypeOf(datatype);
    if (type === undefined) {
      throw invalid(`this server carries no tensors of type ${datatype}, as input '${name}' is`);
    }
    if (contents !== undefined && rawInputContents.length > 0) {
      throw invalid(
        `contents field must not be specified when using raw_input_contents for '${name}' for model '${modelName}'`,
      );
    }
    if (contents !== undefined)
      return { name, datatype, shape, data: contentBytes(name, type, shape, contents) };
    const data = rawInputContents[nextRaw++];
    if (data === undefined && elementCount(shape) > 0) {
      throw invalid(`unable to find data for input tensor '${name}' for model '${modelName}' in request.`);
    }
    return { name, datatype, shape, data: data ?? new Uint8Array(0) };
  });
  if (rawInputContents.length > nextRaw) {
    throw invalid(
      `expected tensor data for ${nextRaw} inputs, got ${rawInputContents.length} for model '${modelName}'`,
    );
  }
  return tensors;
}

function encode(
  modelName: string,
  modelVersion: string,
  id: string,
  outputs: readonly NamedTensor[],
): Uint8Array {
  return ModelInferResponse.encode({
    ...{ modelName, modelVersion, id, parameters: {} },
    outputs: outputs.map(([name, { shape, type }]) =>
      ModelInferResponse_InferOutputTensor.create({
        ...{ name, datatype: datatypeOf(type) },
        shape: shape.map((extent) => BigInt(extent)),
      }),
    ),
    rawOutputContents: outputs.map(([, { data }]) => data),
  }).finish();
}

function invalid(message: string): GrpcError {
  return new GrpcError('invalidArgument', message);
}
