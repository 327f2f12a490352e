import { float32Tensor, float32Values, type Tensor } from '@aibench/core';
import { compileGraph, GraphBuilder } from '@aibench/models';
import { drawImage } from '../synthetic-image.js';
import { addClasses, addConvolution, addLayer } from './mobilenet-graph.js';
import { classCount, imageChannels, imageSize, mobileNetLayers } from './mobilenet-layers.js';
import { seededClassWeights, seededLayer } from './seeded-weights.js';
import { type ActivationStatistics, roundToStored } from './stored-statistics.js';

/** Seed of the images; those of data files have others. */
const imageSeed = 1704_04861;

/** Below it, a channel that differs little from image to image would be blown up in other images. */
const smallestVariance = 1e-4;

/** Images of which {@link calibrate} is to be given as many as time allows; the committed statistics are of these. */
export const calibrationImages = 32;

/**
 * Measures what batch normalisation would have learned of the seeded filters: mean and variance of each channel, layer
 * by layer, over drawn images; and biases that give every class the same mean score, or one would get all images.
 *
 * @param onLayer told after each layer
 */
export function calibrate(
  imageCount: number,
  onLayer: (name: string) => void = () => {},
): ActivationStatistics {
  const means: Float32Array[] = [];
  const variances: Float32Array[] = [];
  let values = Array.from({ length: imageCount }, (_, place) => imageTensor(place));
  for (const layer of mobileNetLayers) {
    const channels = layer.outputChannels;
    const unknown = seededLayer(layer, new Float32Array(channels), new Float32Array(channels).fill(1));
    const products = run(values, (graph, input) => addConvolution(graph, input, layer, unknown.filters));
    const { mean, variance } = channelStatistics(products, channels);
    means.push(roundToStored(mean));
    variances.push(roundToStored(variance.map((each) => Math.max(each, smallestVariance))));
    const known = seededLayer(layer, means.at(-1)!, variances.at(-1)!);
    values = run(values, (graph, input) => addLayer(graph, input, layer, known));
    onLayer(layer.name);
  }
  const classes = { weights: seededClassWeights(), biases: new Float32Array(classCount) };
  const scores = run(values, (graph, input) => addClasses(graph, input, classes));
  const { mean } = channelStatistics(scores, classCount);
  return { means, variances, biases: roundToStored(mean.map((each) => -each)) };
}

/** A drawn image as the network takes it, values in [0,1]. */
function imageTensor(place: number): Tensor {
  const pixels = drawImage(imageSeed, place, imageSize, imageSize);
  const values = Float32Array.from(pixels, (value) => value / 255);
  return float32Tensor('values', [1, imageSize, imageSize, imageChannels], values);
}

/** What one step of the network makes of each of these values. */
function run(values: readonly Tensor[], add: (graph: GraphBuilder, input: string) => string): Tensor[] {
  const graph = new GraphBuilder();
  const output = add(graph, graph.input('values', values[0]!.shape));
  const compiled = compileGraph(graph.build('step', [output]));
  return values.map((value) => ({ ...compiled([value])[0]!, name: 'values' }));
}

function channelStatistics(tensors: readonly Tensor[], channels: number) {
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  let count = 0;
  for (const tensor of tensors) {
    const values = float32Values(tensor);
    count += values.length / channels;
    for (let at = 0; at < values.length; at += channels) {
      for (let c = 0; c < channels; c++) {
        const value = values[at + c]!;
        sums[c]! += value;
        squares[c]! += value * value;
      }
    }
  }
  const mean = Float32Array.from(sums, (sum) => sum / count);
  const variance = Float32Array.from(squares, (square, c) => square / count - (sums[c]! / count) ** 2);
  return { mean, variance };
}
