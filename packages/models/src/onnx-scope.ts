import { AibenchError, formatShape } from '@aibench/core';
import type { NodeProto, TensorProto } from './gen/onnx/onnx.js';
import type { Padding } from './graph.js';
import { GraphBuilder } from './graph-builder.js';
import { type OnnxConstant, readOnnxConstant } from './onnx-values.js';

/** The graph's values that hold one of ONNX's: as it is, or, of images [N,C,H,W], as [N,H,W,C]. */
export interface Held {
  asIs?: string;
  channelsLast?: string;
}

export const toChannelsFirst = [0, 3, 1, 2] as const;
export const toChannelsLast = [0, 2, 3, 1] as const;

/**
 * What is known of the values of an ONNX file while it is read, and the graph that is made of them. ONNX's operators
 * take images as [N,C,H,W], the graph's as [N,H,W,C]: a value is held in the layout in which it came out, and turned
 * where the other one is asked for.
 */
export class OnnxScope {
  readonly builder = new GraphBuilder();
  readonly held = new Map<string, Held>();
  readonly constants = new Map<string, OnnxConstant>();
  /** Images with zeros around them, which become part of the convolution that takes them. */
  readonly padded = new Map<string, { readonly input: string; readonly padding: Padding }>();
  readonly #outputs: ReadonlySet<string>;
  readonly #names = new Set<string>();

  constructor(constants: readonly TensorProto[], outputs: readonly string[]) {
    for (const tensor of constants) this.constants.set(tensor.name, readOnnxConstant(tensor));
    this.#outputs = new Set(outputs);
  }

  addInput(name: string, shape: readonly number[]): void {
    this.held.set(name, { asIs: this.builder.input(this.newName(name), shape) });
  }

  /** The value of an output, under the output's name. */
  output(name: string): string {
    const value = this.asIs(name);
    const wanted = allowedName(name);
    // Another layout of a value has that value's name.
    return this.#names.has(wanted) ? value : this.builder.apply('identity', wanted, [value]);
  }

  /** The integers of a constant that an operator takes as an input. */
  setting(node: NodeProto, name: string | undefined): readonly number[] {
    const values = name === undefined ? undefined : this.constants.get(name)?.values;
    if (values === undefined || values instanceof Float32Array) {
      throw problem(node, `has a setting ${name} that is no constant of integers`);
    }
    return values;
  }

  hold(node: NodeProto, asIs: string): void {
    this.held.set(node.output[0] ?? '', { asIs });
  }

  holdImages(node: NodeProto, channelsLast: string): void {
    this.held.set(node.output[0] ?? '', { channelsLast });
  }

  heldOf(node: NodeProto, value: string): Held {
    const held = this.held.get(value);
    if (held !== undefined) return held;
    if (this.padded.has(value)) throw problem(node, `takes ${value}: Pad is supported before convolutions`);
    if (this.constants.has(value)) return { asIs: this.asIs(value) };
    throw problem(node, `takes ${value}, which is not there before it`);
  }

  /** A value in the file's layout. */
  asIs(value: string): string {
    const held = this.held.get(value);
    if (held?.asIs !== undefined) return held.asIs;
    if (held?.channelsLast !== undefined) {
      held.asIs = this.builder.transpose(this.newName(`${value}_nchw`), held.channelsLast, toChannelsFirst);
      return held.asIs;
    }
    const constant = this.constants.get(value);
    if (constant === undefined || !(constant.values instanceof Float32Array)) {
      throw new AibenchError(
        'AIBENCH_INPUT',
        `model value ${value} is no number that is there before it is used`,
      );
    }
    const asIs = this.constant(value, constant.shape, constant.values);
    this.held.set(value, { asIs });
    return asIs;
  }

  /** Images [N,C,H,W] of the file as the graph has them. */
  channelsLast(node: NodeProto, value: string): string {
    const held = this.heldOf(node, value);
    if (held.channelsLast !== undefined) return held.channelsLast;
    const asIs = this.asIs(value);
    if (this.builder.shapeOf(asIs).length !== 4) {
      throw problem(node, `takes ${value} ${formatShape(this.builder.shapeOf(asIs))}, which are no images`);
    }
    held.channelsLast = this.builder.transpose(this.newName(`${value}_nhwc`), asIs, toChannelsLast);
    return held.channelsLast;
  }

  /** A value with its elements in the file's order, which for images of one pixel is that of either layout. */
  inOrder(node: NodeProto, value: string): string {
    const { channelsLast, asIs } = this.heldOf(node, value);
    if (asIs !== undefined || channelsLast === undefined) return this.asIs(value);
    const [, rows = 0, columns = 0, channels = 0] = this.builder.shapeOf(channelsLast);
    return rows * columns === 1 || channels === 1 ? channelsLast : this.asIs(value);
  }

  /** A value's shape in the file. */
  shapeOf(node: NodeProto, value: string): readonly number[] {
    const { asIs, channelsLast } = this.heldOf(node, value);
    if (asIs !== undefined || channelsLast === undefined) return this.builder.shapeOf(this.asIs(value));
    const shape = this.builder.shapeOf(channelsLast);
    return toChannelsFirst.map((dimension) => shape[dimension]!);
  }

  constant(name: string, shape: readonly number[], values: Float32Array): string {
    return this.builder.constant(this.newName(name), shape, values);
  }

  /** The name of the node's value: its output's. */
  name(node: NodeProto): string {
    return this.newName(node.output[0] ?? node.name);
  }

  /** A name that the graph allows and that is not taken. */
  newName(wanted: string): string {
    let name = allowedName(wanted);
    while (this.#names.has(name)) name += '_';
    this.#names.add(name);
    return name;
  }

  /** The name of images in the graph's layout; an output's name is kept for the file's. */
  imagesName(node: NodeProto): string {
    const [name = node.name] = node.output;
    return this.newName(this.#outputs.has(name) ? `${name}_nhwc` : name);
  }
}

function allowedName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_./-]/g, '_').replace(/^[^A-Za-z0-9.]|^$/, 'v$&');
}

/** Says what is wrong with a node. */
export function problem(node: NodeProto, what: string): AibenchError {
  return new AibenchError('AIBENCH_INPUT', `model node ${node.name} (${node.opType}) ${what}`);
}
