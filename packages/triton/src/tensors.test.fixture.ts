import { type Dtype, dtypeSizeBytes, elementCount, type Tensor, type TensorSpec } from '@aibench/core';
import fc from 'fast-check';

/** Any tensor of up to some hundred bytes. */
export const anyTensor: fc.Arbitrary<Tensor> = fc
  .record({
    name: fc.string({ minLength: 1, maxLength: 12 }),
    dtype: fc.constantFrom(...(Object.keys(dtypeSizeBytes) as Dtype[])),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  })
  .chain((spec) => {
    const size = elementCount(spec.shape) * dtypeSizeBytes[spec.dtype];
    return fc
      .uint8Array({ minLength: size, maxLength: size })
      .map((data) => ({ ...spec, data: Buffer.from(data) }));
  });

/** Some tensors, no two of one name. */
export const anyTensors = fc.uniqueArray(anyTensor, { selector: ({ name }) => name, maxLength: 4 });

/** A tensor's description alone. */
export function specOf({ name, dtype, shape }: TensorSpec): TensorSpec {
  return { name, dtype, shape };
}
