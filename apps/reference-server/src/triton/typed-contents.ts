import { elementCount } from '@aibench/core';
import type { InferTensorContents } from '@aibench/triton';
import { GrpcError } from '../grpc/grpc-error.js';
import { type ElementType, elementSizeBytes, elementsOf } from '../inference/element-type.js';

/** The field of typed contents that holds elements of a type. */
const fields: Readonly<Partial<Record<ElementType, keyof InferTensorContents>>> = {
  float32: 'fp32Contents',
  int64: 'int64Contents',
  uint8: 'uintContents',
  uint16: 'uintContents',
  uint32: 'uintContents',
  uint64: 'uint64Contents',
};

/**
 * Typed contents as little-endian bytes.
 *
 * @throws GrpcError where they are not of that type, or another number of elements
 */
export function contentBytes(
  name: string,
  type: ElementType,
  shape: readonly number[],
  contents: InferTensorContents,
): Uint8Array {
  const field = fields[type];
  const values: readonly (number | bigint)[] = field === undefined ? [] : contents[field];
  const count = elementCount(shape);
  if (values.length !== count) {
    throw new GrpcError(
      'invalidArgument',
      `unexpected number of elements in the contents of input '${name}': expected ${count} of ${type}, got ${values.length}`,
    );
  }
  const data = new Uint8Array(count * elementSizeBytes[type]);
  const elements = elementsOf(type, data);
  values.forEach((value, index) => {
    elements[index] = value;
  });
  return data;
}
