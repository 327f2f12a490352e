import { float32Tensor, float32Values, Random } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from './compile-graph.js';
import type { ConvolutionOp } from './graph.js';
import { type ConvolutionOptions, GraphBuilder } from './graph-builder.js';

interface Values {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** 1, 2, 3, .. in a shape. */
function counting(...shape: number[]): Values {
  const count = shape.reduce((product, extent) => product * extent, 1);
  return { shape, values: Array.from({ length: count }, (_, i) => i + 1) };
}

function convolved(op: ConvolutionOp, image: Values, filters: Values, options: ConvolutionOptions = {}) {
  const graph = new GraphBuilder();
  graph.input('x', image.shape);
  graph.constant('w', filters.shape, filters.values);
  const built = graph.build('model', [graph.convolve(op, 'out', ['x', 'w'], options)]);
  const [answer] = evaluate(built, [float32Tensor('x', image.shape, image.values)]);
  return { shape: answer!.shape, values: [...float32Values(answer!)] };
}

describe('conv2d', () => {
  it('sums over the window and all channels', () => {
    // 1 2 3     1 2
    // 4 5 6  *  3 4
    // 7 8 9
    const { shape, values } = convolved('conv2d', counting(1, 3, 3, 1), counting(2, 2, 1, 1));
    expect(shape).toEqual([1, 2, 2, 1]);
    expect(values).toEqual([37, 47, 67, 77]);
    const pixel = { shape: [1, 1, 1, 3], values: [1, 10, 100] };
    expect(convolved('conv2d', pixel, counting(1, 1, 3, 2)).values).toEqual([531, 642]);
  });

  it('pads as TensorFlow does: SAME of an even image, at every second pixel, below and on the right only', () => {
    const ones = { shape: [3, 3, 1, 1], values: new Array<number>(9).fill(1) };
    const options = { strides: [2, 2], padding: 'same' } as const;
    // Windows at 0 and 2 of 4 pixels; the second reaches one beyond.
    expect(convolved('conv2d', counting(1, 4, 4, 1), ones, options).values).toEqual([54, 45, 72, 54]);
    // Of 5 pixels, one zero on each side.
    expect(convolved('conv2d', counting(1, 5, 5, 1), ones, options).values).toEqual([
      ...[16, 33, 28],
      ...[69, 117, 87],
      ...[76, 123, 88],
    ]);
  });

  it('starts each image of a batch afresh', () => {
    const options = { padding: 'same' } as const;
    const both = convolved('conv2d', counting(2, 3, 2, 2), counting(3, 3, 2, 3), options);
    const { values } = counting(2, 3, 2, 2);
    const single = [values.slice(0, 12), values.slice(12)].flatMap(
      (each) =>
        convolved('conv2d', { shape: [1, 3, 2, 2], values: each }, counting(3, 3, 2, 3), options).values,
    );
    expect(both.values).toEqual(single);
  });

  it('is the definition, for all sizes, strides and paddings', () => {
    const extent = fc.integer({ min: 1, max: 5 });
    const few = fc.integer({ min: 0, max: 2 });
    const stride = fc.integer({ min: 1, max: 3 });
    const sizes = fc.tuple(extent, extent, extent, extent, stride, stride, few, few, fc.integer());
    fc.assert(
      fc.property(sizes, ([rows, columns, channels, results, down, across, top, left, seed]) => {
        const random = new Random(seed);
        const [windowRows, windowColumns] = [random.integer(1, rows), random.integer(1, columns)];
        const draw = (...shape: number[]): Values => {
          const { values } = counting(...shape);
          return { shape, values: values.map(() => Math.fround(random.normal())) };
        };
        const image = draw(2, rows, columns, channels);
        const filters = draw(windowRows, windowColumns, channels, results);
        const padding = { top, left, bottom: 1, right: 0 };
        const actual = convolved('conv2d', image, filters, { strides: [down, across], padding });
        const [, outRows = 0, outColumns = 0] = actual.shape;
        actual.values.forEach((value, at) => {
          const result = at % results;
          const x = (Math.floor(at / results) % outColumns) * across - left;
          const y = (Math.floor(at / results / outColumns) % outRows) * down - top;
          const sample = Math.floor(at / results / outColumns / outRows);
          let sum = 0;
          for (let i = 0; i < windowRows; i++) {
            for (let j = 0; j < windowColumns; j++) {
              if (y + i < 0 || y + i >= rows || x + j < 0 || x + j >= columns) continue;
              for (let c = 0; c < channels; c++) {
                sum +=
                  image.values[((sample * rows + y + i) * columns + x + j) * channels + c]! *
                  filters.values[((i * windowColumns + j) * channels + c) * results + result]!;
              }
            }
          }
          expect(Math.abs(value - sum)).toBeLessThan(1e-6 * (1 + Math.abs(sum)));
        });
      }),
    );
  });
});

describe('depthwiseConv2d', () => {
  it('convolves each channel on its own', () => {
    const image = { shape: [1, 2, 2, 2], values: [1, 10, 2, 20, 3, 30, 4, 40] };
    const filters = { shape: [2, 2, 2, 1], values: [1, 1, 2, 0, 3, 0, 4, 0] };
    expect(convolved('depthwiseConv2d', image, filters)).toEqual({ shape: [1, 1, 1, 2], values: [30, 10] });
  });

  it('gives the results of a channel side by side', () => {
    const image = { shape: [1, 1, 1, 2], values: [1, 10] };
    expect(convolved('depthwiseConv2d', image, counting(1, 1, 2, 3)).values).toEqual([1, 2, 3, 40, 50, 60]);
  });

  it('pads like conv2d', () => {
    const ones = { shape: [3, 3, 1, 1], values: new Array<number>(9).fill(1) };
    const options = { strides: [2, 2], padding: 'same' } as const;
    expect(convolved('depthwiseConv2d', counting(1, 4, 4, 1), ones, options).values).toEqual([
      54, 45, 72, 54,
    ]);
  });
});

describe('other operations on images', () => {
  function answer(image: Values, build: (graph: GraphBuilder) => string) {
    const graph = new GraphBuilder();
    graph.input('x', image.shape);
    const [tensor] = evaluate(graph.build('model', [build(graph)]), [
      float32Tensor('x', image.shape, image.values),
    ]);
    return { shape: tensor!.shape, values: [...float32Values(tensor!)] };
  }

  it('averagePool is the mean of each window, for each channel', () => {
    const image = counting(1, 4, 4, 2);
    expect(answer(image, (graph) => graph.averagePool('out', 'x', [2, 2], [2, 2]))).toEqual({
      shape: [1, 2, 2, 2],
      values: [6, 7, 10, 11, 22, 23, 26, 27],
    });
    expect(answer(image, (graph) => graph.averagePool('out', 'x', [4, 4])).values).toEqual([16, 17]);
  });

  it('batchNormalization scales and shifts each channel', () => {
    const vectors: Readonly<Record<string, number[]>> = {
      ...{ scale: [2, 3], offset: [10, 20], mean: [1, 2], variance: [3.75, 8.75] },
    };
    const { values } = answer({ shape: [1, 1, 2, 2], values: [1, 2, 5, 8] }, (graph) => {
      const names = Object.entries(vectors).map(([name, numbers]) => graph.constant(name, [2], numbers));
      return graph.batchNormalization('out', ['x', ...names], 0.25);
    });
    // (x - mean) / root(4 and 9) * scale + offset
    expect(values).toEqual([10, 20, 14, 26]);
  });

  it('relu6 is between 0 and 6', () => {
    const image = { shape: [1, 1, 1, 4], values: [-1, 0.5, 6, 7] };
    expect(answer(image, (graph) => graph.apply('relu6', 'out', ['x'])).values).toEqual([0, 0.5, 6, 6]);
  });

  it('biasAdd adds to each channel', () => {
    const { values } = answer(counting(1, 2, 1, 2), (graph) =>
      graph.apply('biasAdd', 'out', ['x', graph.constant('b', [2], [10, 20])]),
    );
    expect(values).toEqual([11, 22, 13, 24]);
  });

  it('transpose puts the dimensions in another order, and back', () => {
    const image = counting(2, 2, 1, 3);
    const turned = answer(image, (graph) => graph.transpose('out', 'x', [0, 3, 1, 2]));
    expect(turned).toEqual({ shape: [2, 3, 2, 1], values: [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12] });
    expect(answer(turned, (graph) => graph.transpose('out', 'x', [0, 2, 3, 1]))).toEqual(image);
  });
});

describe('memory', () => {
  it('of values that nothing takes any more is used again, but never an input’s or an output’s', () => {
    const graph = new GraphBuilder();
    graph.input('x', [-1, 4]);
    let value = 'x';
    for (const i of [0, 1, 2, 3]) value = graph.apply('relu', `a${i}`, [value]);
    graph.input('y', [-1, 4]);
    graph.apply('add', 'sum', [value, 'y']);
    graph.apply('sub', 'difference', ['sum', 'x']);
    const built = graph.build('model', ['a1', 'sum', 'difference']);
    const tensors = ['x', 'y'].map((name, i) => float32Tensor(name, [1, 4], [1, 2, 3, 4 + 10 * i]));
    const answers = evaluate(built, tensors).map((tensor) => [...float32Values(tensor)]);
    expect(answers).toEqual([
      [1, 2, 3, 4],
      [2, 4, 6, 18],
      [1, 2, 3, 14],
    ]);
  });
});
