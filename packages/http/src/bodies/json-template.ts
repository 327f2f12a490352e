import {
  AibenchError,
  float32View,
  type MessageBytes,
  type TensorSpec,
  tensorSizeBytes,
} from '@aibench/core';
import { mostDecimalBytes, writeDecimal } from './decimal-writer.js';

/** What stands between the tensors, and how long one can get. */
interface Slot {
  readonly spec: TensorSpec;
  /** `{"transaction":[` or `],"reference":[` */
  readonly before: Buffer;
}

const comma = 0x2c;
const end = Buffer.from(']}');

/**
 * A JSON object with a member for each tensor, its elements in one flat list:
 * `{"transaction":[0.5,-1,..],"reference":[..]}`, as the Go suite sends it. Numbers
 * have the digits that read back to the same float32.
 */
export class JsonTemplate {
  /** Headers of such a request. */
  readonly headers = { 'content-type': 'application/json' } as const;
  readonly #slots: readonly Slot[];
  /** Where a body is written before its length is known. */
  readonly #scratch: Buffer;

  /** @param tensors in the order in which their data is given */
  constructor(tensors: readonly TensorSpec[]) {
    this.#slots = tensors.map((spec, i) => ({
      spec,
      before: Buffer.from(`${i === 0 ? '{' : '],'}${JSON.stringify(spec.name)}:[`),
    }));
    const mostBytes = this.#slots.map(
      ({ spec, before }) => before.length + elements(spec) * (mostDecimalBytes + 1),
    );
    this.#scratch = Buffer.allocUnsafeSlow(mostBytes.reduce((sum, bytes) => sum + bytes, end.length));
  }

  /**
   * The body with these tensors in it.
   *
   * @param data of each tensor, in the order of the tensors
   * @throws AIBENCH_INPUT where one has the wrong size, or an element that JSON has no number for
   */
  encode(data: readonly Uint8Array[]): MessageBytes {
    const scratch = this.#scratch;
    let at = 0;
    for (let i = 0; i < this.#slots.length; i++) {
      const { spec, before } = this.#slots[i]!;
      const bytes = checkedBytes(spec, data[i]);
      scratch.set(before, at);
      at = writeElements(spec, bytes, scratch, at + before.length);
    }
    scratch.set(end, at);
    const body = Buffer.allocUnsafe(at + end.length);
    body.set(scratch.subarray(0, at + end.length));
    return body;
  }
}

function elements({ shape }: TensorSpec): number {
  return shape.reduce((count, extent) => count * extent, 1);
}

function checkedBytes(spec: TensorSpec, bytes: Uint8Array | undefined): Uint8Array {
  const sizeBytes = tensorSizeBytes(spec);
  if (bytes?.byteLength === sizeBytes) return bytes;
  throw new AibenchError(
    'AIBENCH_INPUT',
    `tensor ${spec.name} has ${bytes?.byteLength ?? 'no'} bytes instead of ${sizeBytes}`,
  );
}

function writeElements(spec: TensorSpec, bytes: Uint8Array, buffer: Buffer, at: number): number {
  if (spec.dtype === 'float32') return writeFloats(spec, float32View(bytes), buffer, at);
  return at + buffer.write(integers(spec, bytes).join(','), at, 'latin1');
}

function writeFloats({ name }: TensorSpec, values: Float32Array, buffer: Buffer, at: number): number {
  let place = at;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      throw new AibenchError('AIBENCH_INPUT', `element ${i} of tensor ${name} is ${value}`, {
        hint: 'JSON has no number for it; send the tensors as binary data',
      });
    }
    if (i > 0) buffer[place++] = comma;
    place = writeDecimal(value, buffer, place);
  }
  return place;
}

function integers(
  { dtype }: TensorSpec,
  bytes: Uint8Array,
): ArrayLike<number | bigint> & { join(by: string): string } {
  if (dtype === 'uint8') return bytes;
  const copy = bytes.slice().buffer;
  return dtype === 'uint64' ? new BigUint64Array(copy) : new BigInt64Array(copy);
}
