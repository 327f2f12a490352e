import { type Dtype, formatShape, type TensorSpec } from '@aibench/core';

const datatypes = {
  float32: 'FP32',
  uint8: 'UINT8',
  int64: 'INT64',
  uint64: 'UINT64',
} as const satisfies Record<Dtype, string>;

const dtypes = new Map<string, Dtype>(
  Object.entries(datatypes).map(([dtype, datatype]) => [datatype, dtype as Dtype]),
);

/** What the Open Inference Protocol calls an element type: `FP32`. */
export function tritonDatatype(dtype: Dtype): (typeof datatypes)[Dtype] {
  return datatypes[dtype];
}

/** The element type of that name; undefined for one that this suite does not have, as `FP16`. */
export function dtypeOfDatatype(datatype: string): Dtype | undefined {
  return dtypes.get(datatype);
}

/** Type and shape as they stand in messages: `FP32 [1,30]`. */
export function formatTensor({ dtype, shape }: Pick<TensorSpec, 'dtype' | 'shape'>): string {
  return `${tritonDatatype(dtype)} ${formatShape(shape)}`;
}
