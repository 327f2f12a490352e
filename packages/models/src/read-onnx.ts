import { AibenchError } from '@aibench/core';
import {
  TensorProto_DataType as DataType,
  type GraphProto,
  ModelProto,
  type NodeProto,
  type ValueInfoProto,
} from './gen/onnx/onnx.js';
import type { Graph, Padding, PlainOp, Strides } from './graph.js';
import { batchExtent, noPadding, samePadding } from './infer-shape.js';
import { type Held, OnnxScope, problem, toChannelsFirst, toChannelsLast } from './onnx-scope.js';
import { OnnxSettings, readOnnxConstant } from './onnx-values.js';
import { permuted } from './permuted.js';

/** How {@link readOnnx} reads. */
export interface ReadOnnxOptions {
  /** The graph's name. Default: the file's. */
  readonly name?: string;
}

/**
 * Reads an ONNX model file: what `writeOnnx` writes, and convolutional and dense
 * networks as converters write them (`tf2onnx`, PyTorch), in opset 7 or newer.
 * Names are the file's, with characters that a {@link Graph} does not allow
 * replaced by `_`.
 *
 * @throws AIBENCH_INPUT where the bytes are no ONNX model, or a node's operator (named in the message) is not in the set
 */
export function readOnnx(bytes: Uint8Array, options: ReadOnnxOptions = {}): Graph {
  const graph = decode(bytes);
  const reader = new OnnxReader(graph);
  for (const node of graph.node) reader.add(node);
  return reader.finish(options.name ?? (graph.name === '' ? 'model' : graph.name));
}

function decode(bytes: Uint8Array): GraphProto {
  let cause: unknown;
  try {
    const { graph } = ModelProto.decode(bytes);
    if (graph !== undefined && graph.node.length > 0) return graph;
  } catch (error) {
    cause = error;
  }
  throw new AibenchError('AIBENCH_INPUT', 'the bytes are no ONNX model', { cause });
}

const elementwise: Readonly<Record<string, PlainOp>> = {
  Identity: 'identity',
  Dropout: 'identity',
  Relu: 'relu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
};

const arithmetic: Readonly<Record<string, PlainOp>> = { Add: 'add', Sub: 'sub', Mul: 'mul', Div: 'div' };

/** Adds ONNX's nodes to a graph one after the other, with images turned into the graph's layout. */
class OnnxReader {
  readonly #scope: OnnxScope;
  readonly #outputs: readonly string[];

