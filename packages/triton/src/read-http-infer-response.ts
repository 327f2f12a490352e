import { AibenchError, type Dtype, type Tensor, type TensorSpec } from '@aibench/core';
import { dtypeOfDatatype } from './datatypes.js';
import { type AnsweredOutput, selectOutputs } from './read-infer-response.js';

/** An answer over HTTP with status 200. */
export interface HttpInferAnswer {
  /** Value of `Inference-Header-Content-Length`; undefined where the whole body is JSON. */
  readonly headerLength: string | undefined;
  readonly body: Buffer;
}

/**
 * Reads an inference's answer in the binary tensor data extension: JSON, then
 * the bytes of the tensors, on which those that are returned are views. Tensors
 * whose elements stand in the JSON are read, too.
 *
 * @param outputs that were asked for
 * @throws AIBENCH_ANSWER where it is no such answer, or has not the outputs that were asked for
 */
export function readHttpInferResponse(
  outputs: readonly TensorSpec[],
  { headerLength, body }: HttpInferAnswer,
  context: { readonly address: string; readonly requestId: number },
): Tensor[] {
  const jsonSize = headerLength === undefined ? body.length : Number(headerLength);
  const answered =
    Number.isInteger(jsonSize) && jsonSize >= 0 && jsonSize <= body.length
      ? answeredOutputs(body, jsonSize)
      : undefined;
  if (answered !== undefined) return selectOutputs(outputs, answered, context);
  throw new AibenchError(
    'AIBENCH_ANSWER',
    `${context.address} answered for row ${context.requestId}: ${body.length} bytes that are no inference: ${preview(body)}`,
    { hint: 'is this a Triton server? see --host' },
  );
}

/** @returns undefined where it is not what the protocol calls for */
function answeredOutputs(body: Buffer, jsonSize: number): AnsweredOutput[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8', 0, jsonSize));
  } catch {
    return undefined;
  }
  const outputs = isRecord(json) ? json['outputs'] : undefined;
  if (!Array.isArray(outputs)) return undefined;
  let at = jsonSize;
  const answered: AnsweredOutput[] = [];
  for (const output of outputs as unknown[]) {
    if (!isRecord(output)) return undefined;
    const { name, datatype, shape, parameters, data } = output;
    if (typeof name !== 'string' || typeof datatype !== 'string' || !isShape(shape)) return undefined;
    const size = isRecord(parameters) ? parameters['binary_data_size'] : undefined;
    if (size === undefined) {
      answered.push({ name, datatype, shape, data: jsonBytes(dtypeOfDatatype(datatype), data) });
      continue;
    }
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || at + size > body.length)
      return undefined;
    answered.push({ name, datatype, shape, data: body.subarray(at, at + size) });
    at += size;
  }
  return at === body.length ? answered : undefined;
}

/** Elements that stand in the JSON, in lists of lists or in one, as bytes. */
function jsonBytes(dtype: Dtype | undefined, data: unknown): Uint8Array | undefined {
  if (dtype === undefined || !Array.isArray(data)) return undefined;
  const values = (data as unknown[]).flat(Number.POSITIVE_INFINITY);
  if (!values.every((value) => typeof value === 'number')) return undefined;
  if (dtype === 'float32') return new Uint8Array(Float32Array.from(values).buffer);
  if (!values.every((value) => Number.isSafeInteger(value))) return undefined;
  if (dtype === 'uint8') return Uint8Array.from(values);
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((extent) => Number.isInteger(extent) && extent >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The beginning of what came, on one line. */
function preview(body: Buffer): string {
  const text = body.toString('latin1', 0, 40).replaceAll(/[^\x20-\x7e]/g, '.');
  return body.length > 40 ? `"${text}.."` : `"${text}"`;
}
