import { AibenchError, elementCount, formatShape } from '@aibench/core';
import type { GraphNode, GraphOp, NodeOf, Padding, Strides } from './graph.js';

/** The extent of the batch, known only when the graph runs. */
export const batchExtent = -1;

type Shape = readonly number[];

/** Nothing around an image; TensorFlow's padding VALID. */
export const noPadding: Padding = { top: 0, bottom: 0, left: 0, right: 0 };

/** Says what is wrong with a node's inputs; the caller adds which node it is. */
class ShapeProblem extends Error {}

/** One entry for each operation; a new operation does not compile without. */
const shapeRules: { readonly [Op in GraphOp]: (node: NodeOf<Op>, inputs: readonly Shape[]) => Shape } = {
  input: (node) => declaredShape(node.shape),
  constant(node) {
    const shape = node.shape;
    if (shape.some((extent) => !Number.isSafeInteger(extent) || extent < 1)) {
      throw new ShapeProblem(`shape ${formatShape(shape)} is not made of positive integers`);
    }
    if (elementCount(shape) !== node.values.length) {
      throw new ShapeProblem(`shape ${formatShape(shape)} does not hold ${node.values.length} values`);
    }
    return shape;
  },
  reshape: (node, inputs) => reshapedShape(one(inputs), node.shape),
  transpose: (node, inputs) => transposedShape(one(inputs), node.order),
  concat: (node, inputs) => concatenatedShape(inputs, node.axis),
  conv2d(node, inputs) {
    const [image, filters] = two(inputs);
    const [batch, channels, [rows, columns, filterChannels, results]] = convolved(image, filters);
    if (filterChannels !== channels) {
      throw new ShapeProblem(
        `filters ${formatShape(filters)} are for ${filterChannels} channels, not ${channels}`,
      );
    }
    return [batch, ...windowCounts(image, [rows, columns], node.strides, node.padding), results];
  },
  depthwiseConv2d(node, inputs) {
    const [image, filters] = two(inputs);
    const [batch, channels, [rows, columns, filterChannels, multiplier]] = convolved(image, filters);
    if (filterChannels !== channels) {
      throw new ShapeProblem(
        `filters ${formatShape(filters)} are for ${filterChannels} channels, not ${channels}`,
      );
    }
    return [
      batch,
      ...windowCounts(image, [rows, columns], node.strides, node.padding),
      channels * multiplier,
    ];
  },
  averagePool(node, inputs) {
    const image = one(inputs);
    if (image.length !== 4) throw new ShapeProblem(`${formatShape(image)} are no images [N,H,W,C]`);
    return [image[0]!, ...windowCounts(image, node.window, node.strides, noPadding), image[3]!];
  },
  batchNormalization(node, inputs) {
    const [image, ...parameters] = inputs;
    if (image === undefined || parameters.length !== 4) {
      throw new ShapeProblem(`takes 5 inputs, not ${inputs.length}`);
    }
    if (image.length !== 4) throw new ShapeProblem(`${formatShape(image)} are no images [N,H,W,C]`);
    for (const shape of parameters) vectorFor(image, shape);
    if (!(node.epsilon >= 0)) throw new ShapeProblem(`its epsilon is ${node.epsilon}`);
    return image;
  },
  identity: (_node, inputs) => one(inputs),
  add: (_node, inputs) => broadcastShape(...two(inputs)),
  biasAdd(_node, inputs) {
    const [shape, bias] = two(inputs);
    return vectorFor(shape, bias);
  },
  sub: (_node, inputs) => broadcastShape(...two(inputs)),
  mul: (_node, inputs) => broadcastShape(...two(inputs)),
  div: (_node, inputs) => broadcastShape(...two(inputs)),
  matMul: (_node, inputs) => productShape(...two(inputs)),
  sigmoid: (_node, inputs) => one(inputs),
  tanh: (_node, inputs) => one(inputs),
  relu: (_node, inputs) => one(inputs),
  relu6: (_node, inputs) => one(inputs),
  softmax(_node, inputs) {
    const shape = one(inputs);
    if (shape.length === 0) throw new ShapeProblem('a scalar has no dimension to normalise');
    return shape;
  },
};

/**
 * The shape of a node's value.
 *
 * @param inputs shapes of the values that the node takes
 * @throws AIBENCH_INPUT naming the node where the inputs don't fit the operation
 */
export function inferShape(node: GraphNode, inputs: readonly Shape[]): Shape {
  try {
    // Each rule gets the node of its own operation; the compiler can't follow the pairing through the table.
    const rule = shapeRules[node.op] as (node: GraphNode, inputs: readonly Shape[]) => Shape;
    return rule(node, inputs);
  } catch (error) {
    if (!(error instanceof ShapeProblem)) throw error;
    throw new AibenchError('AIBENCH_INPUT', `model node ${node.name} (${node.op}): ${error.message}`);
  }
}

/** A shape with the batch filled in. */
export function withBatch(shape: Shape, batch: number): Shape {
  return shape.map((extent) => (extent === batchExtent ? batch : extent));
}

function one(inputs: readonly Shape[]): Shape {
  if (inputs.length !== 1) throw new ShapeProblem(`takes 1 input, not ${inputs.length}`);
  return inputs[0]!;
}

function two(inputs: readonly Shape[]): [Shape, Shape] {
  if (inputs.length !== 2) throw new ShapeProblem(`takes 2 inputs, not ${inputs.length}`);
  return [inputs[0]!, inputs[1]!];
}

function declaredShape(shape: Shape): Shape {
  for (const [dimension, extent] of shape.entries()) {
    if (extent === batchExtent && dimension === 0) continue;
    if (!Number.isSafeInteger(extent) || extent < 1) {
      throw new ShapeProblem(
        `shape ${formatShape(shape)}: extents are positive integers; only the outermost may be -1, the batch`,
      );
    }
  }
  return shape;
}

