import { AibenchError, dtypeSizeBytes, elementCount, type Tensor, type TensorSpec } from '@aibench/core';
import { dtypeOfDatatype, formatTensor, tritonDatatype } from './datatypes.js';
import {
  type InferTensorContents,
  ModelInferResponse,
  ModelInferResponse_InferOutputTensor,
} from './gen/inference/grpc_service.js';

/** Tags of ModelInferResponse: field number and, as all of these, a length first. */
const outputsTag = (5 << 3) | 2;
const rawOutputContentsTag = (6 << 3) | 2;

/**
 * Reads the answers to one kind of inference. Where an answer's outputs are
 * described in the very bytes that were expected, as Triton's are, nothing of
 * it is decoded; the tensors are views on it.
 */
export class InferResponseReader {
  readonly #outputs: readonly TensorSpec[];
  readonly #expected: readonly Buffer[];
  readonly #address: string;

  /**
   * @param outputs that were asked for
   * @param address of the server, for messages
   */
  constructor(outputs: readonly TensorSpec[], address: string) {
    this.#outputs = outputs;
    this.#address = address;
    this.#expected = outputs.map(({ name, dtype, shape }) =>
      Buffer.from(
        ModelInferResponse_InferOutputTensor.encode(
          ModelInferResponse_InferOutputTensor.fromPartial({
            name,
            datatype: tritonDatatype(dtype),
            shape: shape.map(BigInt),
          }),
        ).finish(),
      ),
    );
  }

  /**
   * The outputs, in the order in which they were given.
   *
   * @param answer an encoded `ModelInferResponse`
   * @throws AIBENCH_ANSWER where it is none, or has not the outputs that were asked for
   */
  read(answer: Uint8Array, requestId: number): Tensor[] {
    return this.#readExpected(answer) ?? this.#readAny(answer, requestId);
  }

  /** @returns undefined where anything is not as expected */
  #readExpected(answer: Uint8Array): Tensor[] | undefined {
    const tensors: Tensor[] = [];
    let described = 0;
    let at = 0;
    while (at < answer.length) {
      const tag = answer[at++]!;
      // Every field of an answer has a length; a tag or a length in several bytes is rare but for tensors.
      if ((tag & 0x87) !== 2) return undefined;
      let size = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = answer[at++];
        if (byte === undefined || shift > 28) return undefined;
        size += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) break;
      }
      const end = at + size;
      if (end > answer.length) return undefined;
      if (tag === outputsTag) {
        if (this.#expected[described++]?.equals(answer.subarray(at, end)) !== true) return undefined;
      } else if (tag === rawOutputContentsTag) {
        const spec = this.#outputs[tensors.length];
        if (spec === undefined || size !== elementCount(spec.shape) * dtypeSizeBytes[spec.dtype])
          return undefined;
        tensors.push({
          name: spec.name,
          dtype: spec.dtype,
          shape: spec.shape,
          data: answer.subarray(at, end),
        });
      }
      at = end;
    }
    const count = this.#outputs.length;
    return described === count && tensors.length === count ? tensors : undefined;
  }

  #readAny(answer: Uint8Array, requestId: number): Tensor[] {
    let response: ModelInferResponse;
    try {
      response = ModelInferResponse.decode(answer);
    } catch (cause) {
      throw new AibenchError(
        'AIBENCH_ANSWER',
        `${this.#address} answered for row ${requestId}: ${answer.length} bytes that are no inference`,
        { hint: 'is this a Triton server? see --host', cause },
      );
    }
    const { outputs, rawOutputContents } = response;
    const answered = outputs.map(({ name, datatype, shape, contents }, i) => ({
      name,
      datatype,
      shape: shape.map(Number),
      data: rawOutputContents[i] ?? contentsBytes(datatype, contents),
    }));
    return selectOutputs(this.#outputs, answered, { address: this.#address, requestId });
  }
}

/** An output as a server describes it. */
export interface AnsweredOutput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Undefined where there is none, or none that can be read. */
  readonly data: Uint8Array | undefined;
}

/**
 * Picks the outputs that were asked for, whatever their order.
 *
 * @throws AIBENCH_ANSWER where one is missing, of another type, or has not as many elements
 */
export function selectOutputs(
  wanted: readonly TensorSpec[],
  answered: readonly AnsweredOutput[],
  { address, requestId }: { readonly address: string; readonly requestId: number },
): Tensor[] {
  return wanted.map((spec) => {
    const output = answered.find(({ name }) => name === spec.name);
    const sizeBytes = elementCount(spec.shape) * dtypeSizeBytes[spec.dtype];
    if (
      output?.datatype === tritonDatatype(spec.dtype) &&
      elementCount(output.shape) === elementCount(spec.shape) &&
      output.data?.byteLength === sizeBytes
    ) {
      return { name: spec.name, dtype: spec.dtype, shape: output.shape, data: output.data };
    }
    const seen = answered.map(describeOutput).join(', ') || 'no output';
    throw new AibenchError(
      'AIBENCH_ANSWER',
      `${address} answered for row ${requestId}: ${seen} instead of ${spec.name} ${formatTensor(spec)} in ${sizeBytes} bytes`,
      { hint: 'is this the right model? see --model' },
    );
  });
}

function describeOutput({ name, datatype, shape, data }: AnsweredOutput): string {
  return `${name} ${datatype} [${shape.join(',')}] in ${data?.byteLength ?? 0} bytes`;
}

/** The elements that were sent one by one, as the bytes that they would have been. */
function contentsBytes(datatype: string, contents: InferTensorContents | undefined): Uint8Array | undefined {
  const dtype = dtypeOfDatatype(datatype);
  if (contents === undefined || dtype === undefined) return undefined;
  switch (dtype) {
    case 'float32':
      return bytesOf(Float32Array.from(contents.fp32Contents));
    case 'uint8':
      return Uint8Array.from(contents.uintContents);
    case 'int64':
      return bytesOf(BigInt64Array.from(contents.int64Contents));
    case 'uint64':
      return bytesOf(BigUint64Array.from(contents.uint64Contents));
  }
}

function bytesOf(values: ArrayBufferView<ArrayBuffer>): Uint8Array {
  return new Uint8Array(values.buffer);
}
