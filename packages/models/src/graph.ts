import type { TensorSpec } from '@aibench/core';

/**
 * A neural network: operations on float32 tensors, in an order in which each
 * uses only what stands before it. Made by {@link GraphBuilder}, which checks it
 * and infers every shape; evaluated by {@link compileGraph}; written by
 * {@link writeOnnx} and {@link writeGraphDef}.
 */
export interface Graph {
  readonly name: string;
  /** What the graph takes, in order. An outermost extent of -1 is the batch: it is chosen when the graph runs. */
  readonly inputs: readonly TensorSpec[];
  /** What the graph gives, in order; names and shapes of nodes. */
  readonly outputs: readonly TensorSpec[];
  readonly nodes: readonly GraphNode[];
  /** The shape of every node's value, by the node's name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** One operation. Its name is also the name of its value, which other nodes take by that name. */
export type GraphNode = InputNode | ConstantNode | ReshapeNode | ConcatNode | PlainNode;

interface NodeBase {
  /** Letters, digits and `_ . / -`, as TensorFlow allows. */
  readonly name: string;
  /** Names of the nodes whose values it takes. */
  readonly inputs: readonly string[];
}

/** A value given when the graph runs. */
export interface InputNode extends NodeBase {
  readonly op: 'input';
  /** The outermost extent may be -1, the batch. */
  readonly shape: readonly number[];
}

/** A weight or another fixed value. */
export interface ConstantNode extends NodeBase {
  readonly op: 'constant';
  readonly shape: readonly number[];
  /** Row-major; as many as the shape has elements. */
  readonly values: Float32Array;
}

/** The same elements in another shape. */
export interface ReshapeNode extends NodeBase {
  readonly op: 'reshape';
  /** One extent may be -1: whatever is left over. */
  readonly shape: readonly number[];
}

/** Several values one after the other. */
export interface ConcatNode extends NodeBase {
  readonly op: 'concat';
  /** The dimension along which they are put together, from 0; negative counts from the innermost. */
  readonly axis: number;
}

/**
 * Operations without settings. The arithmetic ones broadcast as NumPy does;
 * `matMul` is of matrices; `softmax` is over the innermost dimension.
 */
export type PlainOp =
  | 'identity'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'matMul'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'softmax';

/** An operation without settings. */
export type PlainNode = { readonly [Op in PlainOp]: NodeBase & { readonly op: Op } }[PlainOp];

/** Every operation of the set. */
export type GraphOp = GraphNode['op'];

/** The node type of one operation. */
export type NodeOf<Op extends GraphOp> = Extract<GraphNode, { readonly op: Op }>;
