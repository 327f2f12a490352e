import { AibenchError, formatShape } from '@aibench/core';
import type { NodeDef } from './gen/tensorflow/core/framework/node_def.js';
import type { ConvolutionOp, Padding, Strides } from './graph.js';
import { noPadding, samePadding } from './infer-shape.js';
import { integersOf, textOf } from './node-attributes.js';

/** TensorFlow's convolutions. */
export const convolutionOps: Readonly<Record<string, ConvolutionOp>> = {
  Conv2D: 'conv2d',
  DepthwiseConv2dNative: 'depthwiseConv2d',
};

/** TensorFlow's batch normalisations, which differ in what they give in training. */
export const batchNormalizationOps: ReadonlySet<string> = new Set([
  'FusedBatchNorm',
  'FusedBatchNormV2',
  'FusedBatchNormV3',
]);

/**
 * The rows and columns of a setting such as `strides`, which TensorFlow has for all four dimensions.
 *
 * @throws AIBENCH_INPUT where images are not NHWC, or the setting also moves along the batch or the channels
 */
export function readWindow(node: NodeDef, setting: string): Strides {
  const format = textOf(node, 'data_format', 'NHWC');
  if (format !== 'NHWC') throw problem(node, `takes images as ${format}; NHWC is supported`);
  const [batch, rows = 1, columns = 1, channels] = integersOf(node, setting) ?? [1, 1, 1, 1];
  if (batch !== 1 || channels !== 1) {
    throw problem(node, `has ${setting} ${formatShape(integersOf(node, setting) ?? [])}`);
  }
  return [rows, columns];
}

/**
 * How many zeros an operation puts around its images.
 *
 * @param image [N,H,W,C]
 * @throws AIBENCH_INPUT where its padding is none of TensorFlow's
 */
export function readPadding(
  node: NodeDef,
  image: readonly number[],
  window: Strides,
  strides: Strides,
): Padding {
  const padding = textOf(node, 'padding', '');
  if (padding === 'VALID') return noPadding;
  if (padding === 'SAME') return samePadding(image, window, strides);
  const explicit = padding === 'EXPLICIT' ? integersOf(node, 'explicit_paddings') : undefined;
  return paddingOf(node, explicit ?? []);
}

/**
 * Zeros around images, from a number before and after each of their dimensions.
 *
 * @throws AIBENCH_INPUT where it is not of that form, or of another dimension than rows and columns
 */
export function paddingOf(node: NodeDef, numbers: readonly number[]): Padding {
  const [before, after, top, bottom, left, right, first, last] = numbers;
  const known = top !== undefined && bottom !== undefined && left !== undefined && right !== undefined;
  if (!known || [before, after, first, last].some((each) => each !== 0)) {
    throw problem(node, 'pads otherwise than rows and columns of images [N,H,W,C]');
  }
  return { top, bottom, left, right };
}

/** @throws AIBENCH_INPUT where a convolution takes its pixels from further apart */
export function refuseDilation(node: NodeDef): void {
  const dilations = integersOf(node, 'dilations') ?? [];
  if (dilations.some((each) => each !== 1)) throw problem(node, 'is dilated, which is not supported');
}

function problem(node: NodeDef, what: string): AibenchError {
  return new AibenchError('AIBENCH_INPUT', `model node ${node.name} (${node.op}) ${what}`);
}
