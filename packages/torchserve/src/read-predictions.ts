import { AibenchError, float32View, type Tensor, type TensorSpec, tensorSizeBytes } from '@aibench/core';
import { PredictionResponse } from './gen/torchserve/inference.js';

/** What an answer is read for: names the server and the row in messages. */
export interface AnswerContext {
  /** `host:port`. */
  readonly address: string;
  readonly requestId: number;
}

/**
 * Reads an answer that is nothing but the outputs' little-endian bytes, one
 * output after another: what the suite's handler gives where the request was
 * binary.
 *
 * @returns views on the body
 * @throws AIBENCH_ANSWER where it is not as long as the outputs, or holds what is no number
 */
export function readRawOutputs(
  outputs: readonly TensorSpec[],
  body: Uint8Array,
  { address, requestId }: AnswerContext,
): Tensor[] {
  const wanted = outputs.reduce((sum, spec) => sum + tensorSizeBytes(spec), 0);
  if (body.byteLength !== wanted) {
    throw new AibenchError(
      'AIBENCH_ANSWER',
      `${address} answered for row ${requestId}: ${body.byteLength} bytes${beginning(body)} instead of ${wanted} for ${outputs.map(({ name }) => name).join(', ')}`,
      {
        hint: "the model's handler must answer with the output's bytes, as that of aibench-setup-model does",
      },
    );
  }
  let at = 0;
  return outputs.map((spec) => {
    const data = body.subarray(at, at + tensorSizeBytes(spec));
    at += data.byteLength;
    if (spec.dtype === 'float32' && float32View(data).some(Number.isNaN)) {
      throw new AibenchError(
        'AIBENCH_ANSWER',
        `${address} answered for row ${requestId}: ${spec.name} has NaN in it`,
      );
    }
    return { name: spec.name, dtype: spec.dtype, shape: spec.shape, data };
  });
}

/** So much of an answer stands in a message. */
const shownBytes = 200;

/** What an answer begins with, where it is text: handlers answer errors so, even over gRPC. */
function beginning(body: Uint8Array): string {
  const text = Buffer.from(body.subarray(0, shownBytes)).toString('utf8').trim();
  const isText = text !== '' && !/[^\P{C}\s]|\ufffd/u.test(text);
  return isText ? `, "${text.replaceAll(/\s+/g, ' ')}",` : '';
}

/** Of `PredictionResponse.prediction`, field 1. */
const predictionTag = (1 << 3) | 2;

/**
 * The handler's answer out of an encoded `PredictionResponse`, as a view on it.
 * Where nothing else is in the message, as in TorchServe's, it is not decoded.
 *
 * @throws AIBENCH_ANSWER where the message is none
 */
export function predictionOf(message: Uint8Array, { address, requestId }: AnswerContext): Uint8Array {
  const start = contentStart(message);
  if (start !== undefined) return message.subarray(start);
  try {
    return PredictionResponse.decode(message).prediction;
  } catch (cause) {
    throw new AibenchError(
      'AIBENCH_ANSWER',
      `${address} answered for row ${requestId}: ${message.byteLength} bytes that are no prediction`,
      { hint: 'is this a TorchServe server? see --torchserve-grpc-host', cause },
    );
  }
}

/** Where the content begins of a message that is one field; undefined for any other. */
function contentStart(message: Uint8Array): number | undefined {
  if (message[0] !== predictionTag) return undefined;
  let size = 0;
  for (let at = 1, shift = 0; shift <= 28; at++, shift += 7) {
    const byte = message[at];
    if (byte === undefined) return undefined;
    size += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return at + 1 + size === message.byteLength ? at + 1 : undefined;
  }
  return undefined;
}
