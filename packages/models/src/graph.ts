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
export type GraphNode =
  | InputNode
  | ConstantNode
  | ReshapeNode
  | TransposeNode
  | ConcatNode
  | ConvolutionNode
  | AveragePoolNode
  | BatchNormalizationNode
  | PlainNode;

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

/** The same elements with the dimensions in another order. The outermost stays where it is, since it may be the batch. */
export interface TransposeNode extends NodeBase {
  readonly op: 'transpose';
  /** For each dimension of the result, the dimension that it was before: [0,2,3,1] makes NHWC of NCHW. */
  readonly order: readonly number[];
}

/** Several values one after the other. */
export interface ConcatNode extends NodeBase {
  readonly op: 'concat';
  /** The dimension along which they are put together, from 0; negative counts from the innermost. */
  readonly axis: number;
}

/** Rows and columns of zeros that a convolution puts around its image. */
export interface Padding {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Steps, in rows and columns, from one place where a window is laid to the next. */
export type Strides = readonly [rows: number, columns: number];

/**
 * A convolution of images [batch, rows, columns, channels] (NHWC), its second
 * input: for `conv2d` filters [rows, columns, channels, results]; for
 * `depthwiseConv2d`, which convolves each channel on its own, [rows, columns,
 * channels, results a channel], the results of a channel side by side.
 */
export type ConvolutionNode = {
  readonly [Op in ConvolutionOp]: NodeBase & {
    readonly op: Op;
    readonly strides: Strides;
    readonly padding: Padding;
  };
}[ConvolutionOp];

/** The two convolutions. */
export type ConvolutionOp = 'conv2d' | 'depthwiseConv2d';

/** The mean of each window of images (NHWC), for each channel; windows lie inside the image. */
export interface AveragePoolNode extends NodeBase {
  readonly op: 'averagePool';
  /** Rows and columns of a window. */
  readonly window: Strides;
  readonly strides: Strides;
}

/**
 * `(x - mean) / sqrt(variance + epsilon) * scale + offset` for each channel, the innermost dimension of images (NHWC).
 * Inputs: x, scale, offset, mean, variance, of which the latter four have one value a channel.
 */
export interface BatchNormalizationNode extends NodeBase {
  readonly op: 'batchNormalization';
  readonly epsilon: number;
}

/**
 * Operations without settings. The arithmetic ones broadcast as NumPy does;
 * `biasAdd` adds a vector to the innermost dimension; `matMul` is of matrices;
 * `relu6` is between 0 and 6; `softmax` is over the innermost dimension.
 */
export type PlainOp =
  | 'identity'
  | 'add'
  | 'biasAdd'
  | 'sub'
  | 'mul'
  | 'div'
  | 'matMul'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'relu6'
  | 'softmax';

/** An operation without settings. */
export type PlainNode = { readonly [Op in PlainOp]: NodeBase & { readonly op: Op } }[PlainOp];

/** Every operation of the set. */
export type GraphOp = GraphNode['op'];

/** The node type of one operation. */
export type NodeOf<Op extends GraphOp> = Extract<GraphNode, { readonly op: Op }>;