function reshapedShape(from: Shape, to: Shape): Shape {
  const problem = (): ShapeProblem =>
    new ShapeProblem(`${formatShape(from)} can't be reshaped to ${formatShape(to)}`);
  const free = to.filter((extent) => extent === -1).length;
  if (free > 1 || to.some((extent) => extent !== -1 && (!Number.isSafeInteger(extent) || extent < 1))) {
    throw problem();
  }
  const known = Math.abs(elementCount(to));
  const count = Math.abs(elementCount(from));
  if (from.includes(batchExtent)) {
    // The free extent stands for the batch, so nothing else may be left over, and it stays outermost.
    if (to[0] !== -1 || known !== count) throw problem();
    return to;
  }
  if (free === 0 ? known !== count : count % known !== 0) throw problem();
  return to.map((extent) => (extent === -1 ? count / known : extent));
}

function transposedShape(from: Shape, order: readonly number[]): Shape {
  const isOrder = from.every((_extent, dimension) => order.includes(dimension));
  if (order.length !== from.length || !isOrder || order[0] !== 0) {
    throw new ShapeProblem(
      `${formatShape(order)} is no order of the dimensions of ${formatShape(from)} with the outermost in its place`,
    );
  }
  return order.map((dimension) => from[dimension]!);
}

type FilterShape = readonly [rows: number, columns: number, channels: number, results: number];

function convolved(image: Shape, filters: Shape): [batch: number, channels: number, filters: FilterShape] {
  if (image.length !== 4) throw new ShapeProblem(`${formatShape(image)} are no images [N,H,W,C]`);
  if (filters.length !== 4 || filters[0] === batchExtent) {
    throw new ShapeProblem(`${formatShape(filters)} are no filters of 4 known dimensions`);
  }
  return [image[0]!, image[3]!, filters as unknown as FilterShape];
}

/** In how many places a window can be laid, down and across. */
function windowCounts(image: Shape, window: Strides, strides: Strides, padding: Padding): [number, number] {
  const { top, bottom, left, right } = padding;
  const settings = [...window, ...strides, top + 1, bottom + 1, left + 1, right + 1];
  if (settings.some((setting) => !Number.isSafeInteger(setting) || setting < 1)) {
    throw new ShapeProblem('windows and strides are positive integers, paddings are not negative');
  }
  const rows = image[1]! + top + bottom - window[0];
  const columns = image[2]! + left + right - window[1];
  if (rows < 0 || columns < 0) {
    throw new ShapeProblem(`a window of ${window.join('x')} does not fit into ${formatShape(image)}`);
  }
  return [Math.floor(rows / strides[0]) + 1, Math.floor(columns / strides[1]) + 1];
}

/**
 * What TensorFlow's padding SAME puts around an image, so that with strides of 1 the result has its size: half on
 * either side, and of an odd number the larger half at the bottom and on the right.
 *
 * @param image [N,H,W,C]
 */
export function samePadding(image: Shape, window: Strides, strides: Strides): Padding {
  const [rows, columns] = ([0, 1] as const).map((i) => {
    const extent = image[i + 1] ?? 0;
    return Math.max((Math.ceil(extent / strides[i]) - 1) * strides[i] + window[i] - extent, 0);
  }) as [number, number];
  const [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return { top, bottom: rows - top, left, right: columns - left };
}

function vectorFor(shape: Shape, vector: Shape): Shape {
  if (shape.length < 2 || vector.length !== 1 || vector[0] !== shape[shape.length - 1]) {
    throw new ShapeProblem(`${formatShape(vector)} is no vector for the channels of ${formatShape(shape)}`);
  }
  return shape;
}

function concatenatedShape(inputs: readonly Shape[], axis: number): Shape {
  const first = inputs[0];
  if (first === undefined) throw new ShapeProblem('takes at least 1 input');
  const dimension = normalAxis(axis, first.length);
  const result = [...first];
  for (const shape of inputs.slice(1)) {
    const fits =
      shape.length === first.length &&
      shape.every((extent, i) => i === dimension || extent === first[i]) &&
      shape[dimension] !== batchExtent;
    if (!fits) {
      throw new ShapeProblem(
        `${formatShape(first)} and ${formatShape(shape)} can't be put together along dimension ${dimension}`,
      );
    }
    result[dimension]! += shape[dimension]!;
  }
  if (inputs.length > 1 && first[dimension] === batchExtent) {
    throw new ShapeProblem('batches of unknown extent cannot be put together');
  }
  return result;
}

/**
 * A dimension's number counted from the outermost.
 *
 * @param axis negative counts from the innermost
 */
export function normalAxis(axis: number, rank: number): number {
  const dimension = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || dimension < 0 || dimension >= rank) {
    throw new ShapeProblem(`no dimension ${axis} in a value of ${rank} dimensions`);
  }
  return dimension;
}

function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeProblem(`shapes ${formatShape(a)} and ${formatShape(b)} don't go together`);
    }
    result.push(x === 1 ? y : x);
  }
  if (result.indexOf(batchExtent) > 0) {
    throw new ShapeProblem(`${formatShape(a)} and ${formatShape(b)}: the batch must stay outermost`);
  }
  return result;
}

function productShape(a: Shape, b: Shape): Shape {
  if (a.length !== 2 || b.length !== 2 || a[1] !== b[0] || b[0] === batchExtent) {
    throw new ShapeProblem(`${formatShape(a)} can't be multiplied with ${formatShape(b)}`);
  }
  return [a[0]!, b[1]!];
}
