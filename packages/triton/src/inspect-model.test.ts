import { AibenchError } from '@aibench/core';
import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { inspectModel } from './inspect-model.js';
import type { TritonControl } from './triton-control.js';

const fraud = await loadUseCase('creditcard-fraud');
const task = fraud.task({ withReference: false });

function failing(status: string) {
  return async () => {
    throw new AibenchError('AIBENCH_SERVER', `10.0.0.1:8001 answered ${status}`, { status });
  };
}

/** A server with the model, but for the calls that are given. */
function server(calls: Partial<TritonControl> = {}): TritonControl {
  return {
    address: '10.0.0.1:8001',
    serverLive: async () => true,
    serverReady: async () => true,
    serverMetadata: async () => ({ name: 'triton', version: '2.51.0', extensions: [] }),
    modelReady: async () => true,
    modelMetadata: async (name) => ({
      ...{ name, versions: ['1'], platform: 'python' },
      inputs: [{ name: 'transaction', datatype: 'FP32', shape: [1, 30] }],
      outputs: [{ name: 'out', datatype: 'FP32', shape: [1, 2] }],
    }),
    modelConfiguration: async () => ({
      ...{ backend: 'python', maxBatchSize: 0, dynamicBatching: undefined },
      instances: [{ kind: 'KIND_CPU', count: 1 }],
    }),
    modelStatistics: async () => ({}),
    repositoryIndex: async () => [],
    loadModel: async () => undefined,
    close: async () => undefined,
    ...calls,
  };
}

function inspect(calls: Partial<TritonControl> = {}, version = '') {
  return inspectModel(server(calls), task, { model: 'net', version });
}

describe('inspectModel', () => {
  it('tells who answers, and how the model is asked', async () => {
    const { server: identity, serverReady, call, configuration } = await inspect({}, '1');
    expect(identity.name).toBe('triton');
    expect(serverReady).toBe(true);
    expect(configuration?.backend).toBe('python');
    expect(call).toMatchObject({ model: 'net', version: '1', inputs: [{ name: 'transaction' }] });
  });

  it('takes a model that is ready on a server that is not, as a whole', async () => {
    expect((await inspect({ serverReady: async () => false })).serverReady).toBe(false);
  });

  it("does without Triton's extensions", async () => {
    const { configuration } = await inspect({ modelConfiguration: failing('UNIMPLEMENTED') });
    expect(configuration).toBeUndefined();
    await expect(inspect({ modelConfiguration: failing('INTERNAL') })).rejects.toMatchObject({
      status: 'INTERNAL',
    });
  });

  it.each<[string, Partial<TritonControl>, string, string, string]>([
    ['a server that starts', { serverLive: async () => false }, '', 'AIBENCH_SERVER', 'is not live yet'],
    [
      'a model that loads',
      { modelReady: async () => false },
      '2',
      'AIBENCH_SERVER',
      'model net, version 2 is not ready',
    ],
    [
      'a model that is not there',
      { modelMetadata: failing('NOT_FOUND') },
      '1',
      'AIBENCH_MISSING_KEY',
      'has no model net',
    ],
    [
      'a model that is not there, over HTTP',
      { modelMetadata: failing('404'), repositoryIndex: failing('404') },
      '',
      'AIBENCH_MISSING_KEY',
      'has no model net',
    ],
    [
      'a version that is not there',
      {
        modelMetadata: async (name, version) =>
          version === '' ? server().modelMetadata(name, '') : await failing('NOT_FOUND')(),
      },
      '7',
      'AIBENCH_MISSING_KEY',
      'has no version 7 of model net, but 1',
    ],
    [
      'a model that could not be loaded',
      {
        modelMetadata: failing('NOT_FOUND'),
        repositoryIndex: async () => [
          { name: 'net', version: '1', state: 'UNAVAILABLE', reason: 'no back end' },
        ],
      },
      '',
      'AIBENCH_MISSING_KEY',
      'has not loaded model net: no back end',
    ],
    [
      'a model that was never loaded',
      {
        modelMetadata: failing('NOT_FOUND'),
        repositoryIndex: async () => [{ name: 'net', version: '', state: '', reason: '' }],
      },
      '',
      'AIBENCH_MISSING_KEY',
      'has not loaded model net, which lies in its repository',
    ],
    ['another error', { modelMetadata: failing('INTERNAL') }, '', 'AIBENCH_SERVER', 'answered INTERNAL'],
  ])('names %s', async (_what, calls, version, code, words) => {
    const error = await inspect(calls, version).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code });
    expect((error as AibenchError).message).toContain('10.0.0.1:8001');
    expect((error as AibenchError).message).toContain(words);
  });
});
