import { AibenchError, type TensorSpec } from '@aibench/core';
import type { ConvolutionOp, Graph, GraphNode, Padding, PlainNode, PlainOp, Strides } from './graph.js';
import { inferShape, noPadding, samePadding } from './infer-shape.js';

/** How images are convolved. */
export interface ConvolutionOptions {
  /** Default: [1,1]. */
  readonly strides?: Strides;
  /** Zeros around the image, or TensorFlow's word for how many. Default: `valid`, none. */
  readonly padding?: Padding | 'same' | 'valid';
}

/**
 * Puts a {@link Graph} together, node by node; each is checked as it comes.
 * Methods return the node's name, to be given to the nodes that use it. They
 * throw AIBENCH_INPUT, naming the node, where a name is taken or malformed, an
 * input is unknown, or shapes don't fit.
 */
export class GraphBuilder {
  readonly #nodes: GraphNode[] = [];
  readonly #shapes = new Map<string, readonly number[]>();

  /** Adds any node. */
  append(node: GraphNode): string {
    if (!/^[A-Za-z0-9.][A-Za-z0-9_./-]*$/.test(node.name)) {
      throw invalid(`model node "${node.name}": a name is made of letters, digits and _ . / -`);
    }
    if (this.#shapes.has(node.name)) throw invalid(`model node ${node.name} stands twice`);
    const inputs = node.inputs.map((input) => {
      const shape = this.#shapes.get(input);
      if (shape === undefined) {
        throw invalid(`model node ${node.name} (${node.op}) takes ${input}, which is not there before it`);
      }
      return shape;
    });
    this.#shapes.set(node.name, inferShape(node, inputs));
    this.#nodes.push(node);
    return node.name;
  }

  /** @param shape the outermost extent may be -1, the batch */
  input(name: string, shape: readonly number[]): string {
    return this.append({ op: 'input', name, inputs: [], shape });
  }

  /** @param values row-major; a Float32Array is kept, not copied, other numbers are rounded to float32 */
  constant(name: string, shape: readonly number[], values: ArrayLike<number>): string {
    const kept = values instanceof Float32Array ? values : Float32Array.from(values);
    return this.append({ op: 'constant', name, inputs: [], shape, values: kept });
  }

  /** @param shape one extent may be -1: whatever is left over */
  reshape(name: string, input: string, shape: readonly number[]): string {
    return this.append({ op: 'reshape', name, inputs: [input], shape });
  }

  /** @param order for each dimension of the result, the dimension that it was before */
  transpose(name: string, input: string, order: readonly number[]): string {
    return this.append({ op: 'transpose', name, inputs: [input], order });
  }

  /**
   * Adds a convolution of images.
   *
   * @param inputs the images [N,H,W,C] and the filters, see {@link ConvolutionNode}
   */
  convolve(
    op: ConvolutionOp,
    name: string,
    inputs: readonly [images: string, filters: string],
    { strides = [1, 1], padding = 'valid' }: ConvolutionOptions = {},
  ): string {
    return this.append({ op, name, inputs, strides, padding: this.#padding(inputs, strides, padding) });
  }

  /** Adds the mean of each window of images; windows lie inside the image. */
  averagePool(name: string, input: string, window: Strides, strides: Strides = [1, 1]): string {
    return this.append({ op: 'averagePool', name, inputs: [input], window, strides });
  }

  /**
   * Adds a batch normalisation.
   *
   * @param inputs images, scale, offset, mean, variance, see {@link BatchNormalizationNode}
   * @param epsilon rounded to float32, as files hold it
   */
  batchNormalization(name: string, inputs: readonly string[], epsilon: number): string {
    return this.append({ op: 'batchNormalization', name, inputs, epsilon: Math.fround(epsilon) });
  }

  /** @param axis dimension from 0; negative counts from the innermost */
  concat(name: string, inputs: readonly string[], axis: number): string {
    return this.append({ op: 'concat', name, inputs, axis });
  }

  /** Adds an operation without settings. */
  apply(op: PlainOp, name: string, inputs: readonly string[]): string {
    return this.append({ op, name, inputs } as PlainNode);
  }

  /** The shape of a node's value. */
  shapeOf(name: string): readonly number[] {
    const shape = this.#shapes.get(name);
    if (shape === undefined) throw invalid(`no model node ${name}`);
    return shape;
  }

  /**
   * The finished graph.
   *
   * @param name the model's name
   * @param outputs names of the nodes whose values it gives; not inputs or constants, which some formats can't answer
   * @throws AIBENCH_INPUT where an output is missing, or is no computed value
   */
  build(name: string, outputs: readonly string[]): Graph {
    if (outputs.length === 0) throw invalid(`model ${name} has no outputs`);
    for (const output of outputs) {
      const node = this.#nodes.find((candidate) => candidate.name === output);
      if (node === undefined) throw invalid(`model ${name}: no node ${output} for an output`);
      if (node.op === 'input' || node.op === 'constant') {
        throw invalid(`model ${name}: output ${output} is no computed value; put an identity behind it`);
      }
    }
    const inputs = this.#nodes.filter((node) => node.op === 'input').map((node) => node.name);
    return {
      name,
      inputs: inputs.map((input) => this.#spec(input)),
      outputs: outputs.map((output) => this.#spec(output)),
      nodes: [...this.#nodes],
      shapes: new Map(this.#shapes),
    };
  }

  #padding(inputs: readonly string[], strides: Strides, padding: Padding | 'same' | 'valid'): Padding {
    if (padding === 'valid') return noPadding;
    if (padding !== 'same') return padding;
    // What is not there or has too few dimensions is refused with the node.
    const [image = [], [rows = 1, columns = 1] = []] = inputs.map((input) => this.#shapes.get(input) ?? []);
    return samePadding(image, [rows, columns], strides);
  }

  #spec(name: string): TensorSpec {
    return { name, dtype: 'float32', shape: this.shapeOf(name) };
  }
}

/** Shapes by input name. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

/**
 * The same graph with other shapes declared for some of its inputs, where the
 * operations behind them take those too: a graph that begins with a reshape of
 * `reference` to [1,256] may take [256] or [1,256].
 *
 * @throws AIBENCH_INPUT where a name is no input, or a shape doesn't fit
 */
export function withInputShapes(graph: Graph, shapes: InputShapes): Graph {
  for (const name of Object.keys(shapes)) {
    if (!graph.inputs.some((input) => input.name === name)) {
      throw invalid(`model ${graph.name} has no input ${name}`);
    }
  }
  const builder = new GraphBuilder();
  for (const node of graph.nodes) {
    const shape = node.op === 'input' ? shapes[node.name] : undefined;
    builder.append(shape === undefined || node.op !== 'input' ? node : { ...node, shape });
  }
  return builder.build(
    graph.name,
    graph.outputs.map((output) => output.name),
  );
}

function invalid(message: string): AibenchError {
  return new AibenchError('AIBENCH_INPUT', message);
}
