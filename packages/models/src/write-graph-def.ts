import { AttrValue } from './gen/tensorflow/core/framework/attr_value.js';
import { GraphDef } from './gen/tensorflow/core/framework/graph.js';
import { NodeDef } from './gen/tensorflow/core/framework/node_def.js';
import { TensorProto } from './gen/tensorflow/core/framework/tensor.js';
import { TensorShapeProto } from './gen/tensorflow/core/framework/tensor_shape.js';
import { DataType } from './gen/tensorflow/core/framework/types.js';
import type { AveragePoolNode, ConvolutionNode, Graph, GraphNode, Padding, PlainOp } from './graph.js';
import { noPadding, samePadding } from './infer-shape.js';
import { helperName } from './node-names.js';

/**
 * Version of TensorFlow's graph format: that of TensorFlow 1.15, which all 2.x
 * read as well, and RedisAI's back end of either line.
 */
export const graphDefVersion = 134;

const operationOf: Readonly<Record<PlainOp, string>> = {
  identity: 'Identity',
  add: 'AddV2',
  biasAdd: 'BiasAdd',
  sub: 'Sub',
  mul: 'Mul',
  div: 'RealDiv',
  matMul: 'MatMul',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  relu: 'Relu',
  relu6: 'Relu6',
  softmax: 'Softmax',
};

const convolutionOf: Readonly<Record<ConvolutionNode['op'], string>> = {
  conv2d: 'Conv2D',
  depthwiseConv2d: 'DepthwiseConv2dNative',
};

const floatType = typeAttribute(DataType.DT_FLOAT);
const integerType = typeAttribute(DataType.DT_INT32);

/**
 * A graph as a frozen TensorFlow GraphDef: inputs are Placeholder nodes, weights
 * Const nodes, and every node's output 0 has the node's name. The same graph
 * always gives the same bytes.
 */
export function writeGraphDef(graph: Graph): Uint8Array {
  return GraphDef.encode(graphDefOf(graph)).finish();
}

/** A graph as {@link writeGraphDef} writes it, before it is bytes. */
export function graphDefOf(graph: Graph): GraphDef {
  const node = graph.nodes.flatMap((each) => nodeDefs(graph, each));
  return GraphDef.create({ node, versions: { producer: graphDefVersion } });
}

/** A node and, before it, the constants that TensorFlow takes as inputs where the graph has settings. */
function nodeDefs(graph: Graph, node: GraphNode): NodeDef[] {
  switch (node.op) {
    case 'input':
      return [nodeDef(node.name, 'Placeholder', [], { dtype: floatType, shape: shapeAttribute(node.shape) })];
    case 'constant': {
      const { values } = node;
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      return [constant(node.name, DataType.DT_FLOAT, node.shape, bytes)];
    }
    case 'reshape': {
      const shape = integers(helperName(graph.shapes, node.name, 'shape'), [node.shape.length], node.shape);
      const settings = { T: floatType, Tshape: integerType };
      return [shape, nodeDef(node.name, 'Reshape', [...node.inputs, shape.name], settings)];
    }
    case 'transpose': {
      const order = integers(helperName(graph.shapes, node.name, 'perm'), [node.order.length], node.order);
      const settings = { T: floatType, Tperm: integerType };
      return [order, nodeDef(node.name, 'Transpose', [...node.inputs, order.name], settings)];
    }
    case 'concat': {
      const axis = integers(helperName(graph.shapes, node.name, 'axis'), [], [node.axis]);
      const settings = { T: floatType, Tidx: integerType, N: integerAttribute(node.inputs.length) };
      return [axis, nodeDef(node.name, 'ConcatV2', [...node.inputs, axis.name], settings)];
    }
    case 'matMul': {
      const settings = { T: floatType, transpose_a: falseAttribute(), transpose_b: falseAttribute() };
      return [nodeDef(node.name, operationOf.matMul, node.inputs, settings)];
    }
    case 'conv2d':
    case 'depthwiseConv2d':
      return convolution(graph, node);
    case 'averagePool':
      return [nodeDef(node.name, 'AvgPool', node.inputs, poolSettings(node))];
    case 'batchNormalization': {
      const epsilon = AttrValue.create({ value: { $case: 'f', value: node.epsilon } });
      const settings = { T: floatType, epsilon, is_training: falseAttribute(), data_format: text('NHWC') };
      return [nodeDef(node.name, 'FusedBatchNorm', node.inputs, settings)];
    }
    default:
      return [nodeDef(node.name, operationOf[node.op], node.inputs, { T: floatType })];
  }
}

