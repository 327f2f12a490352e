import { rowRandom } from '@aibench/core';
import {
  classCount,
  epsilon,
  featureCount,
  filterShape,
  type MobileNetLayer,
  mobileNetLayers,
} from './mobilenet-layers.js';
import { mobileNetStatistics } from './mobilenet-statistics.js';
import type { LayerWeights, MobileNetWeights } from './mobilenet-weights.js';
import { type ActivationStatistics, decodeStatistics } from './stored-statistics.js';

/** The seed that all installations share, so that all have the same model. */
const weightsSeed = 224;

/**
 * What is added to each normalised channel, so that ReLU6 cuts off a sixth of it rather than half. With 0, rounding errors
 * grow tens of times as much on their way through the layers, and images of one kind get answers that differ less.
 */
const layerOffset = 1;

/** Makes an image's scores differ by about 2 from class to class, so that the likeliest class stands out and none has all. */
const classGain = 16;

/**
 * Weights drawn at random, of which labels mean nothing: the arithmetic of trained ones, and so their cost. The same
 * numbers everywhere. Means and variances are those that the filters really have on images (`calibrate.ts`), so that
 * activations neither die nor grow, and each image gets an answer of its own.
 */
export function seededWeights(
  statistics: ActivationStatistics = decodeStatistics(mobileNetStatistics),
): MobileNetWeights {
  const { means, variances, biases } = statistics;
  const layers = mobileNetLayers.map((layer, i) => seededLayer(layer, means[i]!, variances[i]!));
  return { layers, classes: { weights: seededClassWeights(), biases } };
}

/** A layer with seeded filters, normalised by statistics of what these give. */
export function seededLayer(layer: MobileNetLayer, mean: Float32Array, variance: Float32Array): LayerWeights {
  const scale = new Float32Array(mean.length).fill(1);
  const offset = new Float32Array(mean.length).fill(layerOffset);
  const filters = drawFilters(mobileNetLayers.indexOf(layer), filterShape(layer));
  return { filters, normalization: { kind: 'batch', scale, offset, mean, variance, epsilon } };
}

/** What the classes make of the features; the biases of {@link ActivationStatistics} fit these. */
export function seededClassWeights(): Float32Array {
  return drawFilters(mobileNetLayers.length, [1, 1, featureCount, classCount], classGain);
}

/** Normal numbers, so scaled that the sum over a window varies as its inputs do, if those are independent. */
function drawFilters(stream: number, shape: readonly number[], gain = 1): Float32Array {
  const [rows = 1, columns = 1, channels = 1, results = 1] = shape;
  // Where there is one result a channel, it is of that channel alone.
  const inputs = rows * columns * (results === 1 ? 1 : channels);
  const random = rowRandom(weightsSeed, stream);
  const filters = new Float32Array(rows * columns * channels * results);
  const deviation = gain / Math.sqrt(inputs);
  for (let i = 0; i < filters.length; i++) filters[i] = random.normal() * deviation;
  return filters;
}
