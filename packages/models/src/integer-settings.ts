import type { NodeDef } from './gen/tensorflow/core/framework/node_def.js';
import { integerOf } from './node-attributes.js';

/** Integers that a graph takes as an input where {@link Graph} has settings: shapes, axes. */
export interface IntegerSetting {
  /** -1 where it is the batch. */
  readonly values: readonly number[];
  /** Whether it is one integer rather than a list. */
  readonly isScalar: boolean;
}

/**
 * What comes out of an operation on integers: Keras and TF-slim compute the shape of a Reshape from that of another
 * value, of which all but the batch is known.
 *
 * @param inputs undefined where one is no such setting
 * @param shapeOf the shape of a value
 * @returns undefined where the operation is not among those known here, or does not take settings
 */
export function computeSetting(
  node: NodeDef,
  inputs: readonly (IntegerSetting | undefined)[],
  shapeOf: () => readonly number[] | undefined,
): IntegerSetting | undefined {
  if (node.op === 'Shape') {
    const shape = shapeOf();
    return shape === undefined ? undefined : { values: shape, isScalar: false };
  }
  const known = inputs.filter((input) => input !== undefined);
  if (known.length !== inputs.length || known.length === 0) return undefined;
  switch (node.op) {
    case 'Identity':
      return known[0];
    case 'Pack':
      return known.every(({ isScalar }) => isScalar)
        ? { values: known.flatMap(({ values }) => values), isScalar: false }
        : undefined;
    case 'ConcatV2':
      return { values: known.slice(0, -1).flatMap(({ values }) => values), isScalar: false };
    case 'StridedSlice':
      return slice(node, known);
    default:
      return undefined;
  }
}

/** `x[begin]` and `x[begin:end]` of a list, which is what shapes are taken apart with. */
function slice(node: NodeDef, inputs: readonly IntegerSetting[]): IntegerSetting | undefined {
  const [source, begin, end, stride] = inputs;
  const [from = 0] = begin?.values ?? [];
  const [to = 0] = end?.values ?? [];
  const unsupported = ['ellipsis_mask', 'new_axis_mask'].some((mask) => integerOf(node, mask, 0) !== 0);
  if (source === undefined || unsupported || begin?.values.length !== 1 || stride?.values[0] !== 1) {
    return undefined;
  }
  if (integerOf(node, 'shrink_axis_mask', 0) === 1) {
    const value = source.values.at(from);
    return value === undefined ? undefined : { values: [value], isScalar: true };
  }
  const start = integerOf(node, 'begin_mask', 0) === 1 ? 0 : from;
  const stop = integerOf(node, 'end_mask', 0) === 1 ? source.values.length : to;
  return { values: source.values.slice(start, stop), isScalar: false };
}
