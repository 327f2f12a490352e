import { elementCount } from '@aibench/core';

/**
 * Row-major values with the dimensions in another order.
 *
 * @param order for each dimension of the result, the dimension that it was before
 */
export function permuted(
  values: Float32Array,
  shape: readonly number[],
  order: readonly number[],
): Float32Array {
  const result = new Float32Array(values.length);
  permuteInto(values, shape, order, result);
  return result;
}

/** As {@link permuted}, into an array that is there. */
export function permuteInto(
  values: Float32Array,
  shape: readonly number[],
  order: readonly number[],
  result: Float32Array,
): void {
  const extents = order.map((dimension) => shape[dimension]!);
  const strides = order.map((dimension) => elementCount(shape.slice(dimension + 1)));
  const length = extents.pop() ?? 1;
  const stride = strides.pop() ?? 1;
  const place = extents.map(() => 0);
  let from = 0;
  for (let at = 0; at < result.length; at += length) {
    for (let i = 0; i < length; i++) result[at + i] = values[from + i * stride]!;
    // The next run: counts up from the innermost of the other dimensions.
    for (let dimension = extents.length - 1; dimension >= 0; dimension--) {
      from += strides[dimension]!;
      place[dimension]! += 1;
      if (place[dimension]! < extents[dimension]!) break;
      from -= strides[dimension]! * extents[dimension]!;
      place[dimension] = 0;
    }
  }
}
