import { AibenchError } from './errors.js';

/** Element types that cross the wire, with their size in bytes. */
export const dtypeSizeBytes = { float32: 4, uint8: 1, int64: 8, uint64: 8 } as const;

/** Element type of a tensor. */
export type Dtype = keyof typeof dtypeSizeBytes;

/** What is known of a tensor before there is data for it. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: Dtype;
  /** Extent of each dimension, outermost first; `[]` is a scalar. */
  readonly shape: readonly number[];
}

/**
 * A named block of numbers in row-major order. The data is little-endian bytes
 * and often a view on a larger buffer, so that a row goes from file to socket
 * without a copy; whoever keeps a tensor past the call that gave it must copy.
 */
export interface Tensor extends TensorSpec {
  /** Exactly `tensorSizeBytes(spec)` bytes. */
  readonly data: Uint8Array;
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const extent of shape) count *= extent;
  return count;
}

/** Size of a tensor's data in bytes. */
export function tensorSizeBytes(spec: TensorSpec): number {
  return elementCount(spec.shape) * dtypeSizeBytes[spec.dtype];
}

/**
 * The elements of a float32 tensor. A view where the bytes are aligned to 4,
 * otherwise a copy.
 *
 * @throws AIBENCH_ANSWER when the tensor is of another dtype or its data has the wrong length
 */
export function float32Values(tensor: Tensor): Float32Array {
  if (tensor.dtype !== 'float32' || tensor.data.byteLength !== tensorSizeBytes(tensor)) {
    throw new AibenchError(
      'AIBENCH_ANSWER',
      `tensor ${tensor.name}: ${tensor.data.byteLength} bytes of ${tensor.dtype} are no float32 ${formatShape(tensor.shape)}`,
    );
  }
  return float32View(tensor.data);
}

/** Little-endian bytes as float32: a view where they are aligned to 4, otherwise a copy. */
export function float32View(bytes: Uint8Array): Float32Array {
  const length = bytes.byteLength >> 2;
  if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, length);
  const copy = new Float32Array(length);
  new Uint8Array(copy.buffer).set(bytes.subarray(0, length * 4));
  return copy;
}

/** A float32 tensor from numbers, as many as the shape calls for; the data is copied. */
export function float32Tensor(name: string, shape: readonly number[], values: ArrayLike<number>): Tensor {
  const data = new Uint8Array(Float32Array.from(values).buffer);
  return { name, dtype: 'float32', shape, data };
}

/** A shape as text: `[1,30]`. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(',')}]`;
}
