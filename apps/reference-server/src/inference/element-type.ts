/**
 * Types of a tensor's elements, by the names that ONNX Runtime uses. Each
 * protocol maps its own names to these.
 */
export type ElementType =
  | 'float32'
  | 'float64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool';

/** Size of one element in bytes. */
export const elementSizeBytes: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float64: 8,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  bool: 1,
};

/** Arrays that hold elements of each type; ONNX Runtime takes and gives these. */
const elementArrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

/** A typed array over a tensor's elements. */
export type ElementArray = InstanceType<(typeof elementArrays)[ElementType]>;

/** Whether ONNX Runtime's type name is one that this server carries. */
export function isElementType(name: string): name is ElementType {
  return Object.hasOwn(elementSizeBytes, name);
}

/** Little-endian bytes as elements: a view where they are aligned, otherwise a copy. */
export function elementsOf(type: ElementType, data: Uint8Array): ElementArray {
  const sizeBytes = elementSizeBytes[type];
  const aligned = data.byteOffset % sizeBytes === 0 ? data : new Uint8Array(data);
  const length = aligned.byteLength / sizeBytes;
  return new elementArrays[type](aligned.buffer as ArrayBuffer, aligned.byteOffset, length);
}
