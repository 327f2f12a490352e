import { DataType } from '@aibench/triton';
import type { ElementType } from '../inference/element-type.js';

/** Element types by the names that requests and answers use. */
const elementTypes: Readonly<Record<string, ElementType>> = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP32: 'float32',
  FP64: 'float64',
};

const datatypes = new Map(Object.entries(elementTypes).map(([datatype, type]) => [type, datatype]));

/** The element type of a name such as `FP32`; undefined for one that this server does not carry. */
export function elementTypeOf(datatype: string): ElementType | undefined {
  return Object.hasOwn(elementTypes, datatype) ? elementTypes[datatype] : undefined;
}

/** The name of an element type: `FP32`. */
export function datatypeOf(type: ElementType): string {
  return datatypes.get(type)!;
}

/** The same in a model configuration: `TYPE_FP32`. */
export function configTypeOf(type: ElementType): DataType {
  return DataType[`TYPE_${datatypeOf(type)}` as keyof typeof DataType] as DataType;
}

/** A configuration's type as a request names it; `INVALID` where it names none. */
export function datatypeOfConfig(type: DataType): string {
  const name = Object.entries(DataType).find(([, number]) => number === type)?.[0];
  return name?.replace('TYPE_', '') ?? 'INVALID';
}
