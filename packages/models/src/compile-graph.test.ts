import { float32Tensor, float32Values, Random, type Tensor } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGraph, evaluate } from './compile-graph.js';
import type { PlainOp } from './graph.js';
import { GraphBuilder } from './graph-builder.js';

function valuesOf(tensors: readonly Tensor[], index = 0): number[] {
  return [...float32Values(tensors[index]!)];
}

function applied(op: PlainOp, ...operands: { shape: number[]; values: number[] }[]): number[] {
  const graph = new GraphBuilder();
  const names = operands.map(({ shape }, i) => graph.input(`in${i}`, shape));
  const built = graph.build('model', [graph.apply(op, 'out', names)]);
  return valuesOf(
    evaluate(
      built,
      operands.map(({ shape, values }, i) => float32Tensor(`in${i}`, shape, values)),
    ),
  );
}

describe('evaluate', () => {
  it.each<[PlainOp, number[], number[]]>([
    ['identity', [-1, 2], [-1, 2]],
    ['relu', [-1, 2], [0, 2]],
    ['sigmoid', [0, -100, 100, Math.log(3)], [0.5, 0, 1, 0.75]],
    ['tanh', [0, 100, Math.atanh(0.25)], [0, 1, 0.25]],
    ['softmax', [Math.log(1), Math.log(3)], [0.25, 0.75]],
    // Without a shift by the largest these would be infinite.
    ['softmax', [1_000, 1_000, 0], [0.5, 0.5, 0]],
  ])('computes %s of %j', (op, values, expected) => {
    const actual = applied(op, { shape: [1, values.length], values });
    for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 6);
  });

  it('normalises rows apart', () => {
    const actual = applied('softmax', { shape: [2, 2], values: [0, 0, Math.log(9), 0] });
    for (const [i, value] of [0.5, 0.5, 0.9, 0.1].entries()) expect(actual[i]).toBeCloseTo(value, 6);
  });

  it('broadcasts a row, a column and a scalar', () => {
    const matrix = { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] };
    expect(applied('add', matrix, { shape: [3], values: [10, 20, 30] })).toEqual([11, 22, 33, 14, 25, 36]);
    expect(applied('sub', { shape: [2, 1], values: [10, 20] }, matrix)).toEqual([9, 8, 7, 16, 15, 14]);
    expect(applied('mul', matrix, { shape: [], values: [2] })).toEqual([2, 4, 6, 8, 10, 12]);
    expect(
      applied('div', { shape: [2, 1], values: [60, 120] }, { shape: [1, 3], values: [1, 2, 3] }),
    ).toEqual([60, 30, 20, 120, 60, 40]);
  });

  it('rounds to float32 after each operation', () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', [1]);
    const sum = graph.apply('add', 'sum', [x, graph.constant('large', [1], [2 ** 24])]);
    const built = graph.build('model', [
      graph.apply('sub', 'rest', [sum, graph.constant('again', [1], [2 ** 24])]),
    ]);
    expect(valuesOf(evaluate(built, [float32Tensor('x', [1], [1.25])]))).toEqual([2]);
  });

  it('multiplies matrices as the definition says', () => {
    const extent = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(extent, extent, extent, fc.integer(), (rows, inner, columns, seed) => {
        const random = new Random(seed);
        const a = Array.from({ length: rows * inner }, () => Math.fround(random.normal()));
        const b = Array.from({ length: inner * columns }, () => Math.fround(random.normal()));
        const actual = applied(
          'matMul',
          { shape: [rows, inner], values: a },
          { shape: [inner, columns], values: b },
        );
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            let sum = 0;
            for (let k = 0; k < inner; k++) sum += a[row * inner + k]! * b[k * columns + column]!;
            expect(actual[row * columns + column]).toBe(Math.fround(sum));
          }
        }
      }),
    );
  });

  it('puts values together along any dimension', () => {
    const graph = new GraphBuilder();
    graph.input('a', [2, 1]);
    graph.input('b', [2, 2]);
    graph.concat('wide', ['a', 'b'], -1);
    graph.concat('tall', ['b', 'b'], 0);
    const built = graph.build('model', ['wide', 'tall']);
    const answers = evaluate(built, [
      float32Tensor('a', [2, 1], [1, 2]),
      float32Tensor('b', [2, 2], [3, 4, 5, 6]),
    ]);
    expect(answers.map((answer) => answer.shape)).toEqual([
      [2, 3],
      [4, 2],
    ]);
    expect(valuesOf(answers, 0)).toEqual([1, 3, 4, 2, 5, 6]);
    expect(valuesOf(answers, 1)).toEqual([3, 4, 5, 6, 3, 4, 5, 6]);
  });
});

