import {
  AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  NodeProto,
  TensorProto,
} from './gen/onnx/onnx.js';

/** An operator that gives one value, which has a name of its own. */
export function onnxNode(
  name: string,
  opType: string,
  input: readonly string[],
  output: string,
  attribute: AttributeProto[] = [],
): NodeProto {
  return NodeProto.create({ name, opType, input: [...input], output: [output], attribute });
}

/** An attribute that is one integer. */
export function integerAttribute(name: string, value: number): AttributeProto {
  return AttributeProto.create({ name, type: AttributeType.INT, i: value });
}

/** An attribute that is a list of integers. */
export function integersAttribute(name: string, values: readonly number[]): AttributeProto {
  return AttributeProto.create({ name, type: AttributeType.INTS, ints: [...values] });
}

/** An attribute that is one number. */
export function floatAttribute(name: string, value: number): AttributeProto {
  return AttributeProto.create({ name, type: AttributeType.FLOAT, f: value });
}

/** A constant of float32; its values are not copied. */
export function floatConstant(name: string, dims: readonly number[], values: Float32Array): TensorProto {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return TensorProto.create({ name, dims: [...dims], dataType: DataType.FLOAT, rawData });
}

/** A constant list of int64, of which ONNX's shapes are made. */
export function integerConstant(name: string, values: readonly number[]): TensorProto {
  const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return TensorProto.create({ name, dims: [values.length], dataType: DataType.INT64, rawData });
}
