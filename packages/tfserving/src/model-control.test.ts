import { AibenchError } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { GetModelMetadataRequest } from './gen/tensorflow_serving/apis/get_model_metadata.js';
import {
  GetModelStatusRequest,
  GetModelStatusResponse,
  ModelVersionStatus_State,
} from './gen/tensorflow_serving/apis/get_model_status.js';
import { tfServingMethods } from './methods.js';
import {
  askModelStatus,
  askSignature,
  availableVersion,
  type ControlCalls,
  identifyServer,
} from './model-control.js';

const { AVAILABLE, END, LOADING } = ModelVersionStatus_State;

/** A server that has some versions of one model `m`. */
function server(versions: Readonly<Record<number, { state: number; error?: string }>>): ControlCalls {
  const address = '127.0.0.1:8500';
  return {
    address,
    async call(path, message) {
      expect(path).toBe('/tensorflow.serving.ModelService/GetModelStatus');
      const { modelSpec } = GetModelStatusRequest.decode(message);
      const wanted = modelSpec?.versionChoice?.value;
      const found = Object.entries(versions).filter(
        ([version]) => modelSpec?.name === 'm' && (wanted === undefined || Number(version) === wanted),
      );
      if (found.length === 0) {
        throw new AibenchError('AIBENCH_SERVER', `${address} answered NOT_FOUND: x`, { status: 'NOT_FOUND' });
      }
      const answer = GetModelStatusResponse.fromPartial({
        modelVersionStatus: found.map(([version, { state, error }]) => ({
          version: Number(version),
          state: state as 30,
          ...(error === undefined ? {} : { status: { errorMessage: error } }),
        })),
      });
      return { message: GetModelStatusResponse.encode(answer).finish(), metadata: { server: 'some/1' } };
    },
  };
}

describe('askModelStatus', () => {
  it('tells versions and states', async () => {
    const calls = server({ 1: { state: END, error: 'gone' }, 3: { state: AVAILABLE } });
    expect(await askModelStatus(calls, { model: 'm' })).toEqual({
      versions: [
        { version: 1, state: 'END', error: 'gone' },
        { version: 3, state: 'AVAILABLE', error: '' },
      ],
      serverHeader: 'some/1',
    });
  });

  it.each([
    [{ model: 'n' }, '127.0.0.1:8500 has no model n'],
    [{ model: 'n', version: 1 }, '127.0.0.1:8500 has no model n version 1'],
    [{ model: 'm', version: 2 }, '127.0.0.1:8500 has no model m version 2, but 1 AVAILABLE'],
  ])('names what is missing, and what is there', async (choice, message) => {
    await expect(askModelStatus(server({ 1: { state: AVAILABLE } }), choice)).rejects.toMatchObject({
      code: 'AIBENCH_SERVER',
      status: 'NOT_FOUND',
      message,
      hint: expect.stringContaining('aibench-setup-model'),
    });
  });

  it('says so where the answer is another', async () => {
    const calls = { address: 'a:1', call: async () => ({ message: Uint8Array.of(0xff), metadata: {} }) };
    await expect(askModelStatus(calls, { model: 'm' })).rejects.toMatchObject({ code: 'AIBENCH_ANSWER' });
  });
});

describe('identifyServer', () => {
  it('knows the reference server, and takes all others for what they should be', () => {
    expect(identifyServer('aibench-reference-server/1.2.3')).toEqual({
      product: 'aibench-reference-server',
      version: '1.2.3',
      isReference: true,
    });
    for (const header of [undefined, 'envoy', 'aibench-reference-server-like/1']) {
      expect(identifyServer(header)).toEqual({
        product: 'TensorFlow Serving',
        version: 'unknown',
        isReference: false,
      });
    }
  });
});

describe('availableVersion', () => {
  const at = (version: number, state: string, error = '') => ({ version, state, error });

  it('is the newest that answers', () => {
    const versions = [at(1, 'AVAILABLE'), at(7, 'AVAILABLE'), at(9, 'LOADING')];
    expect(availableVersion('a:1', { model: 'm' }, versions)).toBe(7);
  });

  it('tells where a model is that does not answer', () => {
    expect(() => availableVersion('a:1', { model: 'm', version: 2 }, [at(2, 'END', 'no such op')])).toThrow(
      'a:1: model m version 2 does not answer yet: 2 END (no such op)',
    );
    expect(LOADING).toBe(20);
  });
});

describe('askSignature', () => {
  it('asks for signatures, and names the model where there are none', async () => {
    const calls: ControlCalls = {
      address: 'a:1',
      async call(path, message) {
        expect(path).toBe(tfServingMethods.getModelMetadata);
        expect(GetModelMetadataRequest.decode(message).metadataField).toEqual(['signature_def']);
        return { message: new Uint8Array(), metadata: {} };
      },
    };
    await expect(askSignature(calls, { model: 'm', version: 4 })).rejects.toThrow(
      'a:1, model m version 4: the metadata of the model has no signatures',
    );
  });
});
