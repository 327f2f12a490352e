import { AibenchError, elementCount, formatShape } from '@aibench/core';
import type { GraphNode, GraphOp, NodeOf } from './graph.js';

/** The extent of the batch, known only when the graph runs. */
export const batchExtent = -1;

type Shape = readonly number[];

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
  concat: (node, inputs) => concatenatedShape(inputs, node.axis),
  identity: (_node, inputs) => one(inputs),
  add: (_node, inputs) => broadcastShape(...two(inputs)),
  sub: (_node, inputs) => broadcastShape(...two(inputs)),
  mul: (_node, inputs) => broadcastShape(...two(inputs)),
  div: (_node, inputs) => broadcastShape(...two(inputs)),
  matMul: (_node, inputs) => productShape(...two(inputs)),
  sigmoid: (_node, inputs) => one(inputs),
  tanh: (_node, inputs) => one(inputs),
  relu: (_node, inputs) => one(inputs),
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
