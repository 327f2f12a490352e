import { AibenchError } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { GraphBuilder, withInputShapes } from './graph-builder.js';

function started(): GraphBuilder {
  const graph = new GraphBuilder();
  graph.input('x', [-1, 4]);
  graph.input('r', [8]);
  graph.constant('w', [4, 3], new Array(12).fill(1));
  return graph;
}

function problemOf(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    if (error instanceof AibenchError && error.code === 'AIBENCH_INPUT') return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('GraphBuilder', () => {
  it('infers shapes, with the batch left open', () => {
    const graph = started();
    graph.apply('matMul', 'product', ['x', 'w']);
    graph.reshape('row', 'r', [1, -1]);
    graph.reshape('cube', 'x', [-1, 2, 2]);
    graph.concat('joined', ['product', 'x'], -1);
    graph.reshape('matrix', 'r', [2, 4]);
    graph.apply('add', 'sum', ['x', graph.constant('one', [], [1])]);
    const built = graph.build('model', ['joined', 'cube']);
    expect(Object.fromEntries(built.shapes)).toMatchObject({
      product: [-1, 3],
      row: [1, 8],
      cube: [-1, 2, 2],
      joined: [-1, 7],
      matrix: [2, 4],
      sum: [-1, 4],
    });
    expect(built.inputs).toEqual([
      { name: 'x', dtype: 'float32', shape: [-1, 4] },
      { name: 'r', dtype: 'float32', shape: [8] },
    ]);
    expect(built.outputs.map((output) => output.name)).toEqual(['joined', 'cube']);
  });

  it.each<[string, (graph: GraphBuilder) => unknown, RegExp]>([
    [
      'inner extents differ',
      (g) => g.apply('matMul', 'm', ['w', 'x']),
      /node m \(matMul\): \[4,3\].*\[-1,4\]/,
    ],
    [
      'vectors are no matrices',
      (g) => g.apply('matMul', 'm', ['x', 'r']),
      /node m \(matMul\): \[-1,4\].*\[8\]/,
    ],
    ['shapes do not broadcast', (g) => g.apply('add', 'a', ['x', 'r']), /node a \(add\).*don't go together/],
    [
      'the batch meets a fixed extent',
      (g) => g.apply('mul', 'a', ['x', 'w']),
      /node a \(mul\).*don't go together/,
    ],
    ['too few inputs', (g) => g.apply('sub', 's', ['x']), /node s \(sub\): takes 2 inputs, not 1/],
    ['too many inputs', (g) => g.apply('relu', 's', ['x', 'r']), /node s \(relu\): takes 1 input, not 2/],
    ['elements would be lost', (g) => g.reshape('s', 'r', [1, 7]), /node s \(reshape\): \[8\].*\[1,7\]/],
    ['elements do not divide', (g) => g.reshape('s', 'r', [3, -1]), /\[8\].*\[3,-1\]/],
    ['two free extents', (g) => g.reshape('s', 'r', [-1, -1]), /\[8\].*\[-1,-1\]/],
    ['the batch would move', (g) => g.reshape('s', 'x', [4, -1]), /\[-1,4\].*\[4,-1\]/],
    ['the batch would be closed', (g) => g.reshape('s', 'x', [1, 4]), /\[-1,4\].*\[1,4\]/],
    ['no such dimension', (g) => g.concat('c', ['x', 'x'], 2), /node c \(concat\): no dimension 2/],
    ['batches put together', (g) => g.concat('c', ['x', 'x'], 0), /node c \(concat\)/],
    ['ranks differ', (g) => g.concat('c', ['x', 'r'], 0), /node c \(concat\)/],
    ['nothing to put together', (g) => g.concat('c', [], 0), /at least 1 input/],
    ['too few values', (g) => g.constant('c', [2, 2], [1, 2, 3]), /node c \(constant\).*\[2,2\].*3 values/],
    ['a constant with a batch', (g) => g.constant('c', [-1], [1]), /node c \(constant\)/],
    ['a batch inside', (g) => g.input('i', [4, -1]), /node i \(input\).*\[4,-1\].*outermost/],
    ['an extent of 0', (g) => g.input('i', [-1, 0]), /node i \(input\)/],
    ['softmax of a scalar', (g) => g.apply('softmax', 's', [g.constant('c', [], [1])]), /node s \(softmax\)/],
    ['a matrix for images', (g) => g.convolve('conv2d', 'c', ['x', 'w']), /\[-1,4\] are no images/],
    [
      'filters for other channels',
      (g) => g.convolve('conv2d', 'c', [g.input('i', [-1, 4, 4, 3]), g.constant('f', [1, 1, 2, 1], [1, 2])]),
      /node c \(conv2d\): filters \[1,1,2,1\] are for 2 channels, not 3/,
    ],
    [
      'a vector for filters',
      (g) => g.convolve('depthwiseConv2d', 'c', [g.input('i', [-1, 4, 4, 3]), 'r']),
      /node c \(depthwiseConv2d\): \[8\] are no filters/,
    ],
    [
      'a window that is larger than the image',
      (g) => g.averagePool('p', g.input('i', [-1, 4, 4, 3]), [5, 1]),
      /node p \(averagePool\): a window of 5x1 does not fit into \[-1,4,4,3\]/,
    ],
    [
      'strides of 0',
      (g) => g.averagePool('p', g.input('i', [-1, 4, 4, 3]), [1, 1], [0, 1]),
      /strides are positive/,
    ],
    [
      'means for other channels',
      (g) => g.batchNormalization('n', [g.input('i', [-1, 4, 4, 3]), 'r', 'r', 'r', 'r'], 0),
      /node n \(batchNormalization\): \[8\] is no vector for the channels of \[-1,4,4,3\]/,
    ],
    ['a bias for other channels', (g) => g.apply('biasAdd', 'b', ['x', 'r']), /\[8\] is no vector/],
    [
      'a batch that would move',
      (g) => g.transpose('t', 'x', [1, 0]),
      /node t \(transpose\): \[1,0\] is no order/,
    ],
    ['dimensions left out', (g) => g.transpose('t', 'x', [0]), /\[0\] is no order/],
    ['an unknown input', (g) => g.apply('relu', 's', ['y']), /node s \(relu\) takes y, which is not there/],
    ['a name taken', (g) => g.input('x', [1]), /node x stands twice/],
    ['a malformed name', (g) => g.input('a b', [1]), /node "a b"/],
    ['no outputs', (g) => g.build('model', []), /model has no outputs/],
    ['an unknown output', (g) => g.build('model', ['z']), /model model: no node z/],
    ['an input for an output', (g) => g.build('model', ['x']), /output x is no computed value/],
    ['an unknown node', (g) => g.shapeOf('z'), /no model node z/],
  ])('says where %s', (_case, build, message) => {
    expect(problemOf(() => build(started()))).toMatch(message);
  });
});

describe('withInputShapes', () => {
  const graph = started();
  graph.reshape('row', 'r', [1, 8]);
  const built = graph.build('model', ['row']);

  it('declares another shape for an input', () => {
    const changed = withInputShapes(built, { r: [1, 8] });
    expect(changed.inputs[1]?.shape).toEqual([1, 8]);
    expect(changed.outputs).toEqual(built.outputs);
    expect(built.inputs[1]?.shape).toEqual([8]);
  });

  it('says where the shape does not fit or the input is unknown', () => {
    expect(problemOf(() => withInputShapes(built, { r: [9] }))).toMatch(/node row \(reshape\): \[9\]/);
    expect(problemOf(() => withInputShapes(built, { row: [8] }))).toMatch(/no input row/);
  });
});
