import { describe, expect, it } from 'vitest';
import { readModelDescription } from './model-description.js';

const version = {
  modelName: 'financialNet',
  modelVersion: '1.0',
  modelUrl: 'financialNet.mar',
  runtime: 'python',
  minWorkers: 2,
  maxWorkers: 4,
  batchSize: 8,
  maxBatchDelay: 100,
  workers: [
    { id: '9000', status: 'READY', gpu: false },
    { id: '9001', status: 'UNLOADING', gpu: false },
  ],
};

describe('readModelDescription', () => {
  it('reads every version', () => {
    const [first, second] = readModelDescription(
      [version, { ...version, modelVersion: '2.0', engine: 'x/1' }],
      'h:1',
    );
    expect(first).toEqual({
      ...{ model: 'financialNet', version: '1.0', archive: 'financialNet.mar', runtime: 'python' },
      ...{ engine: undefined, minWorkers: 2, maxWorkers: 4, batchSize: 8, maxBatchDelayMs: 100 },
      workers: ['READY', 'UNLOADING'],
    });
    expect(second).toMatchObject({ version: '2.0', engine: 'x/1' });
  });

  it('takes what is not told as nothing', () => {
    expect(readModelDescription([{ modelName: 'm', modelVersion: '1' }], 'h:1')).toMatchObject([
      { minWorkers: 0, batchSize: 0, workers: [] },
    ]);
  });

  it.each([[undefined], [{}], [[]], ['x'], [[1]], [[{ modelName: 'm' }]], [[version, null]]])(
    'refuses %j',
    (json) => {
      expect(() => readModelDescription(json, 'h:1')).toThrow(
        "h:1 describes the model in a form that is not TorchServe's",
      );
    },
  );
});
