import { elementCount } from '@aibench/core';
import { DataType, TensorProto } from '@aibench/tfserving';
import {
  type ElementArray,
  type ElementType,
  elementSizeBytes,
  elementsOf,
} from '../inference/element-type.js';
import { ServerTensor } from '../inference/server-tensor.js';

/** TensorFlow's element types that this server carries. */
const elementTypes: Readonly<Partial<Record<DataType, ElementType>>> = {
  [DataType.DT_FLOAT]: 'float32',
  [DataType.DT_DOUBLE]: 'float64',
  [DataType.DT_INT32]: 'int32',
  [DataType.DT_UINT8]: 'uint8',
  [DataType.DT_INT16]: 'int16',
  [DataType.DT_INT8]: 'int8',
  [DataType.DT_INT64]: 'int64',
  [DataType.DT_BOOL]: 'bool',
  [DataType.DT_UINT16]: 'uint16',
  [DataType.DT_UINT32]: 'uint32',
  [DataType.DT_UINT64]: 'uint64',
};

const dataTypes = new Map(
  Object.entries(elementTypes).map(([dataType, type]) => [type, Number(dataType) as DataType]),
);

/** TensorFlow's number for an element type. */
export function dataTypeOf(type: ElementType): DataType {
  return dataTypes.get(type)!;
}

/** TensorFlow's name for an element type, as its messages have it: `float`. */
export function typeName(type: ElementType): string {
  if (type === 'float32') return 'float';
  return type === 'float64' ? 'double' : type;
}

/**
 * Reads a tensor: its bytes where it has them, otherwise its typed values, of
 * which the last counts for all that are left out.
 *
 * @returns undefined where TensorFlow could not parse it either, or its type is none that this server carries
 */
export function readTensorProto(tensor: TensorProto): ServerTensor | undefined {
  const type = elementTypes[tensor.dtype];
  const shape = tensor.tensorShape?.dim.map(({ size }) => size) ?? [];
  if (type === undefined || tensor.tensorShape?.unknownRank || shape.some((extent) => extent < 0))
    return undefined;
  const count = elementCount(shape);
  const sizeBytes = count * elementSizeBytes[type];
  if (tensor.tensorContent.length > 0 || count === 0) {
    if (tensor.tensorContent.length !== sizeBytes) return undefined;
    return new ServerTensor(type, shape, tensor.tensorContent);
  }
  const values = typedValues(tensor, type);
  // A few values may stand for many: as many as a message can be long is all that is believed.
  if (values.length > count || sizeBytes > 2 ** 31) return undefined;
  const data = new Uint8Array(sizeBytes);
  fill(elementsOf(type, data), values);
  return new ServerTensor(type, shape, data);
}

function typedValues(tensor: TensorProto, type: ElementType): readonly number[] {
  switch (type) {
    case 'float32':
      return tensor.floatVal;
    case 'float64':
      return tensor.doubleVal;
    case 'int64':
      return tensor.int64Val;
    case 'uint64':
      return tensor.uint64Val;
    case 'bool':
    case 'uint32':
      return [];
    default:
      return tensor.intVal;
  }
}

function fill(elements: ElementArray, values: readonly number[]): void {
  const last = values.at(-1) ?? 0;
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    for (let i = 0; i < elements.length; i++) elements[i] = BigInt(values[i] ?? last);
  } else {
    for (let i = 0; i < elements.length; i++) elements[i] = values[i] ?? last;
  }
}

/** Writes a tensor as TensorFlow Serving answers: typed values where the protocol here has a field for them. */
export function writeTensorProto({ type, shape, data }: ServerTensor): TensorProto {
  const tensor = TensorProto.create({
    dtype: dataTypeOf(type),
    tensorShape: { dim: shape.map((size) => ({ size })), unknownRank: false },
  });
  const elements = elementsOf(type, data);
  if (type === 'float32') tensor.floatVal = [...(elements as Float32Array)];
  else if (type === 'float64') tensor.doubleVal = [...(elements as Float64Array)];
  else tensor.tensorContent = data;
  return tensor;
}
