import { type Graph, GraphBuilder } from '@aibench/models';
import {
  classCount,
  featureCount,
  filterShape,
  imageChannels,
  imageSize,
  type MobileNetLayer,
  mobileNetLayers,
} from './mobilenet-layers.js';
import type { LayerWeights, MobileNetWeights, Normalization } from './mobilenet-weights.js';
import { seededWeights } from './seeded-weights.js';

/** In which order an image's numbers come. */
export type ImageLayout = 'nhwc' | 'nchw';

/** Which MobileNet {@link mobileNetGraph} makes. */
export interface MobileNetOptions {
  /** Images in one question: any number, or that many. Default: `free`. */
  readonly batch?: 'free' | number;
  /** Whether the input is [N,224,224,3] or [N,3,224,224]. Default: `nhwc`. */
  readonly layout?: ImageLayout;
  /** Default: the seeded ones. Their labels mean nothing, their cost is that of trained ones. */
  readonly weights?: MobileNetWeights;
}

/** Names of the graph's input and output, as TensorFlow's published model has them. */
export const mobileNetNames = { input: 'input', output: 'MobilenetV1/Predictions/Reshape_1' } as const;

/** Names under which the model is set up, as in the Go suite, where images are NHWC. */
export const mobileNetModelNames: Readonly<Record<ImageLayout, string>> = {
  nhwc: 'mobilenet_v1_100_224_NxHxWxC',
  nchw: 'mobilenet_v1_100_224_NxCxHxW',
};

/** All convolutions but the last stand in this scope in TensorFlow, their weights in the outer one. */
const scope = 'MobilenetV1/MobilenetV1';
const outerScope = 'MobilenetV1';

/**
 * MobileNet V1 1.0 224, as published, with 1001 classes. Input `input`, float32 [N,224,224,3] (by `layout`
 * [N,3,224,224]); output `MobilenetV1/Predictions/Reshape_1`, float32 [N,1001], probabilities. Nodes have the names
 * of TensorFlow's published model.
 */
export function mobileNetGraph(options: MobileNetOptions = {}): Graph {
  const { batch = 'free', layout = 'nhwc', weights = seededWeights() } = options;
  const graph = new GraphBuilder();
  const images = batch === 'free' ? -1 : batch;
  let value =
    layout === 'nhwc'
      ? graph.input(mobileNetNames.input, [images, imageSize, imageSize, imageChannels])
      : graph.transpose(
          'input_nhwc',
          graph.input(mobileNetNames.input, [images, imageChannels, imageSize, imageSize]),
          [0, 2, 3, 1],
        );
  for (const [i, layer] of mobileNetLayers.entries()) {
    value = addLayer(graph, value, layer, weights.layers[i]!);
  }
  value = addClasses(graph, value, weights.classes);
  value = graph.apply('softmax', `${outerScope}/Predictions/Softmax`, [value]);
  value = graph.reshape(mobileNetNames.output, value, [-1, classCount]);
  return graph.build(mobileNetModelNames[layout], [value]);
}

/** A convolution, what normalises it, and its limits. */
export function addLayer(
  graph: GraphBuilder,
  input: string,
  layer: MobileNetLayer,
  { filters, normalization }: LayerWeights,
): string {
  const product = addConvolution(graph, input, layer, filters);
  const normal = addNormalization(graph, product, layer.name, normalization);
  return graph.apply('relu6', `${scope}/${layer.name}/Relu6`, [normal]);
}

/** A convolution alone. */
export function addConvolution(
  graph: GraphBuilder,
  input: string,
  layer: MobileNetLayer,
  filters: Float32Array,
): string {
  const { name, kind, stride } = layer;
  const [op, operation, weights] =
    kind === 'depthwise'
      ? (['depthwiseConv2d', 'depthwise', 'depthwise_weights'] as const)
      : (['conv2d', 'Conv2D', 'weights'] as const);
  const constant = graph.constant(`${outerScope}/${name}/${weights}`, filterShape(layer), filters);
  return graph.convolve(op, `${scope}/${name}/${operation}`, [input, constant], {
    strides: [stride, stride],
    padding: 'same',
  });
}

/** The mean over the image, and from it a score for each class. */
export function addClasses(graph: GraphBuilder, input: string, classes: MobileNetWeights['classes']): string {
  const logits = `${outerScope}/Logits`;
  const layer = `${logits}/Conv2d_1c_1x1`;
  const [, rows = 1, columns = 1] = graph.shapeOf(input);
  const features = graph.averagePool(`${logits}/AvgPool_1a/AvgPool`, input, [rows, columns]);
  const shape = [1, 1, featureCount, classCount];
  const filters = graph.constant(`${layer}/weights`, shape, classes.weights);
  const products = graph.convolve('conv2d', `${layer}/Conv2D`, [features, filters]);
  const biases = graph.constant(`${layer}/biases`, [classCount], classes.biases);
  const scores = graph.apply('biasAdd', `${layer}/BiasAdd`, [products, biases]);
  return graph.reshape(`${logits}/SpatialSqueeze`, scores, [-1, classCount]);
}

/** With the numbers as they are after training: cost and answers are those of the user's file, folded or not. */
function addNormalization(
  graph: GraphBuilder,
  input: string,
  layer: string,
  normalization: Normalization,
): string {
  const constant = (name: string, values: Float32Array): string =>
    graph.constant(`${outerScope}/${layer}/${name}`, [values.length], values);
  if (normalization.kind === 'folded') {
    const offset = constant('biases', normalization.offset);
    return graph.apply('biasAdd', `${scope}/${layer}/BiasAdd`, [input, offset]);
  }
  const { scale, offset, mean, variance, epsilon } = normalization;
  const vectors = [
    constant('BatchNorm/gamma', scale),
    constant('BatchNorm/beta', offset),
    constant('BatchNorm/moving_mean', mean),
    constant('BatchNorm/moving_variance', variance),
  ];
  return graph.batchNormalization(`${scope}/${layer}/BatchNorm/FusedBatchNorm`, [input, ...vectors], epsilon);
}
