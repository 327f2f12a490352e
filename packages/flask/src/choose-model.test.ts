import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { chooseModel } from './choose-model.js';
import type { FlaskModel } from './health.js';

const useCase = await loadUseCase('creditcard-fraud');
const plain = useCase.task({ withReference: false });
const referring = useCase.task({ withReference: true });

const transaction = { name: 'transaction', dtype: 'float32', shape: [-1, 30] };
const reference = { name: 'reference', dtype: 'float32', shape: [256] };
const sha256 = 'ab';

function model(name: string, fields: Partial<FlaskModel> = {}): FlaskModel {
  const outputs = [{ name: 'out', dtype: 'float32', shape: [-1, 2] }];
  return { name, inputs: [transaction], outputs, sha256, error: undefined, ...fields };
}

const withReference = model('both', {
  inputs: [reference, transaction],
  outputs: [{ name: 'output', dtype: 'float32', shape: [1, 2] }],
});

function health(models: readonly FlaskModel[], backend = 'onnxruntime') {
  return {
    ...{ service: 'aibench-flask', version: undefined, status: 'ok', identity: {}, models },
    backend: { name: backend, version: '1' },
  };
}

const choose = (task: typeof plain, models: readonly FlaskModel[], name = '') =>
  chooseModel(task, health(models), { address: 'h:1', model: name }).name;

describe('chooseModel', () => {
  it('takes the one whose inputs are those of the task, or the one named', () => {
    const models = [model('one'), withReference];
    expect(choose(plain, models)).toBe('one');
    expect(choose(referring, models)).toBe('both');
    expect(choose(plain, [...models, model('two')], 'two')).toBe('two');
  });

  it('takes one that is loaded before one that could not be', () => {
    expect(choose(plain, [model('broken', { error: 'why' }), model('one')])).toBe('one');
  });

  it('takes any shape of as many elements, and rows of a free extent', () => {
    const shaped = (shape: readonly number[]) => [model('m', { inputs: [{ ...transaction, shape }] })];
    for (const shape of [[30], [1, 30], [5, 6], [-1, 10], [-1]]) {
      expect(choose(plain, shaped(shape))).toBe('m');
    }
    for (const shape of [[31], [-1, 31], [2, 30], []]) {
      expect(() => choose(plain, shaped(shape))).toThrow(
        `h:1: model m, input: the use case has transaction float32 [1,30], the model transaction float32 [${shape}]`,
      );
    }
  });

  it('takes whatever a null server is asked for', () => {
    expect(chooseModel(plain, health([], 'null'), { address: 'h:1', model: 'x' }).name).toBe('x');
  });

  it.each([
    [
      'nothing',
      plain,
      [],
      '',
      'AIBENCH_MISSING_KEY',
      'no model with the inputs transaction; there are: none',
    ],
    ['another name', plain, [model('one')], 'two', 'AIBENCH_MISSING_KEY', 'h:1 has no model two, but one'],
    ['several', plain, [model('a'), model('b')], '', 'AIBENCH_ANSWER', 'the inputs transaction: a, b'],
    [
      'a broken one',
      plain,
      [model('a', { error: 'no such op' })],
      '',
      'AIBENCH_SERVER',
      'h:1 could not load model a: no such op',
    ],
    [
      'one that takes more',
      plain,
      [withReference],
      'both',
      'AIBENCH_ANSWER',
      'h:1: model both also wants reference float32 [256], which the use case does not have',
    ],
    [
      'one that takes less',
      referring,
      [model('one')],
      'one',
      'AIBENCH_ANSWER',
      'the use case has reference float32 [256], the model transaction float32 [-1,30]',
    ],
    [
      'another type',
      plain,
      [model('m', { inputs: [{ ...transaction, dtype: 'float64' }] })],
      '',
      'AIBENCH_ANSWER',
      'the use case has transaction float32 [1,30], the model transaction float64 [-1,30]',
    ],
    [
      'another output',
      plain,
      [model('m', { outputs: [reference] })],
      '',
      'AIBENCH_ANSWER',
      'output: the use case has out float32 [1,2], the model reference float32 [256]',
    ],
  ] as const)('refuses %s', (_what, task, models, name, code, message) => {
    expect(() => choose(task, models, name)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message), hint: expect.any(String) }),
    );
  });
});