describe('compileGraph', () => {
  const graph = new GraphBuilder();
  graph.input('x', [-1, 2]);
  graph.input('y', [2]);
  graph.constant('two', [1], [2]);
  // Depends on constants alone, so it is computed once.
  graph.apply('mul', 'four', ['two', 'two']);
  graph.apply('mul', 'scaled', ['x', 'four']);
  const built = graph.build('model', [graph.apply('add', 'out', ['scaled', 'y']), 'four']);
  const y = float32Tensor('y', [2], [10, 20]);

  it('takes batches of any size, one after the other, and inputs in any order', () => {
    const run = compileGraph(built);
    for (const batch of [1, 3, 1, 2]) {
      const x = float32Tensor(
        'x',
        [batch, 2],
        Array.from({ length: batch * 2 }, (_, i) => i),
      );
      const [out, four] = run([y, x]);
      expect(out).toMatchObject({ name: 'out', dtype: 'float32', shape: [batch, 2] });
      expect([...float32Values(out!)]).toEqual(
        Array.from({ length: batch * 2 }, (_, i) => i * 4 + (i % 2 === 0 ? 10 : 20)),
      );
      expect([...float32Values(four!)]).toEqual([4]);
    }
  });

  it('gives answers that the next run leaves alone', () => {
    const run = compileGraph(built);
    const first = run([float32Tensor('x', [1, 2], [1, 2]), y]);
    run([float32Tensor('x', [1, 2], [8, 9]), y]);
    expect(valuesOf(first)).toEqual([14, 28]);
  });

  it('reads data that is not aligned', () => {
    const bytes = new Uint8Array(9);
    bytes.set(float32Tensor('x', [1, 2], [1, 2]).data, 1);
    const x: Tensor = { name: 'x', dtype: 'float32', shape: [1, 2], data: bytes.subarray(1) };
    expect(valuesOf(evaluate(built, [x, y]))).toEqual([14, 28]);
  });

  it.each<[string, Tensor[], RegExp]>([
    ['an input is missing', [y], /input x is missing/],
    ['a shape is wrong', [float32Tensor('x', [1, 3], [1, 2, 3]), y], /input x is float32 \[-1,2\].*\[1,3\]/],
    ['a rank is wrong', [float32Tensor('x', [2], [1, 2]), y], /input x is float32 \[-1,2\].*\[2\]/],
    ['bytes are missing', [{ ...float32Tensor('x', [1, 2], [1]) }, y], /input x.*4 bytes/],
    [
      'a dtype is wrong',
      [{ name: 'x', dtype: 'uint8', shape: [1, 2], data: new Uint8Array(2) }, y],
      /not uint8/,
    ],
  ])('says where %s', (_case, inputs, message) => {
    expect(() => evaluate(built, inputs)).toThrowError(message);
  });

  it('says where batches differ', () => {
    const two = new GraphBuilder();
    two.apply('add', 'out', [two.input('a', [-1, 1]), two.input('b', [-1, 1])]);
    const inputs = [float32Tensor('a', [2, 1], [1, 2]), float32Tensor('b', [3, 1], [1, 2, 3])];
    expect(() => evaluate(two.build('model', ['out']), inputs)).toThrowError(/batches of 2 and 3/);
  });
});