  constructor(graph: GraphProto) {
    this.#outputs = graph.output.map(({ name }) => name);
    this.#scope = new OnnxScope(graph.initializer, this.#outputs);
    for (const input of graph.input) {
      // Files before IR version 4 list constants among the inputs.
      if (!this.#scope.constants.has(input.name)) this.#scope.addInput(input.name, inputShape(input));
    }
  }

  finish(name: string): Graph {
    const outputs = this.#outputs.map((output) => this.#scope.output(output));
    return this.#scope.builder.build(name, outputs);
  }

  add(node: NodeProto): void {
    const settings = new OnnxSettings(node);
    const [input = '', second] = node.input;
    const sameOp = elementwise[node.opType];
    if (sameOp !== undefined) {
      this.#addElementwise(node, sameOp);
      return;
    }
    const op = arithmetic[node.opType];
    if (op !== undefined) {
      this.#addArithmetic(node, op);
      return;
    }
    switch (node.opType) {
      case 'Constant': {
        const value = settings.tensor('value');
        if (value === undefined) throw problem(node, 'has no value of a supported type');
        this.#scope.constants.set(node.output[0] ?? '', readOnnxConstant(value));
        return;
      }
      case 'Clip':
        this.#addClip(node, settings);
        return;
      case 'Conv':
        this.#addConvolution(node, settings);
        return;
      case 'Pad':
        this.#addPad(node, settings);
        return;
      case 'BatchNormalization': {
        if (settings.integer('training_mode', 0) !== 0) throw problem(node, 'is for training');
        const vectors = node.input.slice(1).map((name) => this.#scope.asIs(name));
        const inputs = [this.#scope.channelsLast(node, input), ...vectors];
        const name = this.#scope.imagesName(node);
        const epsilon = settings.float('epsilon', 1e-5);
        this.#scope.holdImages(node, this.#scope.builder.batchNormalization(name, inputs, epsilon));
        return;
      }
      case 'GlobalAveragePool':
        this.#addMean(node, [2, 3], true);
        return;
      case 'ReduceMean':
        this.#addMean(node, this.#axes(node, settings), settings.integer('keepdims', 1) === 1);
        return;
      case 'AveragePool':
        this.#addAveragePool(node, settings);
        return;
      case 'MatMul':
        this.#scope.hold(
          node,
          this.#scope.builder.apply(
            'matMul',
            this.#scope.name(node),
            node.input.map((name) => this.#scope.asIs(name)),
          ),
        );
        return;
      case 'Concat': {
        const inputs = node.input.map((name) => this.#scope.asIs(name));
        this.#scope.hold(
          node,
          this.#scope.builder.concat(this.#scope.name(node), inputs, settings.integer('axis', 0)),
        );
        return;
      }
      case 'Gemm':
        this.#addGemm(node, settings);
        return;
      case 'Softmax': {
        const value = this.#scope.asIs(input);
        const rank = this.#scope.builder.shapeOf(value).length;
        // Before opset 13 the default was 1, which is the same for the matrices that it was made for.
        const axis = settings.integer('axis', -1);
        if (axis !== -1 && axis !== rank - 1)
          throw problem(node, `is over dimension ${axis}, not the innermost`);
        this.#scope.hold(node, this.#scope.builder.apply('softmax', this.#scope.name(node), [value]));
        return;
      }
      case 'Reshape':
        this.#addReshape(node, this.#scope.setting(node, second));
        return;
      case 'Flatten':
        if (settings.integer('axis', 1) !== 1) throw problem(node, 'is supported from dimension 1 on only');
        this.#addReshape(node, [0, -1]);
        return;
      case 'Squeeze':
        this.#addSqueeze(node, this.#axes(node, settings));
        return;
      case 'Transpose':
        this.#addTranspose(node, settings.integers('perm') ?? []);
        return;
      default:
        throw new AibenchError(
          'AIBENCH_INPUT',
          `model node ${node.name}: operator ${node.opType} is not supported`,
          {
            hint: 'supported are constants, MatMul, Gemm, Conv, BatchNormalization, arithmetic, activations, AveragePool, means, Reshape, Flatten, Squeeze, Transpose',
          },
        );
    }
  }

  #addElementwise(node: NodeProto, op: PlainOp): void {
    const [input = ''] = node.input;
    const constant = this.#scope.constants.get(input);
    if (constant !== undefined && op === 'identity') {
      this.#scope.constants.set(node.output[0] ?? '', constant);
      return;
    }
    const { channelsLast, asIs } = this.#scope.heldOf(node, input);
    if (channelsLast !== undefined && asIs === undefined) {
      this.#scope.holdImages(
        node,
        this.#scope.builder.apply(op, this.#scope.imagesName(node), [channelsLast]),
      );
    } else
      this.#scope.hold(
        node,
        this.#scope.builder.apply(op, this.#scope.name(node), [this.#scope.asIs(input)]),
      );
  }

  #addArithmetic(node: NodeProto, op: PlainOp): void {
    const [a = '', b = ''] = node.input;
    const [held, other] = [a, b].map((name) => this.#scope.held.get(name));
    const onlyImages = (each: Held | undefined) =>
      each?.channelsLast !== undefined && each.asIs === undefined;
    if (onlyImages(held) && onlyImages(other)) {
      const inputs = [held!.channelsLast!, other!.channelsLast!];
      this.#scope.holdImages(node, this.#scope.builder.apply(op, this.#scope.imagesName(node), inputs));
      return;
    }
    const images = onlyImages(held)
      ? held
      : onlyImages(other) && op !== 'sub' && op !== 'div'
        ? other
        : undefined;
    const vector = images === undefined ? undefined : this.#channelVector(images === held ? b : a);
    if (images?.channelsLast !== undefined && vector !== undefined) {
      const kind = op === 'add' && this.#scope.builder.shapeOf(vector).length === 1 ? 'biasAdd' : op;
      this.#scope.holdImages(
        node,
        this.#scope.builder.apply(kind, this.#scope.imagesName(node), [images.channelsLast, vector]),
      );
      return;
    }
    this.#scope.hold(
      node,
      this.#scope.builder.apply(op, this.#scope.name(node), [this.#scope.asIs(a), this.#scope.asIs(b)]),
    );
  }

  /** A constant [C,1,1], [1,C,1,1] or of one element, as a vector for the channels of images. */
  #channelVector(name: string): string | undefined {
    const constant = this.#scope.constants.get(name);
    if (!(constant?.values instanceof Float32Array)) return undefined;
    const { shape, values } = constant;
    const fits = values.length === 1 || shape.at(-3) === values.length;
    return fits
      ? this.#scope.constant(`${name}_vector`, values.length === 1 ? [] : [values.length], values)
      : undefined;
  }

  #addClip(node: NodeProto, settings: OnnxSettings): void {
    const limit = (index: number, name: string): number | undefined => {
      const given = this.#scope.constants.get(node.input[index] ?? '');
      return given === undefined ? settings.float(name, Number.NaN) : given.values[0];
    };
    if (limit(1, 'min') !== 0 || limit(2, 'max') !== 6) throw problem(node, 'is supported from 0 to 6 only');
    this.#addElementwise({ ...node, input: node.input.slice(0, 1) }, 'relu6');
  }

  #addConvolution(node: NodeProto, settings: OnnxSettings): void {
    const [input = '', filterName = '', biasName] = node.input;
    const filters = this.#scope.constants.get(filterName);
    const [results = 0, channels = 0, rows = 0, columns = 0] = filters?.shape ?? [];
    if (!(filters?.values instanceof Float32Array) || filters.shape.length !== 4) {
      throw problem(node, `has filters ${filterName} that are no constant of 4 dimensions`);
    }
    if ((settings.integers('dilations') ?? []).some((each) => each !== 1)) {
      throw problem(node, 'is dilated, which is not supported');
    }
    const padded = this.#scope.padded.get(input);
    const images = this.#scope.channelsLast(node, padded?.input ?? input);
    const imageShape = this.#scope.builder.shapeOf(images);
    const groups = settings.integer('group', 1);
    const isDepthwise = groups !== 1 && groups === imageShape[3] && channels === 1;
    if (groups !== 1 && !isDepthwise)
      throw problem(node, `has ${groups} groups: 1, or one a channel, are supported`);
    const values = isDepthwise
      ? permuted(filters.values, [groups, results / groups, rows, columns], [2, 3, 0, 1])
      : permuted(filters.values, filters.shape, [2, 3, 1, 0]);
    const shape = isDepthwise
      ? [rows, columns, groups, results / groups]
      : [rows, columns, channels, results];
    const strides = twoOf(settings.integers('strides'));
    const own = convolutionPadding(node, settings, imageShape, [rows, columns], strides);
    const before = padded?.padding ?? noPadding;
    const padding: Padding = {
      top: before.top + own.top,
      bottom: before.bottom + own.bottom,
      left: before.left + own.left,
      right: before.right + own.right,
    };
    const op = isDepthwise ? 'depthwiseConv2d' : 'conv2d';
    const inputs = [images, this.#scope.constant(`${filterName}_filters`, shape, values)] as const;
    const name = this.#scope.imagesName(node);
    if (biasName === undefined || biasName === '') {
      this.#scope.holdImages(node, this.#scope.builder.convolve(op, name, inputs, { strides, padding }));
      return;
    }
    const product = this.#scope.builder.convolve(op, this.#scope.newName(`${name}_product`), inputs, {
      strides,
      padding,
    });
    this.#scope.holdImages(
      node,
      this.#scope.builder.apply('biasAdd', name, [product, this.#scope.asIs(biasName)]),
    );
  }

  #addPad(node: NodeProto, settings: OnnxSettings): void {
    const [input = '', second, value] = node.input;
    const pads = settings.integers('pads') ?? this.#scope.setting(node, second);
    const filling =
      value === undefined || value === ''
        ? settings.float('value', 0)
        : this.#scope.constants.get(value)?.values[0];
    if (pads.length !== 8 || filling !== 0 || settings.text('mode', 'constant') !== 'constant') {
      throw problem(node, 'is supported where it puts zeros around images [N,C,H,W] only');
    }
    const [top = 0, left = 0] = pads.slice(2, 4);
    const [bottom = 0, right = 0] = pads.slice(6, 8);
    if ([...pads.slice(0, 2), ...pads.slice(4, 6)].some((each) => each !== 0)) {
      throw problem(node, 'pads otherwise than rows and columns of images [N,C,H,W]');
    }
    this.#scope.padded.set(node.output[0] ?? '', { input, padding: { top, bottom, left, right } });
  }

  /** The mean over rows and columns of images in either layout. */
  #addMean(node: NodeProto, axes: readonly number[], keepsDimensions: boolean): void {
    const [input = ''] = node.input;
    const sorted = axes
      .map((axis) => (axis < 0 ? axis + 4 : axis))
      .sort((a, b) => a - b)
      .join();
    const overChannelsFirst = sorted === '2,3';
    if (!overChannelsFirst && sorted !== '1,2') {
      throw problem(node, 'is supported over the rows and columns of images only');
    }
    const images = overChannelsFirst ? this.#scope.channelsLast(node, input) : this.#scope.asIs(input);
    const [, rows = 0, columns = 0, channels = 0, ...more] = this.#scope.builder.shapeOf(images);
    if (channels === 0 || more.length > 0) throw problem(node, 'is supported of images only');
    const name = overChannelsFirst && keepsDimensions ? this.#scope.imagesName(node) : this.#scope.name(node);
    if (keepsDimensions) {
      const value = this.#scope.builder.averagePool(name, images, [rows, columns]);
      if (overChannelsFirst) this.#scope.holdImages(node, value);
      else this.#scope.hold(node, value);
      return;
    }
    const pool = this.#scope.builder.averagePool(this.#scope.newName(`${name}_pool`), images, [
      rows,
      columns,
    ]);
    this.#scope.hold(node, this.#scope.builder.reshape(name, pool, [-1, channels]));
  }

  #addAveragePool(node: NodeProto, settings: OnnxSettings): void {
    const images = this.#scope.channelsLast(node, node.input[0] ?? '');
    const window = twoOf(settings.integers('kernel_shape'));
    const strides = twoOf(settings.integers('strides'));
    const padding = convolutionPadding(node, settings, this.#scope.builder.shapeOf(images), window, strides);
    if (Object.values(padding).some((each) => each !== 0)) throw problem(node, 'pads its images');
    this.#scope.holdImages(
      node,
      this.#scope.builder.averagePool(this.#scope.imagesName(node), images, window, strides),
    );
  }

  #addGemm(node: NodeProto, settings: OnnxSettings): void {
    const [a = '', b = '', c] = node.input;
    const plain =
      settings.float('alpha', 1) === 1 &&
      settings.float('beta', 1) === 1 &&
      settings.integer('transA', 0) === 0;
    const matrix = this.#scope.constants.get(b);
    if (!plain || !(matrix?.values instanceof Float32Array)) {
      throw problem(
        node,
        'is supported with a constant matrix, without factors and with its first input as it is',
      );
    }
    const isTurned = settings.integer('transB', 0) === 1;
    const [rows = 0, columns = 0] = isTurned ? [...matrix.shape].reverse() : matrix.shape;
    const values = isTurned ? permuted(matrix.values, matrix.shape, [1, 0]) : matrix.values;
    const name = this.#scope.name(node);
    const inputs = [this.#scope.asIs(a), this.#scope.constant(`${b}_matrix`, [rows, columns], values)];
    if (c === undefined || c === '') {
      this.#scope.hold(node, this.#scope.builder.apply('matMul', name, inputs));
      return;
    }
    const product = this.#scope.builder.apply('matMul', this.#scope.newName(`${name}_product`), inputs);
    const op = this.#scope.constants.get(c)?.shape.length === 1 ? 'biasAdd' : 'add';
    this.#scope.hold(node, this.#scope.builder.apply(op, name, [product, this.#scope.asIs(c)]));
  }

  #addReshape(node: NodeProto, target: readonly number[]): void {
    const value = this.#scope.inOrder(node, node.input[0] ?? '');
    const from = this.#scope.shapeOf(node, node.input[0] ?? '');
    const shape = target.map((extent, i) => (extent === 0 ? (from[i] ?? 0) : extent));
    const known = from.slice(1).reduce((product, extent) => product * extent, 1);
    // What ONNX leaves over beside a batch of unknown extent is known here.
    const closed =
      shape[0] === batchExtent && shape.filter((extent) => extent === -1).length > 1
        ? shape.map((extent, i) =>
            i > 0 && extent === -1
              ? known / shape.slice(1).reduce((product, each) => product * Math.abs(each), 1)
              : extent,
          )
        : shape;
    this.#scope.hold(node, this.#scope.builder.reshape(this.#scope.name(node), value, closed));
  }

  #addSqueeze(node: NodeProto, axes: readonly number[]): void {
    const shape = this.#scope.shapeOf(node, node.input[0] ?? '');
    const named = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
    const kept = shape.filter((extent, axis) => extent !== 1 || (named.length > 0 && !named.includes(axis)));
    this.#addReshape(node, kept);
  }

  #addTranspose(node: NodeProto, perm: readonly number[]): void {
    const [input = ''] = node.input;
    const held = this.#scope.heldOf(node, input);
    const [output = ''] = node.output;
    if (perm.join() === toChannelsFirst.join()) {
      // What was [N,H,W,C] in the file: that is how the graph has its images.
      this.#scope.held.set(output, { channelsLast: this.#scope.asIs(input) });
    } else if (perm.join() === toChannelsLast.join() && held.channelsLast !== undefined) {
      this.#scope.held.set(output, { asIs: held.channelsLast });
    } else {
      this.#scope.hold(
        node,
        this.#scope.builder.transpose(this.#scope.name(node), this.#scope.asIs(input), perm),
      );
    }
  }

  /** Axes of an operation: a setting in older files, an input in newer ones. */
  #axes(node: NodeProto, settings: OnnxSettings): readonly number[] {
    const given = settings.integers('axes');
    if (given !== undefined && given.length > 0) return given;
    return node.input[1] === undefined ? [] : this.#scope.setting(node, node.input[1]);
  }
}

function twoOf(values: readonly number[] | undefined): Strides {
  const [rows = 1, columns = 1] = values ?? [];
  return [rows, columns];
}

function convolutionPadding(
  node: NodeProto,
  settings: OnnxSettings,
  image: readonly number[],
  window: Strides,
  strides: Strides,
): Padding {
  const automatic = settings.text('auto_pad', 'NOTSET');
  if (automatic === 'SAME_UPPER') return samePadding(image, window, strides);
  if (automatic === 'VALID') return noPadding;
  if (automatic !== 'NOTSET') throw problem(node, `pads by ${automatic}, which is not supported`);
  const [top = 0, left = 0, bottom = 0, right = 0] = settings.integers('pads') ?? [];
  return { top, bottom, left, right };
}

function inputShape({ name, type }: ValueInfoProto): number[] {
  const tensor = type?.value?.value;
  if (tensor?.elemType !== DataType.FLOAT) {
    throw new AibenchError('AIBENCH_INPUT', `model input ${name} is not float32`);
  }
  return (tensor.shape?.dim ?? []).map(({ value }) =>
    value?.$case === 'dimValue' && value.value > 0 ? value.value : batchExtent,
  );
}
