import type { AveragePoolNode, BatchNormalizationNode, ConvolutionNode } from './graph.js';
import type { Kernel, Value } from './kernel.js';
import { multiplyRows } from './multiply-rows.js';

/** Extents of images [N,H,W,C]. */
interface ImageExtents {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
}

function extentsOf({ shape }: Value): ImageExtents {
  const [batch = 0, rows = 0, columns = 0, channels = 0] = shape;
  return { batch, rows, columns, channels };
}

/** Each place of the window becomes a row of numbers, and rows are multiplied with the filters as a matrix. */
export function convolutionKernel(node: ConvolutionNode, inputs: readonly Value[], output: Value): Kernel {
  const [image, filters] = [inputs[0]!, inputs[1]!];
  const from = extentsOf(image);
  const to = extentsOf(output);
  const [windowRows, windowColumns] = [filters.shape[0]!, filters.shape[1]!];
  const {
    strides: [down, across],
    padding: { top, left },
  } = node;
  const inner = windowRows * windowColumns * from.channels;
  const source = { data: image.data, start: 0 };
  const target = { data: output.data, start: 0 };
  const isEverywhere =
    down === 1 && across === 1 && Object.values(node.padding).every((zeros) => zeros === 0);
  if (inner === from.channels && isEverywhere) {
    // A window of one pixel: the image is these rows already.
    const count = from.batch * from.rows * from.columns;
    return () => multiplyRows(source, count, inner, filters.data, to.channels, target);
  }
  const line = { data: new Float32Array(to.columns * inner), start: 0 };
  const run = from.channels;
  return () => {
    for (let sample = 0; sample < to.batch; sample++) {
      for (let row = 0; row < to.rows; row++) {
        // What lies outside of the image is never written, and stays 0.
        if (row * down < top || row * down - top + windowRows > from.rows) line.data.fill(0);
        for (let column = 0; column < to.columns; column++) {
          for (let i = 0; i < windowRows; i++) {
            const y = row * down - top + i;
            if (y < 0 || y >= from.rows) continue;
            for (let j = 0; j < windowColumns; j++) {
              const x = column * across - left + j;
              if (x < 0 || x >= from.columns) continue;
              const at = ((sample * from.rows + y) * from.columns + x) * run;
              const place = (column * windowRows + i) * windowColumns + j;
              // Few channels at a time: a loop is faster than `set` on a view.
              for (let c = 0; c < run; c++) line.data[place * run + c] = image.data[at + c]!;
            }
          }
        }
        const start = (sample * to.rows + row) * to.columns * to.channels;
        multiplyRows(line, to.columns, inner, filters.data, to.channels, { data: output.data, start });
      }
    }
  };
}

/** Each channel with filters of its own. Sums are rounded once. */
export function depthwiseKernel(node: ConvolutionNode, inputs: readonly Value[], output: Value): Kernel {
  const [image, filters] = [inputs[0]!, inputs[1]!];
  const from = extentsOf(image);
  const to = extentsOf(output);
  const [windowRows, windowColumns] = [filters.shape[0]!, filters.shape[1]!];
  const {
    strides: [down, across],
    padding: { top, left },
  } = node;
  const multiplier = to.channels / from.channels;
  const sums = new Float64Array(to.channels);
  return () => {
    let at = 0;
    for (let sample = 0; sample < to.batch; sample++) {
      for (let row = 0; row < to.rows; row++) {
        for (let column = 0; column < to.columns; column++) {
          sums.fill(0);
          for (let i = 0; i < windowRows; i++) {
            const y = row * down - top + i;
            if (y < 0 || y >= from.rows) continue;
            for (let j = 0; j < windowColumns; j++) {
              const x = column * across - left + j;
              if (x < 0 || x >= from.columns) continue;
              const pixel = ((sample * from.rows + y) * from.columns + x) * from.channels;
              const weights = (i * windowColumns + j) * to.channels;
              addProducts(image.data, pixel, filters.data, weights, multiplier, sums);
            }
          }
          output.data.set(sums, at);
          at += to.channels;
        }
      }
    }
  };
}

function addProducts(
  x: Float32Array,
  pixel: number,
  w: Float32Array,
  weights: number,
  multiplier: number,
  sums: Float64Array,
): void {
  if (multiplier === 1) {
    for (let c = 0; c < sums.length; c++) sums[c]! += x[pixel + c]! * w[weights + c]!;
    return;
  }
  for (let c = 0; c < sums.length; c++) {
    sums[c]! += x[pixel + Math.floor(c / multiplier)]! * w[weights + c]!;
  }
}

/** The mean of each window. Sums are rounded once, after the division. */
export function averagePoolKernel(node: AveragePoolNode, input: Value, output: Value): Kernel {
  const from = extentsOf(input);
  const to = extentsOf(output);
  const [windowRows, windowColumns] = node.window;
  const [down, across] = node.strides;
  const means = new Float64Array(to.channels);
  const share = windowRows * windowColumns;
  return () => {
    let at = 0;
    for (let sample = 0; sample < to.batch; sample++) {
      for (let row = 0; row < to.rows; row++) {
        for (let column = 0; column < to.columns; column++) {
          means.fill(0);
          for (let i = 0; i < windowRows; i++) {
            for (let j = 0; j < windowColumns; j++) {
              const [y, x] = [row * down + i, column * across + j];
              const pixel = ((sample * from.rows + y) * from.columns + x) * from.channels;
              for (let c = 0; c < means.length; c++) means[c]! += input.data[pixel + c]!;
            }
          }
          for (let c = 0; c < means.length; c++) output.data[at + c] = means[c]! / share;
          at += to.channels;
        }
      }
    }
  };
}

/** One factor and one summand a channel, in double precision. */
export function batchNormalizationKernel(
  node: BatchNormalizationNode,
  inputs: readonly Value[],
  output: Value,
): Kernel {
  const [image, scale, offset, mean, variance] = inputs.map(({ data }) => data) as [
    ...[image: Float32Array, scale: Float32Array, offset: Float32Array],
    ...[mean: Float32Array, variance: Float32Array],
  ];
  const channels = scale.length;
  const factors = new Float64Array(channels);
  const summands = new Float64Array(channels);
  const z = output.data;
  return () => {
    for (let c = 0; c < channels; c++) {
      factors[c] = scale[c]! / Math.sqrt(variance[c]! + node.epsilon);
      summands[c] = offset[c]! - mean[c]! * factors[c]!;
    }
    for (let at = 0; at < z.length; at += channels) {
      for (let c = 0; c < channels; c++) z[at + c] = image[at + c]! * factors[c]! + summands[c]!;
    }
  };
}

/** A vector added to each run of as many elements. */
export function biasAddKernel(input: Value, bias: Value, output: Value): Kernel {
  const [x, b, z] = [input.data, bias.data, output.data];
  const channels = b.length;
  return () => {
    for (let at = 0; at < z.length; at += channels) {
      for (let c = 0; c < channels; c++) z[at + c] = x[at + c]! + b[c]!;
    }
  };
}
