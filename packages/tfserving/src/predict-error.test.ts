import { AibenchError } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { predictError } from './predict-error.js';

describe('predictError', () => {
  it('names the row, and keeps code and status', () => {
    const cause = new AibenchError('AIBENCH_SERVER', 'a:1 answered NOT_FOUND: Servable not found', {
      status: 'NOT_FOUND',
    });
    expect(predictError('a:1', cause, 17)).toMatchObject({
      code: 'AIBENCH_SERVER',
      status: 'NOT_FOUND',
      message: 'a:1 answered for row 17: NOT_FOUND: Servable not found',
      hint: expect.stringContaining('--model-version'),
      cause,
    });
    const unfit = new AibenchError('AIBENCH_ANSWER', 'the answer has no output out', { hint: 'see --model' });
    expect(predictError('a:1', unfit, 3)).toMatchObject({
      code: 'AIBENCH_ANSWER',
      message: 'a:1 answered for row 3: the answer has no output out',
      hint: 'see --model',
    });
  });

  it.each([
    new AibenchError('AIBENCH_CONNECTION', 'lost'),
    new AibenchError('AIBENCH_MISSING_KEY', 'Redis has no key'),
    new TypeError('a bug'),
  ])('leaves alone what is no answer: %s', (error) => {
    expect(predictError('a:1', error, 1)).toBe(error);
  });
});
