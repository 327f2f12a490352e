import { rowRandom } from '@aibench/core';
import { classCount, epsilon, featureCount, filterShape, mobileNetLayers } from './mobilenet-layers.js';
import type { LayerWeights, MobileNetWeights } from './mobilenet-weights.js';

/** The seed that all installations share, so that all have the same model. */
export const weightsSeed = 224;

/**
 * Weights drawn at random: the same arithmetic as trained ones, and so the same cost, but labels that mean nothing.
 * The same numbers everywhere.
 */
export function seededWeights(): MobileNetWeights {
  const layers = mobileNetLayers.map((layer, i): LayerWeights => {
    const channels = layer.outputChannels;
    return {
      filters: drawFilters(i, filterShape(layer), layer.kind === 'depthwise'),
      normalization: {
        kind: 'batch',
        scale: new Float32Array(channels).fill(1),
        offset: new Float32Array(channels),
        mean: new Float32Array(channels),
        variance: new Float32Array(channels).fill(1),
        epsilon,
      },
    };
  });
  const weights = drawFilters(mobileNetLayers.length, [1, 1, featureCount, classCount], false);
  return { layers, classes: { weights, biases: new Float32Array(classCount) } };
}

/** Normal numbers, so scaled that results are about as large as what goes in, of which ReLU leaves half (He et al., 2015). */
function drawFilters(layer: number, shape: readonly number[], depthwise: boolean): Float32Array {
  const [rows = 1, columns = 1, channels = 1, results = 1] = shape;
  const random = rowRandom(weightsSeed, layer);
  const deviation = Math.sqrt(2 / (rows * columns * (depthwise ? 1 : channels)));
  const filters = new Float32Array(rows * columns * channels * results);
  for (let i = 0; i < filters.length; i++) filters[i] = random.normal() * deviation;
  return filters;
}
