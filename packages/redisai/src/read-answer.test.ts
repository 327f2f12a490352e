import { AibenchError } from '@aibench/core';
import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { inferenceError, readAnswer } from './read-answer.js';

const fraud = await loadUseCase('creditcard-fraud');
const context = {
  task: fraud.task({ withReference: true }),
  address: '10.0.0.1:6379',
  model: 'financialNet',
  cluster: false,
};
const ok = Buffer.from('OK');
const answer = Buffer.from(Float32Array.of(0.25, 0.75).buffer);

function failure(act: () => unknown): AibenchError {
  try {
    act();
  } catch (error) {
    if (error instanceof AibenchError) return error;
  }
  throw new Error('it did not fail as foreseen');
}

describe('readAnswer', () => {
  it('gives the outputs as views on the reply', () => {
    const [output, ...others] = readAnswer(context, [ok, ok, answer], 17);
    expect(others).toEqual([]);
    expect(output).toMatchObject({ name: 'output', dtype: 'float32', shape: [1, 2] });
    expect(output?.data.buffer).toBe(answer.buffer);
  });

  it.each([
    ['no list', ok, 'OK instead of OK, OK, 8 bytes'],
    ['a list too short', [ok, ok], 'OK, OK instead of'],
    ['a list too long', [ok, ok, answer, answer], 'OK, OK, 8 bytes, 8 bytes instead of'],
    ['a step that was left out', [ok, Buffer.from('NA'), Buffer.from('NA')], 'OK, NA, NA instead of'],
    ['an answer of another size', [ok, ok, Buffer.alloc(12)], 'OK, OK, 12 bytes instead of'],
    ['an answer that is no blob', [ok, ok, [1, 2]], 'OK, OK, a list of 2 instead of'],
    ['nothing', null, 'null instead of'],
  ])('refuses %s, naming server and row', (_name, replies, words) => {
    const error = failure(() => readAnswer(context, replies, 17));
    expect(error.code).toBe('AIBENCH_ANSWER');
    expect(error.message).toContain('10.0.0.1:6379 answered for row 17: ');
    expect(error.message).toContain(words);
    expect(error.hint).toContain('--model');
  });

  it("gives the server's own words where a step of a DAG failed", () => {
    const error = failure(() =>
      readAnswer(context, [ok, new Error('ERR out of memory'), Buffer.from('NA')], 4),
    );
    expect(error.code).toBe('AIBENCH_SERVER');
    expect(error.message).toBe('10.0.0.1:6379 answered for row 4: ERR out of memory');
  });
});

describe('inferenceError', () => {
  const answered = (text: string) =>
    new AibenchError('AIBENCH_SERVER', `10.0.0.1:6379 answered: ${text}`, { cause: new Error(text) });

  it.each(['ERR tensor key is empty', 'ERR tensor key is empty or in a different shard'])(
    'names the missing reference tensor: %s',
    (text) => {
      const error = inferenceError(context, answered(text), 17) as AibenchError;
      expect(error.code).toBe('AIBENCH_MISSING_KEY');
      expect(error.message).toContain('lacks referenceTensor:{17} (row 17)');
      expect(error.hint).toContain('aibench-load-data');
    },
  );

  it('names the missing model', () => {
    const error = inferenceError(context, answered('ERR model key is empty'), 17) as AibenchError;
    expect(error.code).toBe('AIBENCH_MISSING_KEY');
    expect(error.message).toBe('10.0.0.1:6379 has no model financialNet');
    expect(error.hint).toContain('aibench-setup-model');
  });

  it('tells a slot that has moved from a cluster that is not used as one', () => {
    const moved = answered('MOVED 7 10.0.0.2:6379');
    const hintOf = (cluster: boolean) =>
      (inferenceError({ ...context, cluster }, moved, 17) as AibenchError).hint;
    expect(hintOf(true)).toContain('aibench-setup-model');
    expect(hintOf(false)).toBeUndefined();
  });

  it('leaves other errors as they are', () => {
    const lost = new AibenchError('AIBENCH_CONNECTION', 'lost');
    expect(inferenceError(context, lost, 1)).toBe(lost);
  });
});
