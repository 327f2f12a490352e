import type { TensorSpec } from '@aibench/core';
import { MultipartTemplate } from '@aibench/http';

/** What is sent: the fraud case with reference data, and an image. */
export const httpLoads: Readonly<Record<string, readonly TensorSpec[]>> = {
  fraud: [
    { name: 'transaction', dtype: 'float32', shape: [1, 30] },
    { name: 'reference', dtype: 'float32', shape: [256] },
  ],
  image: [{ name: 'image', dtype: 'float32', shape: [1, 3, 224, 224] }],
};

/** A template of bodies of one of {@link httpLoads}, and data for it. */
export function loadOf(name: string): { readonly template: MultipartTemplate; readonly data: Uint8Array[] } {
  const tensors = httpLoads[name]!;
  const data = tensors.map(({ shape }) => new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)).fill(0x40));
  return { template: new MultipartTemplate(tensors), data };
}
