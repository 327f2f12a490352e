import { AibenchError, float32Tensor, type Tensor } from '@aibench/core';
import type { InferenceTask } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { answerDifference, checkAnswerShape } from './check-answer.js';

const output = { name: 'out', dtype: 'float32', shape: [1, 2], keyPrefix: 'out' } as const;
const task = {
  batchSize: 1,
  outputs: [output],
  tolerance: 1e-3,
  expectedOutputs: () => [float32Tensor('out', [1, 2], [0.25, 0.75])],
} as unknown as InferenceTask;
const right = float32Tensor('out', [1, 2], [0.25, 0.75]);

describe('checkAnswerShape', () => {
  it('accepts the tensors that the task calls for, whatever their name and values', () => {
    checkAnswerShape(task, [right]);
    checkAnswerShape(task, [{ ...right, name: 'other', shape: [2], data: new Uint8Array(8).fill(0xff) }]);
  });

  it('wants as many parts of a batch as the request had rows', () => {
    const batch = { ...task, batchSize: 3, outputs: [{ ...output, shape: [3, 2] }] };
    const three = float32Tensor('out', [3, 2], [1, 2, 3, 4, 5, 6]);
    checkAnswerShape(batch, [three]);
    checkAnswerShape(batch, [right], 1);
    expect(() => checkAnswerShape(batch, [three], 2)).toThrow(
      'tensor out is 24 bytes of float32 [3,2] instead of float32 [2,2]',
    );
  });

  it.each<[string, Tensor[], RegExp]>([
    ['no tensor', [], /0 tensors instead of 1/],
    ['too many', [right, right], /2 tensors instead of 1/],
    [
      'too short',
      [float32Tensor('out', [1], [1])],
      /tensor out is 4 bytes of float32 \[1\] instead of float32 \[1,2\]/,
    ],
    ['another type', [{ ...right, dtype: 'int64', shape: [1] }], /8 bytes of int64 \[1\]/],
  ])('rejects %s', (_, outputs, message) => {
    const error = catchError(() => checkAnswerShape(task, outputs));
    expect(error).toMatchObject({ code: 'AIBENCH_ANSWER', hint: expect.stringContaining('--model') });
    expect(error.message).toMatch(message);
  });
});

describe('answerDifference', () => {
  const row = new Uint8Array();

  it('finds none within the tolerance', () => {
    expect(answerDifference(task, row, [right])).toBeUndefined();
    expect(answerDifference(task, row, [float32Tensor('out', [1, 2], [0.2509, 0.7491])])).toBeUndefined();
  });

  it.each([
    ['beyond the tolerance', [0.252, 0.75]],
    ['in the last element', [0.25, 0.748]],
    ['swapped', [0.75, 0.25]],
    ['no number', [Number.NaN, 0.75]],
    ['infinite', [0.25, Number.POSITIVE_INFINITY]],
  ])('tells of an answer that is %s', (_, values) => {
    expect(answerDifference(task, row, [float32Tensor('out', [1, 2], values)])).toMatch(
      /^out is \[.*\] instead of \[0\.250000, 0\.750000\]$/,
    );
  });

  it('names the class on top where another should be, row by row', () => {
    const classes = (...values: number[]) => float32Tensor('out', [2, 3], values);
    const scores = {
      ...task,
      tolerance: 0.01,
      checkTop: true,
      expectedOutputs: () => [classes(0.2, 0.7, 0.1, 0.4, 0.2, 0.405)],
    } as InferenceTask;
    // Equally probable, as good as: either may be on top.
    expect(answerDifference(scores, row, [classes(0.2, 0.7, 0.1, 0.405, 0.2, 0.4)])).toBeUndefined();
    expect(answerDifference(scores, row, [classes(0.7, 0.2, 0.1, 0.4, 0.2, 0.405)])).toBe(
      'out has class 0 on top of image 0 in the batch instead of 1',
    );
    expect(answerDifference(scores, row, [classes(0.2, 0.72, 0.08, 0.4, 0.2, 0.405)])).toMatch(/^out is \[/);
  });

  it('shows no more than the beginning of a long answer', () => {
    const long = Array.from({ length: 1_001 }, (_, i) => i);
    const wide = {
      ...task,
      expectedOutputs: () => [float32Tensor('out', [1, 1_001], long)],
    } as InferenceTask;
    const answer = float32Tensor('out', [1, 1_001], [...long.slice(0, -1), -1]);
    expect(answerDifference(wide, row, [answer])?.length).toBeLessThan(200);
  });
});

function catchError(work: () => void): AibenchError {
  try {
    work();
  } catch (error) {
    if (error instanceof AibenchError) return error;
  }
  throw new Error('nothing was thrown');
}
