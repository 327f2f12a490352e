import { AibenchError } from '@aibench/core';
import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { matchModel } from './match-model.js';
import type { ModelDescription, ModelTensor } from './triton-control.js';

const fraud = await loadUseCase('creditcard-fraud');
const task = fraud.task({ withReference: true });
const where = { address: '10.0.0.1:8001', version: '3' };

function tensor(name: string, shape: readonly number[], datatype = 'FP32'): ModelTensor {
  return { name, datatype, shape };
}

function model(parts: Partial<ModelDescription> = {}): ModelDescription {
  return {
    ...{ name: 'financialNet', versions: ['3'], platform: 'onnxruntime_onnx' },
    inputs: [tensor('reference', [256]), tensor('transaction', [1, 30])],
    outputs: [tensor('output', [1, 2])],
    ...parts,
  };
}

describe('matchModel', () => {
  it.each([
    ['as it is', [1, 30], [256], [1, 2]],
    ['with extents left open', [-1, 30], [-1], [-1, 2]],
    ['in batches', [-1, 30], [-1, 256], [-1, 2]],
    ['without the batch', [30], [256], [2]],
  ])('asks a model %s in its own shapes', (_how, transaction, reference, output) => {
    const description = model({
      inputs: [tensor('transaction', transaction), tensor('reference', reference)],
      outputs: [tensor('output', output)],
    });
    const { inputs, outputs, ...call } = matchModel(task, description, where);
    expect(call).toEqual({ model: 'financialNet', version: '3' });
    expect(inputs.map(({ name, dtype }) => `${name} ${dtype}`)).toEqual([
      'transaction float32',
      'reference float32',
    ]);
    const ranks = [...inputs, ...outputs].map(({ shape }) => shape.length);
    expect(ranks).toEqual([transaction.length, reference.length, output.length]);
    expect(inputs.map(({ shape }) => shape.reduce((a, b) => a * b, 1))).toEqual([30, 256]);
  });

  it("takes a null server's model as it comes", () => {
    const description = model({ platform: 'null', inputs: [], outputs: [] });
    expect(matchModel(task, description, where).inputs.map(({ name }) => name)).toEqual([
      'transaction',
      'reference',
    ]);
  });

  it.each<[string, Partial<ModelDescription>, string]>([
    [
      'lacks an input',
      { inputs: [tensor('transaction', [1, 30])] },
      'input: the use case has reference FP32 [256], the model transaction FP32 [1,30]',
    ],
    [
      'has no inputs at all',
      { inputs: [] },
      'input: the use case has transaction FP32 [1,30], the model none',
    ],
    [
      'wants one more',
      { inputs: [...model().inputs, tensor('image', [-1, 224, 224, 3])] },
      'model financialNet also wants image FP32 [-1,224,224,3]',
    ],
    [
      'wants another type',
      { inputs: [tensor('transaction', [1, 30], 'FP64'), tensor('reference', [256])] },
      'the use case has transaction FP32 [1,30], the model transaction FP64 [1,30]',
    ],
    [
      'wants another shape',
      { inputs: [tensor('transaction', [1, 29]), tensor('reference', [256])] },
      'the use case has transaction FP32 [1,30], the model transaction FP32 [1,29]',
    ],
    [
      'wants another rank',
      { inputs: [tensor('transaction', [1, 1, 30, 1]), tensor('reference', [256])] },
      'the model transaction FP32 [1,1,30,1]',
    ],
    [
      'answers with another tensor',
      { outputs: [tensor('out', [1, 2])] },
      'output: the use case has output FP32 [1,2], the model out FP32 [1,2]',
    ],
  ])('refuses one that %s', (_how, parts, words) => {
    let error: unknown;
    try {
      matchModel(task, model(parts), where);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AibenchError);
    expect(error).toMatchObject({ code: 'AIBENCH_ANSWER' });
    expect((error as AibenchError).message).toContain('10.0.0.1:8001: model financialNet');
    expect((error as AibenchError).message).toContain(words);
    expect((error as AibenchError).hint).toContain('--model');
  });
});
