import { elementCount } from '@aibench/core';
import { GrpcError } from '../grpc/grpc-error.js';
import { elementSizeBytes, elementsOf } from '../inference/element-type.js';
import type { ServerTensor } from '../inference/server-tensor.js';
import type { InferRequest, RequestTensor } from './check-request.js';
import { datatypeOf, elementTypeOf } from './datatype.js';
import type { NamedTensor } from './triton-service.js';

/** An inference that came over HTTP. */
export interface HttpInferRequest extends InferRequest {
  /** Whether an output goes back as bytes behind the JSON. */
  isBinary(output: string): boolean;
}

/** An answer's body and, where bytes follow the JSON, the length of the JSON. */
export interface HttpInferAnswer {
  readonly pieces: readonly Uint8Array[];
  readonly jsonBytes: number | undefined;
}

interface JsonTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly parameters?: { readonly binary_data_size?: number };
  readonly data?: unknown;
}

/**
 * Reads an inference with the binary tensor data extension.
 *
 * @param jsonBytes length of the JSON at the body's start; undefined where there is nothing else
 * @throws GrpcError INVALID_ARGUMENT
 */
export function readHttpInfer(
  body: Buffer,
  jsonBytes: number | undefined,
  modelName: string,
): HttpInferRequest {
  const json = parseBody(jsonBytes === undefined ? body : body.subarray(0, jsonBytes));
  let at = jsonBytes ?? body.length;
  const inputs = list(json['inputs'], 'inputs').map((value): RequestTensor => {
    const { data, datatype, name, parameters, shape } = checkTensor(value);
    const sizeBytes = parameters?.binary_data_size;
    if (sizeBytes === undefined)
      return { name, datatype, shape, data: dataBytes(name, datatype, shape, data) };
    if (data !== undefined) {
      throw invalid(
        `Input must set only one of 'data' and 'binary_data_size' in 'parameters': input '${name}' sets both`,
      );
    }
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || at + sizeBytes > body.length) {
      throw invalid(
        `unexpected size for input '${name}', the request has ${body.length - at} bytes left for it`,
      );
    }
    const bytes = body.subarray(at, at + sizeBytes);
    at += sizeBytes;
    return { name, datatype, shape, data: bytes };
  });
  if (at < body.length) throw invalid(`unexpected additional input data for model '${modelName}'`);
  const outputs = new Map(
    list(json['outputs'] ?? [], 'outputs').map((output) => {
      const { name, parameters } = asObject(output, 'an output');
      return [asText(name, 'name'), asObject(parameters ?? {}, 'parameters')['binary_data']];
    }),
  );
  const isBinaryByDefault = asObject(json['parameters'] ?? {}, 'parameters')['binary_data_output'] === true;
  return {
    id: json['id'] === undefined ? '' : asText(json['id'], 'id'),
    inputs,
    outputs: [...outputs.keys()],
    isBinary: (output) => {
      const asked = outputs.get(output);
      return asked === undefined ? isBinaryByDefault : asked === true;
    },
  };
}

function parseBody(bytes: Buffer): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new GrpcError(
      'invalidArgument',
      `failed to parse the request JSON buffer: ${(cause as Error).message}`,
      { cause },
    );
  }
  return asObject(json, 'the request');
}

function checkTensor(value: unknown): JsonTensor {
  const { data, datatype, name, parameters, shape } = asObject(value, 'an input');
  const extents = list(shape, 'shape');
  if (!extents.every((extent): extent is number => Number.isSafeInteger(extent))) {
    throw invalid(`the shape of input '${String(name)}' is no list of whole numbers`);
  }
  return {
    name: asText(name, 'name'),
    datatype: asText(datatype, 'datatype'),
    shape: extents,
    data,
    ...(parameters === undefined ? {} : { parameters: asObject(parameters, 'parameters') }),
  };
}

function dataBytes(name: string, datatype: string, shape: readonly number[], data: unknown): Uint8Array {
  const type = elementTypeOf(datatype);
  if (type === undefined)
    throw invalid(`this server carries no tensors of type ${datatype}, as input '${name}' is`);
  if (!Array.isArray(data)) throw invalid(`Unable to parse 'data': input '${name}' has none`);
  const values: unknown[] = data.flat(Number.POSITIVE_INFINITY);
  const count = elementCount(shape);
  if (values.length !== count) {
    throw invalid(
      `Unable to parse 'data': input '${name}' has ${values.length} elements, its shape ${count}`,
    );
  }
  const bytes = new Uint8Array(count * elementSizeBytes[type]);
  const elements = elementsOf(type, bytes);
  values.forEach((value, index) => {
    if (typeof value !== 'number' && typeof value !== 'boolean') {
      throw invalid(`Unable to parse 'data': input '${name}' has an element that is no number`);
    }
    elements[index] =
      elements instanceof BigInt64Array || elements instanceof BigUint64Array
        ? BigInt(Math.trunc(Number(value)))
        : Number(value);
  });
  return bytes;
}

/** Writes an answer: JSON, and behind it the bytes of the outputs that are to be binary. */
export function writeHttpInfer(
  model: { readonly name: string; readonly version: string },
  request: HttpInferRequest,
  outputs: readonly NamedTensor[],
): HttpInferAnswer {
  const binary = outputs.filter(([name]) => request.isBinary(name)).map(([, { data }]) => data);
  const json = Buffer.from(
    JSON.stringify({
      ...(request.id === '' ? {} : { id: request.id }),
      model_name: model.name,
      model_version: model.version,
      outputs: outputs.map(([name, tensor]) => ({
        ...{ name, datatype: datatypeOf(tensor.type), shape: tensor.shape },
        ...(request.isBinary(name)
          ? { parameters: { binary_data_size: tensor.data.byteLength } }
          : { data: jsonValues(tensor) }),
      })),
    }),
  );
  return { pieces: [json, ...binary], jsonBytes: binary.length === 0 ? undefined : json.length };
}

function jsonValues({ data, type }: ServerTensor): unknown[] {
  const values = [...elementsOf(type, data)];
  return type === 'bool' ? values.map(Boolean) : values.map(Number);
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalid(`Unable to parse the request: ${what} is no object`);
}

function list(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(`Unable to parse '${what}': it is no list`);
}

function asText(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw invalid(`Unable to parse '${what}': it is no text`);
}

function invalid(message: string): GrpcError {
  return new GrpcError('invalidArgument', message);
}