/** TensorFlow's words for a padding are used where they fit it; other zeros are put around the image beforehand. */
function convolution(graph: Graph, node: ConvolutionNode): NodeDef[] {
  const [image = '', filters = ''] = node.inputs;
  const [windowRows = 1, windowColumns = 1] = graph.shapes.get(filters) ?? [];
  const same = samePadding(graph.shapes.get(image)!, [windowRows, windowColumns], node.strides);
  const fits = [same, noPadding].find((padding) => isEqual(padding, node.padding));
  const settings = {
    T: floatType,
    strides: integersAttribute([1, ...node.strides, 1]),
    padding: text(fits === same ? 'SAME' : 'VALID'),
    data_format: text('NHWC'),
  };
  const operation = convolutionOf[node.op];
  if (fits !== undefined) return [nodeDef(node.name, operation, node.inputs, settings)];
  const { top, bottom, left, right } = node.padding;
  const zerosName = helperName(graph.shapes, node.name, 'paddings');
  const zeros = integers(zerosName, [4, 2], [0, 0, top, bottom, left, right, 0, 0]);
  const padSettings = { T: floatType, Tpaddings: integerType };
  const paddedName = helperName(graph.shapes, node.name, 'padded');
  const padded = nodeDef(paddedName, 'Pad', [image, zeros.name], padSettings);
  return [zeros, padded, nodeDef(node.name, operation, [padded.name, filters], settings)];
}

function isEqual(a: Padding, b: Padding): boolean {
  return a.top === b.top && a.bottom === b.bottom && a.left === b.left && a.right === b.right;
}

function poolSettings({ window, strides }: AveragePoolNode): Record<string, AttrValue> {
  return {
    T: floatType,
    ksize: integersAttribute([1, ...window, 1]),
    strides: integersAttribute([1, ...strides, 1]),
    padding: text('VALID'),
    data_format: text('NHWC'),
  };
}

function nodeDef(
  name: string,
  op: string,
  input: readonly string[],
  attr: Readonly<Record<string, AttrValue>>,
): NodeDef {
  return NodeDef.create({ name, op, input: [...input], attr });
}

function integers(name: string, shape: readonly number[], values: readonly number[]): NodeDef {
  return constant(name, DataType.DT_INT32, shape, new Uint8Array(Int32Array.from(values).buffer));
}

function constant(name: string, dtype: DataType, shape: readonly number[], bytes: Uint8Array): NodeDef {
  const tensor = TensorProto.create({ dtype, tensorShape: shapeProto(shape), tensorContent: bytes });
  const value = AttrValue.create({ value: { $case: 'tensor', value: tensor } });
  return nodeDef(name, 'Const', [], { dtype: typeAttribute(dtype), value });
}

function typeAttribute(type: DataType): AttrValue {
  return AttrValue.create({ value: { $case: 'type', value: type } });
}

function falseAttribute(): AttrValue {
  return AttrValue.create({ value: { $case: 'b', value: false } });
}

function integerAttribute(value: number): AttrValue {
  return AttrValue.create({ value: { $case: 'i', value } });
}

function integersAttribute(values: readonly number[]): AttrValue {
  return AttrValue.create({ value: { $case: 'list', value: { i: [...values] } } });
}

function text(value: string): AttrValue {
  return AttrValue.create({ value: { $case: 's', value: new TextEncoder().encode(value) } });
}

function shapeAttribute(shape: readonly number[]): AttrValue {
  return AttrValue.create({ value: { $case: 'shape', value: shapeProto(shape) } });
}

/** A shape in TensorFlow's form; an extent of -1 is the batch there too. */
export function shapeProto(shape: readonly number[]): TensorShapeProto {
  return TensorShapeProto.create({ dim: shape.map((size) => ({ size })) });
}
