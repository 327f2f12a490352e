import { elementCount } from '@aibench/core';
import { type ElementType, elementSizeBytes } from './element-type.js';

/** A tensor inside the server: what a client sent, stored, or gets from a model. Not changed once made. */
export class ServerTensor {
  readonly type: ElementType;
  /** Extent of each dimension, outermost first. */
  readonly shape: readonly number[];
  /** The elements, row-major, little-endian; often a view on a larger buffer. */
  readonly data: Uint8Array;

  constructor(type: ElementType, shape: readonly number[], data: Uint8Array) {
    this.type = type;
    this.shape = shape;
    this.data = data;
  }

  /** A tensor of zeros. */
  static zeros(type: ElementType, shape: readonly number[]): ServerTensor {
    return new ServerTensor(type, shape, new Uint8Array(elementCount(shape) * elementSizeBytes[type]));
  }

  /** Extent of the outermost dimension, which is the batch; 1 for a scalar. */
  get batchSize(): number {
    return this.shape[0] ?? 1;
  }

  /**
   * The same tensor on memory of its own. A tensor that was read from a
   * connection is a view on all that arrived with it; one that is stored must
   * not keep that alive.
   */
  detached(): ServerTensor {
    return new ServerTensor(this.type, this.shape, detachedBytes(this.data));
  }
}

/** A copy that holds on to nothing else; aligned to 8 bytes, as Node's pool is. */
export function detachedBytes(data: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafe(data.byteLength);
  copy.set(data);
  return copy;
}
