import { AibenchError, type Tensor, tensorSizeBytes } from '@aibench/core';
import { type CompiledGraph, compileGraph, type Graph } from '@aibench/models';
import type { InferenceTask, TaskOptions } from '../use-case.js';
import { imageSpec } from './image-row.js';
import type { ImageSettings } from './image-settings.js';
import { mobileNetGraph, mobileNetModelNames, mobileNetNames } from './model/mobilenet-graph.js';
import { classCount } from './model/mobilenet-layers.js';
import type { MobileNetWeights } from './model/mobilenet-weights.js';
import { readMobileNetWeights } from './model/read-mobilenet-weights.js';

/**
 * An answer is 1001 probabilities. Servers sum float32 products in orders of their own, which moves a probability by
 * less than this; the class that is most probable has to be the same besides.
 */
const tolerance = 1e-4;

/**
 * Asks for the class of an image, or of several that lie behind one another.
 *
 * @param weights of the network; without them, seeded ones
 */
export function imageTask(
  settings: ImageSettings,
  options: TaskOptions,
  weights?: MobileNetWeights,
): InferenceTask {
  const { withReference, batchSize = 1, expected } = options;
  if (withReference) {
    throw new AibenchError('AIBENCH_USAGE', 'images have no reference data', {
      hint: 'leave --enable-reference-data-redis out',
    });
  }
  const image = imageSpec(settings);
  const [, ...extents] = image.shape;
  const rowSizeBytes = tensorSizeBytes(image);
  const outputs = (rowCount: number) => ({
    name: mobileNetNames.output,
    dtype: 'float32' as const,
    shape: [rowCount, classCount],
  });
  const readImages = (rows: Uint8Array): Tensor => ({
    ...image,
    shape: [rows.byteLength / rowSizeBytes, ...extents],
    data: rows,
  });
  const layout = settings.layout === 'NHWC' ? 'nhwc' : 'nchw';
  let evaluate: CompiledGraph | undefined;
  const graph = () => ownGraph(settings, layout, weights);
  return {
    hasBatches: true,
    batchSize,
    defaultModelName: mobileNetModelNames[layout],
    inputs: [{ ...image, shape: [batchSize, ...extents], keyPrefix: 'imageTensor' }],
    references: [],
    outputs: [{ ...outputs(batchSize), keyPrefix: 'classificationTensor' }],
    tolerance,
    checkTop: true,
    readRequest: (rows, firstRow = 0) => ({
      ...{ id: firstRow, rowCount: rows.byteLength / rowSizeBytes },
      inputs: [readImages(rows)],
    }),
    expectedOutputs(rows, firstRow = 0): Tensor[] {
      const rowCount = rows.byteLength / rowSizeBytes;
      if (expected !== undefined) {
        return [{ ...outputs(rowCount), data: expected.read(firstRow, rowCount) }];
      }
      evaluate ??= compileGraph(graph());
      return evaluate([readImages(rows)]);
    },
    graph,
    importModel: (file) => imageTask(settings, options, readMobileNetWeights(file)),
  };
}

/** The suite's own model takes images of one size, as fractions, and knows no other. */
function ownGraph(
  { size, dtype }: ImageSettings,
  layout: 'nhwc' | 'nchw',
  weights?: MobileNetWeights,
): Graph {
  if (size !== 224 || dtype !== 'float32') {
    throw new AibenchError(
      'AIBENCH_USAGE',
      `the suite's model takes images of 224 x 224 float32 pixels, not ${size} x ${size} ${dtype}`,
      { hint: 'a model of your own comes with --model-file; the data of --image-size and --image-dtype' },
    );
  }
  return mobileNetGraph(weights === undefined ? { layout } : { layout, weights });
}
