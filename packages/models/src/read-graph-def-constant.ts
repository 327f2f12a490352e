import { AibenchError, elementCount, float32View, formatShape } from '@aibench/core';
import type { NodeDef } from './gen/tensorflow/core/framework/node_def.js';
import type { TensorProto } from './gen/tensorflow/core/framework/tensor.js';
import { DataType } from './gen/tensorflow/core/framework/types.js';

/** The value of a Const node. */
export interface ConstantValue {
  /** `integer` stands for int32 and int64, of which settings such as shapes are made. */
  readonly dtype: 'float32' | 'integer';
  readonly shape: readonly number[];
  /** Row-major, all of them. */
  readonly values: Float32Array | Float64Array;
}

/** A list of one element can claim any shape; this much (256 MiB) is more than any model here has. */
const maxElements = 2 ** 26;

/**
 * The value of a Const node, from either of the two forms in which TensorFlow
 * stores it: bytes, or a list that may break off where its last element repeats.
 *
 * @throws AIBENCH_INPUT naming the node where it has no value, or one of another type
 */
export function readConstant(node: NodeDef): ConstantValue {
  const value = node.attr['value']?.value;
  if (value?.$case !== 'tensor') throw problem(node, 'has no value');
  const tensor = value.value;
  const shape = (tensor.tensorShape?.dim ?? []).map((dim) => dim.size);
  const stored = storedValues(node, tensor);
  const count = elementCount(shape);
  const last = stored.values[stored.values.length - 1] ?? 0;
  if (shape.some((extent) => extent < 0) || count > maxElements || stored.values.length > count) {
    throw problem(
      node,
      `holds ${stored.values.length} values, which don't fit its shape ${formatShape(shape)}`,
    );
  }
  // As they lie in the file, where nothing has to be repeated: a network's weights are many.
  if (stored.values instanceof Float32Array && stored.values.length === count) {
    return { dtype: 'float32', shape, values: stored.values };
  }
  // Doubles hold every integer that a shape or an axis can be.
  const values = stored.dtype === 'float32' ? new Float32Array(count) : new Float64Array(count);
  values.set(stored.values);
  values.fill(last, stored.values.length);
  return { dtype: stored.dtype, shape, values };
}

function storedValues(
  node: NodeDef,
  tensor: TensorProto,
): { dtype: ConstantValue['dtype']; values: ArrayLike<number> } {
  const content = tensor.tensorContent;
  const inBytes = content.byteLength > 0;
  switch (tensor.dtype) {
    case DataType.DT_FLOAT:
      return { dtype: 'float32', values: inBytes ? float32View(content) : tensor.floatVal };
    case DataType.DT_INT32:
      return { dtype: 'integer', values: inBytes ? integers(content, 4) : tensor.intVal };
    case DataType.DT_INT64:
      return { dtype: 'integer', values: inBytes ? integers(content, 8) : tensor.int64Val };
    default:
      throw problem(node, `is of TensorFlow's type ${tensor.dtype}; float32, int32 and int64 are supported`);
  }
}

function integers(content: Uint8Array, sizeBytes: 4 | 8): number[] {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  return Array.from({ length: Math.floor(content.byteLength / sizeBytes) }, (_, i) =>
    sizeBytes === 4 ? view.getInt32(i * 4, true) : Number(view.getBigInt64(i * 8, true)),
  );
}

function problem(node: NodeDef, what: string): AibenchError {
  return new AibenchError('AIBENCH_INPUT', `model node ${node.name} (Const) ${what}`);
}
