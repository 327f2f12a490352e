import type { NodeProto, TensorProto } from './gen/onnx/onnx.js';
import type { ConstantNode, ConvolutionNode, Graph, GraphNode, NodeOf, PlainOp } from './graph.js';
import { helperName } from './node-names.js';
import {
  floatAttribute,
  floatConstant,
  integerAttribute,
  integerConstant,
  integersAttribute,
  onnxNode,
} from './onnx-nodes.js';
import { permuted } from './permuted.js';

const operatorOf: Readonly<Record<Exclude<PlainOp, 'relu6'>, string>> = {
  identity: 'Identity',
  add: 'Add',
  biasAdd: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  matMul: 'MatMul',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  relu: 'Relu',
  softmax: 'Softmax',
};

/** Orders of an image's dimensions: what makes one layout of the other. */
const toChannelsFirst = [0, 3, 1, 2] as const;
const toChannelsLast = [0, 2, 3, 1] as const;

/**
 * Turns a graph's nodes into ONNX's, one after the other.
 *
 * ONNX's convolutions take images as [N,C,H,W] (NCHW), the graph's as [N,H,W,C]. A value may therefore be there in
 * the graph's layout, under its own name, or with the channels first, or both. Each operation takes what there is and
 * gives the same layout; a Transpose is written only where the layout that is needed is not there. So a network of
 * convolutions has one, before the first of them, and none where its input has the channels first.
 */
export class OnnxTranslator {
  readonly nodes: NodeProto[] = [];
  /** Constants, in the order of their first use. */
  readonly initializers: TensorProto[] = [];
  readonly #graph: Graph;
  readonly #constants = new Map<string, ConstantNode>();
  /** Names of the tensors that hold a value, by the value's name. */
  readonly #asInGraph = new Map<string, string>();
  readonly #channelsFirst = new Map<string, string>();
  readonly #written = new Set<string>();

  constructor(graph: Graph) {
    this.#graph = graph;
    for (const node of graph.nodes) this.#add(node);
    for (const { name } of graph.outputs) {
      const tensor = this.#inGraphLayout(name);
      if (tensor !== name) this.nodes.push(onnxNode(name, 'Identity', [tensor], name));
    }
  }

  #add(node: GraphNode): void {
    const [first = ''] = node.inputs;
    switch (node.op) {
      case 'input':
        this.#asInGraph.set(node.name, node.name);
        return;
      case 'constant':
        this.#constants.set(node.name, node);
        return;
      case 'reshape': {
        // The target shape is an input in ONNX.
        const shapeName = this.#helper(node.name, 'shape');
        this.initializers.push(integerConstant(shapeName, node.shape));
        this.#give(node, 'Reshape', [this.#inOrder(first), shapeName]);
        return;
      }
      case 'transpose':
        this.#addTranspose(node);
        return;
      case 'concat': {
        const inputs = node.inputs.map((input) => this.#inGraphLayout(input));
        this.#give(node, 'Concat', inputs, [integerAttribute('axis', node.axis)]);
        return;
      }
      case 'conv2d':
      case 'depthwiseConv2d':
        this.#addConvolution(node);
        return;
      case 'averagePool': {
        const attributes = [
          integersAttribute('kernel_shape', node.window),
          integersAttribute('strides', node.strides),
        ];
        this.#giveChannelsFirst(node, 'AveragePool', [this.#withChannelsFirst(first)], attributes);
        return;
      }
      case 'batchNormalization': {
        const vectors = node.inputs.slice(1).map((input) => this.#inGraphLayout(input));
        const inputs = [this.#withChannelsFirst(first), ...vectors];
        this.#giveChannelsFirst(node, 'BatchNormalization', inputs, [
          floatAttribute('epsilon', node.epsilon),
        ]);
        return;
      }
      case 'softmax':
        this.#give(node, 'Softmax', [this.#inGraphLayout(first)], [integerAttribute('axis', -1)]);
        return;
      case 'relu6':
        this.#addElementwise(node, 'Clip', [this.#limit('min', 0), this.#limit('max', 6)]);
        return;
      case 'identity':
      case 'relu':
      case 'sigmoid':
      case 'tanh':
        this.#addElementwise(node, operatorOf[node.op]);
        return;
      case 'biasAdd':
        this.#addBias(node);
        return;
      default: {
        const inputs = node.inputs.map((input) => this.#inGraphLayout(input));
        this.#give(node, operatorOf[node.op], inputs);
      }
    }
  }

  #addTranspose(node: NodeOf<'transpose'>): void {
    const [input = ''] = node.inputs;
    if (isEqual(node.order, toChannelsLast)) {
      // What comes out is there already, with the channels first.
      this.#channelsFirst.set(node.name, this.#inGraphLayout(input));
    } else if (isEqual(node.order, toChannelsFirst)) {
      this.#asInGraph.set(node.name, this.#withChannelsFirst(input));
    } else {
      this.#give(node, 'Transpose', [this.#inGraphLayout(input)], [integersAttribute('perm', node.order)]);
    }
  }

  #addConvolution(node: ConvolutionNode): void {
    const [images = '', filters = ''] = node.inputs;
    const [rows, columns, channels] = this.#graph.shapes.get(filters)! as [number, number, number];
    const { top, left, bottom, right } = node.padding;
    const attributes = [
      integersAttribute('kernel_shape', [rows, columns]),
      integersAttribute('strides', node.strides),
      integersAttribute('pads', [top, left, bottom, right]),
    ];
    if (node.op === 'depthwiseConv2d') attributes.push(integerAttribute('group', channels));
    const inputs = [this.#withChannelsFirst(images), this.#filters(node.op, filters)];
    this.#giveChannelsFirst(node, 'Conv', inputs, attributes);
  }

