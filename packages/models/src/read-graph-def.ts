import { AibenchError } from '@aibench/core';
import { GraphDef } from './gen/tensorflow/core/framework/graph.js';
import type { NodeDef } from './gen/tensorflow/core/framework/node_def.js';
import { DataType } from './gen/tensorflow/core/framework/types.js';
import type { ConvolutionOp, Graph, Padding, PlainOp, Strides } from './graph.js';
import { GraphBuilder } from './graph-builder.js';
import {
  batchNormalizationOps,
  convolutionOps,
  paddingOf,
  readPadding,
  readWindow,
  refuseDilation,
} from './image-operations.js';
import { noPadding } from './infer-shape.js';
import { computeSetting, type IntegerSetting } from './integer-settings.js';
import { floatOf, integersOf, isTrue } from './node-attributes.js';
import { helperName } from './node-names.js';
import { type ConstantValue, readConstant } from './read-graph-def-constant.js';

/** What {@link readGraphDef} needs to know beside the bytes. */
export interface GraphDefOptions {
  /** Names of the Placeholder nodes that are the model's inputs, in order. */
  readonly inputs: readonly string[];
  /** Names of the nodes that are its outputs, in order. */
  readonly outputs: readonly string[];
  /** The graph's name. Default: `model`. */
  readonly name?: string;
}

/** TensorFlow's operations that have no settings that matter here. */
const plainOps: Readonly<Record<string, PlainOp>> = {
  Identity: 'identity',
  StopGradient: 'identity',
  Add: 'add',
  AddV2: 'add',
  BiasAdd: 'biasAdd',
  Sub: 'sub',
  Mul: 'mul',
  RealDiv: 'div',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  Relu: 'relu',
  Relu6: 'relu6',
  Softmax: 'softmax',
};

/** What says that a graph's weights lie beside it. */
const variableOps: ReadonlySet<string> = new Set([
  ...[
    'VarHandleOp',
    'VariableV2',
    'Variable',
    'ReadVariableOp',
    'PartitionedCall',
    'StatefulPartitionedCall',
  ],
]);

/**
 * Reads a frozen TensorFlow GraphDef: what {@link writeGraphDef} writes, and dense
 * and convolutional networks as Keras and TF-slim freeze them. Nodes that no output
 * needs are left out.
 *
 * @throws AIBENCH_INPUT where the bytes are no GraphDef, a named node is missing, an input is no
 *   Placeholder of float32, or a node's operation (named in the message) is not in the set
 */
export function readGraphDef(bytes: Uint8Array, options: GraphDefOptions): Graph {
  return graphOf(decode(bytes), options);
}

/** Ends of a graph: what goes in, what comes out. */
export interface GraphDefEnds {
  /** Names of its Placeholder nodes. */
  readonly inputs: readonly string[];
  /** Names of the nodes whose values no other node takes. */
  readonly outputs: readonly string[];
}

/**
 * What a GraphDef's inputs and outputs seem to be, for one that came without their names.
 *
 * @throws AIBENCH_INPUT where the bytes are no GraphDef
 */
export function findGraphDefEnds(bytes: Uint8Array): GraphDefEnds {
  const nodes = decode(bytes);
  const taken = new Set(nodes.flatMap(dataInputs));
  const named = (picks: (node: NodeDef) => boolean) => nodes.filter(picks).map(({ name }) => name);
  return {
    inputs: named(({ op }) => op === 'Placeholder'),
    outputs: named(({ name, op }) => !taken.has(name) && !valueless.has(op)),
  };
}

/** Operations that stand at an end and are no output: they give nothing, or were left over. */
const valueless: ReadonlySet<string> = new Set(['NoOp', 'Const', 'Placeholder', 'Assert']);

/** The graph of a GraphDef's nodes; as {@link readGraphDef}. */
export function graphOf(nodeDefs: readonly NodeDef[], options: GraphDefOptions): Graph {
  const nodes = new Map(nodeDefs.map((node) => [node.name, node]));
  const outputs = options.outputs.map(nodeOfTensor);
  const translator = new Translator(nodes, outputs);
  // Inputs first and in the caller's order, since that is the order in which values are given.
  for (const input of options.inputs) translator.addInput(nodeOfTensor(input));
  for (const node of inOrder(nodes, outputs)) translator.add(node);
  return translator.finish(options.name ?? 'model', outputs);
}

