import { AibenchError } from '@aibench/core';
import { GraphDef } from './gen/tensorflow/core/framework/graph.js';
import type { NodeDef } from './gen/tensorflow/core/framework/node_def.js';
import { DataType } from './gen/tensorflow/core/framework/types.js';
import type { Graph, PlainOp } from './graph.js';
import { GraphBuilder } from './graph-builder.js';
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
  BiasAdd: 'add',
  Sub: 'sub',
  Mul: 'mul',
  RealDiv: 'div',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  Relu: 'relu',
  Softmax: 'softmax',
};

/**
 * Reads a frozen TensorFlow GraphDef: what {@link writeGraphDef} writes, and
 * dense networks as Keras freezes them. Nodes that no output needs are left out.
 *
 * @throws AIBENCH_INPUT where the bytes are no GraphDef, a named node is missing, an input is no
 *   Placeholder of float32, or a node's operation (named in the message) is not in the set
 */
export function readGraphDef(bytes: Uint8Array, options: GraphDefOptions): Graph {
  return graphOf(decode(bytes), options);
}

/** The graph of a GraphDef's nodes; as {@link readGraphDef}. */
export function graphOf(nodeDefs: readonly NodeDef[], options: GraphDefOptions): Graph {
  const nodes = new Map(nodeDefs.map((node) => [node.name, node]));
  const translator = new Translator(nodes);
  // Inputs first and in the caller's order, since that is the order in which values are given.
  for (const input of options.inputs) translator.addInput(nodeOfTensor(input));
  const outputs = options.outputs.map(nodeOfTensor);
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
  /** Every constant read so far; those of integers are settings and don't become nodes. */
  readonly #constants = new Map<string, ConstantValue>();
  readonly #added = new Set<string>();

  constructor(nodes: ReadonlyMap<string, NodeDef>) {
    this.#nodes = nodes;
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
    const plainOp = plainOps[node.op];
    if (plainOp !== undefined) this.#builder.apply(plainOp, node.name, dataInputs(node));
    else if (node.op === 'Const') this.#addConstant(node);
    else if (node.op === 'MatMul') this.#addMatMul(node);
    else if (node.op === 'Reshape') {
      const [input, shape] = dataInputs(node);
      this.#builder.reshape(node.name, input ?? '', this.#setting(node, shape));
    } else if (node.op === 'ConcatV2') {
      const inputs = dataInputs(node);
      const [axis] = this.#setting(node, inputs.pop());
      this.#builder.concat(node.name, inputs, axis ?? 0);
    } else if (node.op === 'Placeholder') {
      throw invalid(`model node ${node.name} (Placeholder) is used, but is not among the inputs`);
    } else {
      throw invalid(`model node ${node.name}: operation ${node.op} is not supported`, {
        hint: 'dense networks are: constants, MatMul, arithmetic, activations, Reshape, ConcatV2',
      });
    }
  }

  finish(name: string, outputs: readonly string[]): Graph {
    return this.#builder.build(name, outputs);
  }

  #addConstant(node: NodeDef): void {
    const constant = readConstant(node);
    this.#constants.set(node.name, constant);
    if (constant.dtype === 'float32') this.#builder.constant(node.name, constant.shape, constant.values);
  }

  #addMatMul(node: NodeDef): void {
    const [a = '', b = ''] = dataInputs(node);
    const left = isTrue(node, 'transpose_a') ? this.#transposed(node, a) : a;
    const right = isTrue(node, 'transpose_b') ? this.#transposed(node, b) : b;
    this.#builder.apply('matMul', node.name, [left, right]);
  }

  /** The transpose of a constant; of other values there is none in the set. */
  #transposed(node: NodeDef, name: string): string {
    const constant = this.#constants.get(name);
    const [rows, columns] = constant?.shape ?? [];
    if (constant?.dtype !== 'float32' || rows === undefined || columns === undefined) {
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

  /** The integers of a constant that TensorFlow takes as an input. */
  #setting(node: NodeDef, name: string | undefined): number[] {
    const constant = name === undefined ? undefined : this.#constants.get(name);
    if (constant?.dtype !== 'integer') {
      throw invalid(`model node ${node.name} (${node.op}): its setting ${name} is no constant of integers`);
    }
    return [...constant.values];
  }
}

function isTrue(node: NodeDef, setting: string): boolean {
  const value = node.attr[setting]?.value;
  return value?.$case === 'b' && value.value;
}

function invalid(message: string, details: { hint?: string; cause?: unknown } = {}): AibenchError {
  return new AibenchError('AIBENCH_INPUT', message, details);
}