  /** Filters as ONNX takes them: [results, channels, rows, columns]; each channel's own as [results,1,rows,columns]. */
  #filters(op: ConvolutionNode['op'], name: string): string {
    const [rows, columns, channels, results] = this.#graph.shapes.get(name)! as readonly number[] as [
      ...[number, number],
      ...[number, number],
    ];
    const [order, shape] =
      op === 'conv2d'
        ? [
            [3, 2, 0, 1],
            [results, channels, rows, columns],
          ]
        : [
            [2, 3, 0, 1],
            [channels * results, 1, rows, columns],
          ];
    const target = this.#helper(name, op === 'conv2d' ? 'oihw' : 'depthwise');
    if (this.#written.has(target)) return target;
    this.#written.add(target);
    const constant = this.#constants.get(name);
    if (constant !== undefined) {
      const values = permuted(constant.values, constant.shape, order);
      this.initializers.push(floatConstant(target, shape, values));
      return target;
    }
    const turned = this.#helper(name, 'turned');
    const shapeName = this.#helper(name, 'filter_shape');
    const perm = integersAttribute('perm', order);
    this.nodes.push(onnxNode(turned, 'Transpose', [this.#inGraphLayout(name)], turned, [perm]));
    this.initializers.push(integerConstant(shapeName, shape));
    this.nodes.push(onnxNode(target, 'Reshape', [turned, shapeName], target));
    return target;
  }

  #addBias(node: NodeOf<'biasAdd'>): void {
    const [value = '', bias = ''] = node.inputs;
    const constant = this.#constants.get(bias);
    if (this.#asInGraph.has(value) || constant === undefined || !this.#channelsFirst.has(value)) {
      this.#give(node, 'Add', [this.#inGraphLayout(value), this.#inGraphLayout(bias)]);
      return;
    }
    const column = this.#helper(bias, 'column');
    if (!this.#written.has(column)) {
      this.#written.add(column);
      this.initializers.push(floatConstant(column, [constant.values.length, 1, 1], constant.values));
    }
    this.#giveChannelsFirst(node, 'Add', [this.#withChannelsFirst(value), column]);
  }

  /** An operation on each element, in whichever layout its input is there. */
  #addElementwise(node: GraphNode, opType: string, settings: readonly string[] = []): void {
    const [input = ''] = node.inputs;
    if (this.#channelsFirst.has(input) && !this.#asInGraph.has(input)) {
      this.#giveChannelsFirst(node, opType, [this.#withChannelsFirst(input), ...settings]);
    } else {
      this.#give(node, opType, [this.#inGraphLayout(input), ...settings]);
    }
  }

  /** A limit of Clip, an input in ONNX; one for all of them. */
  #limit(which: 'min' | 'max', value: number): string {
    const name = this.#helper('relu6', which);
    if (!this.#written.has(name)) {
      this.#written.add(name);
      this.initializers.push(floatConstant(name, [], Float32Array.of(value)));
    }
    return name;
  }

  #give(node: GraphNode, opType: string, inputs: string[], attributes: Attributes = []): void {
    this.nodes.push(onnxNode(node.name, opType, inputs, node.name, attributes));
    this.#asInGraph.set(node.name, node.name);
  }

  #giveChannelsFirst(node: GraphNode, opType: string, inputs: string[], attributes: Attributes = []): void {
    const tensor = this.#helper(node.name, 'nchw');
    this.nodes.push(onnxNode(node.name, opType, inputs, tensor, attributes));
    this.#channelsFirst.set(node.name, tensor);
  }

  /** The tensor of a value in the graph's layout. */
  #inGraphLayout(value: string): string {
    const there = this.#asInGraph.get(value);
    if (there !== undefined) return there;
    this.#asInGraph.set(value, value);
    const constant = this.#constants.get(value);
    if (constant !== undefined) {
      this.initializers.push(floatConstant(value, constant.shape, constant.values));
      return value;
    }
    const perm = integersAttribute('perm', toChannelsLast);
    const from = this.#channelsFirst.get(value)!;
    this.nodes.push(onnxNode(this.#helper(value, 'nhwc'), 'Transpose', [from], value, [perm]));
    return value;
  }

  #withChannelsFirst(value: string): string {
    const there = this.#channelsFirst.get(value);
    if (there !== undefined) return there;
    const tensor = this.#helper(value, 'nchw');
    this.#channelsFirst.set(value, tensor);
    const perm = integersAttribute('perm', toChannelsFirst);
    this.nodes.push(onnxNode(tensor, 'Transpose', [this.#inGraphLayout(value)], tensor, [perm]));
    return tensor;
  }

  /** A tensor with a value's elements in the graph's order; of one pixel or one channel that is either layout. */
  #inOrder(value: string): string {
    const [, rows = 0, columns = 0, channels = 0] = this.#graph.shapes.get(value) ?? [];
    const channelsFirst = this.#channelsFirst.get(value);
    const sameOrder = rows * columns === 1 || channels === 1;
    if (channelsFirst !== undefined && sameOrder && !this.#asInGraph.has(value)) return channelsFirst;
    return this.#inGraphLayout(value);
  }

  #helper(node: string, suffix: string): string {
    return helperName(this.#graph.shapes, node, suffix);
  }
}

type Attributes = NonNullable<Parameters<typeof onnxNode>[4]>;

function isEqual(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}
