import { type Dtype, formatShape } from '@aibench/core';
import { DataType } from './gen/tensorflow/core/framework/types.js';

const dataTypes = {
  float32: DataType.DT_FLOAT,
  uint8: DataType.DT_UINT8,
  int64: DataType.DT_INT64,
  uint64: DataType.DT_UINT64,
} as const satisfies Readonly<Record<Dtype, DataType>>;

const dtypes = new Map<number, Dtype>(
  Object.entries(dataTypes).map(([dtype, dataType]) => [dataType, dtype as Dtype]),
);

const names = new Map<number, string>(Object.entries(DataType).map(([name, value]) => [value, name]));

/** TensorFlow's name for a type of the suite. */
export function dataTypeOf(dtype: Dtype): DataType {
  return dataTypes[dtype];
}

/** The suite's name for a type of TensorFlow's; undefined for those that it doesn't have. */
export function dtypeOf(dataType: number): Dtype | undefined {
  return dtypes.get(dataType);
}

/** A tensor's type and shape, for messages: `float32 [1,30]`; types that the suite lacks by TensorFlow's name, `DT_HALF [?]`. */
export function formatTensorType(dataType: number, shape: readonly number[] | undefined): string {
  const type = dtypeOf(dataType) ?? names.get(dataType) ?? `type ${dataType}`;
  return `${type} ${shape === undefined ? '[..]' : formatShape(shape)}`;
}