function decode(bytes: Uint8Array): NodeDef[] {
  let cause: unknown;
  try {
    const graph = GraphDef.decode(bytes);
    if (graph.node.length > 0) return graph.node;
  } catch (error) {
    cause = error;
  }
  throw invalid('the bytes are no TensorFlow GraphDef', {
    hint: 'a frozen graph is asked for (.pb of a GraphDef), not a SavedModel',
    cause,
  });
}

/** `node:0` and `node` are the same value; `^node` is none. */
function nodeOfTensor(name: string): string {
  return name.replace(/:0$/, '');
}

function dataInputs(node: NodeDef): string[] {
  return node.input.filter((input) => !input.startsWith('^')).map(nodeOfTensor);
}

/** The nodes that the outputs need, each after those it takes. */
function inOrder(nodes: ReadonlyMap<string, NodeDef>, outputs: readonly string[]): NodeDef[] {
  const order: NodeDef[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const stack = outputs.map((name) => ({ name, user: 'the outputs' })).reverse();
  while (stack.length > 0) {
    const { name, user } = stack[stack.length - 1]!;
    const node = nodes.get(name);
    if (node === undefined) throw invalid(`model node ${name}, named by ${user}, is not in the graph`);
    if (state.has(name)) {
      if (state.get(name) === 'open') order.push(node);
      state.set(name, 'done');
      stack.pop();
      continue;
    }
    state.set(name, 'open');
    for (const input of dataInputs(node)) {
      if (state.get(input) === 'open')
        throw invalid(`model node ${input} takes its own value, through ${name}`);
      if (!state.has(input)) stack.push({ name: input, user: name });
    }
  }
  return order;
}

/** Adds TensorFlow's nodes to a graph one after the other. */
class Translator {
  readonly #builder = new GraphBuilder();
  readonly #nodes: ReadonlyMap<string, NodeDef>;
  /** Every constant of numbers read so far. */
  readonly #constants = new Map<string, ConstantValue>();
  /** Integers, which don't become nodes. */
  readonly #settings = new Map<string, IntegerSetting>();
  /** Constants by other names. */
  readonly #sameAs = new Map<string, string>();
  readonly #outputs: ReadonlySet<string>;
  /** Images with zeros around them, which become part of the convolution that takes them. */
  readonly #padded = new Map<string, { readonly input: string; readonly padding: Padding }>();
  readonly #added = new Set<string>();

  constructor(nodes: ReadonlyMap<string, NodeDef>, outputs: readonly string[]) {
    this.#nodes = nodes;
    this.#outputs = new Set(outputs);
  }

  addInput(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) throw invalid(`model input ${name} is not in the graph`);
    if (node.op !== 'Placeholder') throw invalid(`model input ${name} is a ${node.op}, not a Placeholder`);
    const dtype = node.attr['dtype']?.value;
    if (dtype?.$case !== 'type' || dtype.value !== DataType.DT_FLOAT) {
      throw invalid(`model input ${name} is not float32`);
    }
    const shape = node.attr['shape']?.value;
    if (shape?.$case !== 'shape' || shape.value.unknownRank) {
      throw invalid(`model input ${name} (Placeholder) has no known shape`);
    }
    this.#builder.input(
      name,
      shape.value.dim.map((dim) => dim.size),
    );
    this.#added.add(name);
  }

  add(node: NodeDef): void {
    if (this.#added.has(node.name)) return;
    this.#added.add(node.name);
    const inputs = this.#inputs(node);
    const setting = this.#computedSetting(node, inputs);
    if (setting !== undefined) {
      this.#settings.set(node.name, setting);
      return;
    }
    const convolution = convolutionOps[node.op];
    if (convolution !== undefined) {
      this.#addConvolution(node, convolution);
      return;
    }
    const padded = inputs.find((input) => this.#padded.has(input));
    if (padded !== undefined) {
      throw invalid(
        `model node ${node.name} (${node.op}) takes ${padded}: Pad is supported before convolutions`,
      );
    }
    const plainOp = plainOps[node.op];
    const [first = ''] = inputs;
    if (plainOp === 'identity' && this.#constants.has(first) && !this.#outputs.has(node.name)) {
      // Freezing leaves one behind each weight, where a variable was read.
      this.#sameAs.set(node.name, first);
    } else if (plainOp !== undefined) this.#builder.apply(plainOp, node.name, inputs);
    else if (batchNormalizationOps.has(node.op)) this.#addBatchNormalization(node);
    else this.#addOther(node, inputs);
  }

  #addOther(node: NodeDef, inputs: string[]): void {
    const [input = '', second] = inputs;
    switch (node.op) {
      case 'Const':
        this.#addConstant(node);
        return;
      case 'MatMul':
        this.#addMatMul(node);
        return;
      case 'Reshape':
        this.#builder.reshape(node.name, input, this.#setting(node, second));
        return;
      case 'Squeeze':
        this.#addSqueeze(node, input);
        return;
      case 'Transpose':
        this.#builder.transpose(node.name, input, this.#setting(node, second));
        return;
      case 'ConcatV2': {
        const [axis] = this.#setting(node, inputs.pop());
        this.#builder.concat(node.name, inputs, axis ?? 0);
        return;
      }
      case 'Pad':
        this.#padded.set(node.name, { input, padding: paddingOf(node, this.#setting(node, second)) });
        return;
      case 'AvgPool':
        this.#addAveragePool(node, input);
        return;
      case 'Mean':
        this.#addMean(node, input, this.#setting(node, second));
        return;
      case 'Placeholder':
        throw invalid(`model node ${node.name} (Placeholder) is used, but is not among the inputs`);
      default:
        throw unsupported(node);
    }
  }

  finish(name: string, outputs: readonly string[]): Graph {
    return this.#builder.build(name, outputs);
  }

  #inputs(node: NodeDef): string[] {
    return dataInputs(node).map((input) => this.#sameAs.get(input) ?? input);
  }

  #addConstant(node: NodeDef): void {
    const constant = readConstant(node);
    if (constant.dtype === 'integer') {
      const isScalar = constant.shape.length === 0;
      this.#settings.set(node.name, { values: [...constant.values], isScalar });
      return;
    }
    this.#constants.set(node.name, constant);
    this.#builder.constant(node.name, constant.shape, constant.values);
  }

  #addConvolution(node: NodeDef, op: ConvolutionOp): void {
    refuseDilation(node);
    const strides = readWindow(node, 'strides');
    const [input = '', filters = ''] = this.#inputs(node);
    const { input: images, padding: before } = this.#padded.get(input) ?? { input, padding: noPadding };
    const [batch = 0, rows = 0, columns = 0, channels = 0] = this.#builder.shapeOf(images);
    const [windowRows = 1, windowColumns = 1] = this.#builder.shapeOf(filters);
    const image = [
      ...[batch, rows + before.top + before.bottom],
      ...[columns + before.left + before.right, channels],
    ];
    const own = readPadding(node, image, [windowRows, windowColumns], strides);
    const padding: Padding = {
      top: before.top + own.top,
      bottom: before.bottom + own.bottom,
      left: before.left + own.left,
      right: before.right + own.right,
    };
    this.#builder.convolve(op, node.name, [images, filters], { strides, padding });
  }

  #addBatchNormalization(node: NodeDef): void {
    if (isTrue(node, 'is_training', true)) {
      throw invalid(
        `model node ${node.name} (${node.op}) is for training: it takes its means from the batch`,
      );
    }
    readWindow(node, 'strides');
    this.#builder.batchNormalization(node.name, this.#inputs(node), floatOf(node, 'epsilon', 1e-4));
  }

  #addAveragePool(node: NodeDef, input: string): void {
    const window = readWindow(node, 'ksize');
    const strides = readWindow(node, 'strides');
    const padding = readPadding(node, this.#builder.shapeOf(input), window, strides);
    if (Object.values(padding).some((each) => each !== 0)) {
      throw invalid(`model node ${node.name} (AvgPool) pads its images, which is not supported`);
    }
    this.#builder.averagePool(node.name, input, window, strides);
  }

  /** The mean over all rows and columns of images. */
  #addMean(node: NodeDef, input: string, axes: readonly number[]): void {
    const [, rows = 0, columns = 0, channels = 0, ...more] = this.#builder.shapeOf(input);
    const sorted = axes.map((axis) => (axis < 0 ? axis + 4 : axis)).sort((a, b) => a - b);
    if (channels === 0 || more.length > 0 || sorted.join() !== '1,2') {
      throw invalid(`model node ${node.name} (Mean) is supported over the rows and columns of images only`);
    }
    const window: Strides = [rows, columns];
    if (isTrue(node, 'keep_dims')) this.#builder.averagePool(node.name, input, window);
    else {
      const poolName = helperName(this.#nodes, node.name, 'pool');
      this.#builder.reshape(node.name, this.#builder.averagePool(poolName, input, window), [-1, channels]);
    }
  }

  #addSqueeze(node: NodeDef, input: string): void {
    const shape = this.#builder.shapeOf(input);
    const named = (integersOf(node, 'squeeze_dims') ?? []).map((axis) =>
      axis < 0 ? axis + shape.length : axis,
    );
    const kept = shape.filter((extent, axis) => extent !== 1 || (named.length > 0 && !named.includes(axis)));
    this.#builder.reshape(node.name, input, kept);
  }

  #computedSetting(node: NodeDef, inputs: readonly string[]): IntegerSetting | undefined {
    const [first] = inputs;
    const settings = inputs.map((input) => this.#settings.get(input));
    return computeSetting(node, settings, () =>
      first !== undefined && this.#added.has(first) ? this.#builder.shapeOf(first) : undefined,
    );
  }

  #addMatMul(node: NodeDef): void {
    const [a = '', b = ''] = this.#inputs(node);
    const left = isTrue(node, 'transpose_a') ? this.#transposed(node, a) : a;
    const right = isTrue(node, 'transpose_b') ? this.#transposed(node, b) : b;
    this.#builder.apply('matMul', node.name, [left, right]);
  }

  /** The transpose of a constant; of other values there is none in the set. */
  #transposed(node: NodeDef, name: string): string {
    const constant = this.#constants.get(name);
    const [rows, columns] = constant?.shape ?? [];
    if (constant === undefined || rows === undefined || columns === undefined) {
      throw invalid(`model node ${node.name} (MatMul) transposes ${name}, which is no constant matrix`);
    }
    const values = new Float32Array(constant.values.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        values[column * rows + row] = constant.values[row * columns + column]!;
      }
    }
    const transposedName = helperName(this.#nodes, node.name, `${name}_transposed`);
    return this.#builder.constant(transposedName, [columns, rows], values);
  }

  /** The integers of a constant, or of a shape, that TensorFlow takes as an input. */
  #setting(node: NodeDef, name: string | undefined): number[] {
    const setting = name === undefined ? undefined : this.#settings.get(name);
    if (setting === undefined) {
      throw invalid(`model node ${node.name} (${node.op}): its setting ${name} is no constant of integers`);
    }
    return [...setting.values];
  }
}

function unsupported(node: NodeDef): AibenchError {
  if (variableOps.has(node.op)) {
    return invalid(`model node ${node.name} (${node.op}): the graph's weights lie beside it, in variables`, {
      hint: 'freeze the model, so that weights are constants: convert_variables_to_constants_v2 of TensorFlow 2, or write it as ONNX (python -m tf2onnx.convert --saved-model)',
    });
  }
  return invalid(`model node ${node.name}: operation ${node.op} is not supported`, {
    hint: 'supported are constants, MatMul, convolutions, batch normalisation, arithmetic, activations, AvgPool, Mean, Reshape, Squeeze, Transpose, ConcatV2',
  });
}

function invalid(message: string, details: { hint?: string; cause?: unknown } = {}): AibenchError {
  return new AibenchError('AIBENCH_INPUT', message, details);
}
