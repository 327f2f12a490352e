import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { float32Values, float32View, Random, tensorSizeBytes } from '@aibench/core';
import { writeSavedModel } from '@aibench/models';
import { temporaryFolder } from '@aibench/testing';
import {
  DataType,
  GetModelMetadataRequest,
  GetModelMetadataResponse,
  GetModelStatusRequest,
  GetModelStatusResponse,
  PredictRequest,
  PredictResponse,
  SignatureDefMap,
  TensorProto,
  tfServingMethods,
} from '@aibench/tfserving';
import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import type { ReferenceServerFlags } from '../flags.js';
import { GrpcCaller } from '../testing/grpc-caller.js';
import { additionGraph, floatBytes } from '../testing/test-models.js';
import { startServer } from '../testing/test-server.js';

function writeModel(
  folder: string,
  name: string,
  version: number,
  bytes = writeSavedModel(additionGraph),
): void {
  mkdirSync(join(folder, name, String(version)), { recursive: true });
  writeFileSync(join(folder, name, String(version), 'saved_model.pb'), bytes);
}

function newFolder(): string {
  const folder = temporaryFolder();
  writeModel(folder, 'add', 1);
  return folder;
}

function floats(values: readonly number[], shape = [1, values.length]): TensorProto {
  return TensorProto.create({
    dtype: DataType.DT_FLOAT,
    tensorShape: { dim: shape.map((size) => ({ size })) },
    tensorContent: floatBytes(...values),
  });
}

interface Call {
  readonly name?: string;
  readonly version?: number;
  readonly signature?: string;
  readonly inputs?: Record<string, TensorProto>;
  readonly outputFilter?: string[];
}

function predictRequest({
  name = 'add',
  version,
  signature = '',
  inputs,
  outputFilter = [],
}: Call): PredictRequest {
  return {
    modelSpec: {
      name,
      versionChoice: version === undefined ? undefined : { $case: 'version', value: version },
      signatureName: signature,
    },
    inputs: inputs ?? { a: floats([1, 2]), b: floats([10, 20]) },
    outputFilter,
  };
}

async function start(overrides: Partial<ReferenceServerFlags> = {}) {
  const tfservingModels = overrides.tfservingModels ?? newFolder();
  const { addresses } = await startServer({ protocols: ['tfserving'], tfservingModels, ...overrides });
  expect(Object.keys(addresses)).toEqual(['tfserving', 'tfservingRest']);
  const caller = new GrpcCaller(addresses.tfserving!);
  return {
    caller,
    folder: tfservingModels,
    predict: (call: Call = {}) =>
      caller.call(tfServingMethods.predict, PredictRequest, PredictResponse, predictRequest(call)),
    status: (name: string, version?: number) =>
      caller.call(tfServingMethods.getModelStatus, GetModelStatusRequest, GetModelStatusResponse, {
        modelSpec: predictRequest(version === undefined ? { name } : { name, version }).modelSpec,
      }),
    async metrics() {
      const response = await fetch(`http://${addresses.tfservingRest}/monitoring/prometheus/metrics`);
      expect(response.headers.get('server')).toBe('aibench-reference-server/0.0.0-test');
      return response.text();
    },
    rest: (path: string) => fetch(`http://${addresses.tfservingRest}${path}`),
  };
}

describe('TensorFlow Serving', () => {
  it('predicts, and says which version did', async () => {
    const { predict } = await start();
    for (const version of [1, undefined]) {
      const { modelSpec, outputs } = await predict(version === undefined ? {} : { version });
      expect(modelSpec).toEqual({
        name: 'add',
        versionChoice: { $case: 'version', value: 1 },
        signatureName: 'serving_default',
      });
      expect(outputs['sum']).toMatchObject({ dtype: DataType.DT_FLOAT, floatVal: [11, 22] });
      expect(outputs['sum']!.tensorShape!.dim.map(({ size }) => size)).toEqual([1, 2]);
    }
  });

  it('takes typed values in the place of bytes', async () => {
    const { predict } = await start();
    const typed = TensorProto.create({
      dtype: DataType.DT_FLOAT,
      tensorShape: { dim: [{ size: 2 }, { size: 2 }] },
      floatVal: [5, 6],
    });
    const { outputs } = await predict({ inputs: { a: typed, b: floats([1, 1, 1, 1], [2, 2]) } });
    expect(outputs['sum']!.floatVal).toEqual([6, 7, 7, 7]);
  });

  it.each([true, false])('answers the fraud model, with reference %s', async (withReference) => {
    const useCase = await loadUseCase('creditcard-fraud');
    const task = useCase.task({ withReference });
    const folder = temporaryFolder();
    writeModel(folder, 'fraud', 1, writeSavedModel(task.graph()));
    const { predict } = await start({ tfservingModels: folder });
    for (let id = 0; id < 20; id++) {
      const row = new Uint8Array(useCase.row.sizeBytes);
      new Random(id + 1).fillUniform(float32View(row.subarray(8)));
      const tensors = [...task.readRequest(row).inputs, ...task.references.map((spec) => spec.read(row))];
      const inputs = Object.fromEntries(
        tensors.map(({ name, shape, data }) => [name, floats([...float32View(data)], [...shape])]),
      );
      const { outputs } = await predict({ name: 'fraud', inputs });
      const [expected] = task.expectedOutputs(row);
      expect(tensorSizeBytes(expected!)).toBe(8);
      float32Values(expected!).forEach((value, i) => {
        expect(Math.abs(outputs[expected!.name]!.floatVal[i]! - value)).toBeLessThanOrEqual(task.tolerance);
      });
    }
  });

  it('tells the status of versions, and finds those that come', async () => {
    const { folder, predict, status } = await start();
    writeModel(folder, 'add', 2);
    writeModel(folder, 'late', 7);
    expect((await predict({ name: 'late' })).modelSpec).toMatchObject({ versionChoice: { value: 7 } });
    expect((await predict({ version: 2 })).modelSpec).toMatchObject({ versionChoice: { value: 2 } });
    writeModel(folder, 'add', 3, Buffer.from('no model'));
    const { modelVersionStatus } = await status('add');
    expect(modelVersionStatus.map(({ version, state }) => [version, state])).toEqual([
      [1, 30],
      [2, 30],
      [3, 50],
    ]);
    expect(modelVersionStatus[2]!.status).toMatchObject({
      errorMessage: expect.stringContaining('the bytes are no SavedModel'),
    });
    expect((await status('add', 2)).modelVersionStatus).toHaveLength(1);
    expect((await predict()).modelSpec).toMatchObject({ versionChoice: { value: 2 } });
    rmSync(join(folder, 'add', '2'), { recursive: true });
    await status('add');
    await expect(predict({ version: 2 })).rejects.toMatchObject({ code: 5 });
  });

  it('tells the signature', async () => {
    const { caller } = await start();
    const { modelSpec, metadata } = await caller.call(
      tfServingMethods.getModelMetadata,
      GetModelMetadataRequest,
      GetModelMetadataResponse,
      { modelSpec: predictRequest({}).modelSpec, metadataField: ['signature_def'] },
    );
    expect(modelSpec).toMatchObject({ name: 'add', versionChoice: { value: 1 } });
    const { typeUrl, value } = metadata['signature_def']!;
    expect(typeUrl).toBe('type.googleapis.com/tensorflow.serving.SignatureDefMap');
    const { inputs, outputs } = SignatureDefMap.decode(value).signatureDef['serving_default']!;
    expect(Object.keys(inputs)).toEqual(['a', 'b']);
    expect(inputs['a']).toMatchObject({ dtype: 1, tensorShape: { dim: [{ size: -1 }, { size: 2 }] } });
    expect(Object.keys(outputs)).toEqual(['sum']);
  });

  it.each<[string, Call, number, string | RegExp]>([
    ['an unknown model', { name: 'no' }, 5, 'Servable not found for request: Latest(no)'],
    ['an unknown version', { version: 4 }, 5, 'Servable not found for request: Specific(add, 4)'],
    ['a name that leads out of the folder', { name: '../add' }, 5, /Servable not found/],
    ['no name', { name: '' }, 3, 'ModelSpec has no name specified.'],
    ['an unknown signature', { signature: 'x' }, 9, 'Serving signature key "x" not found.'],
    [
      'a missing input',
      { inputs: { a: floats([1, 2]) } },
      3,
      'input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. Missing but required: {b}.',
    ],
    [
      'an input of another name',
      { inputs: { a: floats([1, 2]), c: floats([1, 2]) } },
      3,
      'input tensor alias not found in signature: c. Inputs expected to be in the set {a,b}.',
    ],
    [
      'another element type',
      {
        inputs: {
          a: floats([1, 2]),
          b: TensorProto.create({
            dtype: DataType.DT_INT64,
            tensorShape: { dim: [{ size: 1 }, { size: 2 }] },
            int64Val: [1],
          }),
        },
      },
      3,
      'Expects arg[1] to be float but int64 is provided',
    ],
    [
      'cut-off bytes',
      { inputs: { a: floats([1, 2], [1, 3]), b: floats([1, 2]) } },
      3,
      'tensor parsing error: a',
    ],
    [
      'a shape that does not fit',
      { inputs: { a: floats([1, 2, 3]), b: floats([1, 2, 3]) } },
      3,
      /dimension/i,
    ],
    [
      'an unknown output',
      { outputFilter: ['product'] },
      3,
      'output tensor alias not found in signature: product Outputs expected to be in the set {sum}.',
    ],
  ])('refuses %s as TensorFlow Serving does', async (_, call, code, details) => {
    const { predict } = await start();
    await expect(predict(call)).rejects.toMatchObject({
      code,
      details: typeof details === 'string' ? details : expect.stringMatching(details),
    });
  });

  it('refuses status and metadata of what is not there', async () => {
    const { caller, status } = await start();
    await expect(status('no')).rejects.toMatchObject({
      code: 5,
      details: 'Could not find any versions of model no',
    });
    await expect(status('add', 9)).rejects.toMatchObject({
      code: 5,
      details: 'Could not find version 9 of model add',
    });
    const metadata = (metadataField: string[]) =>
      caller.callBytes(
        tfServingMethods.getModelMetadata,
        GetModelMetadataRequest.encode({ modelSpec: predictRequest({}).modelSpec, metadataField }).finish(),
      );
    await expect(metadata([])).rejects.toMatchObject({ code: 3 });
    await expect(metadata(['x'])).rejects.toMatchObject({ details: 'Metadata field x is not supported' });
    await expect(caller.callBytes(tfServingMethods.predict, Buffer.from([0xff]))).rejects.toMatchObject({
      code: 13,
    });
    await expect(caller.callBytes(tfServingMethods.predict, new Uint8Array())).rejects.toMatchObject({
      code: 3,
      details: 'Missing ModelSpec',
    });
  });

  it('answers for any model without running one', async () => {
    const { predict, status, caller } = await start({
      nullModel: true,
      nullOutputShape: ['MobilenetV1/Predictions=1x3', '2'],
      tfservingModels: '',
    });
    for (const version of [undefined, 3, 3]) {
      const { modelSpec, outputs } = await predict(
        version === undefined ? { name: 'x' } : { name: 'x', version },
      );
      expect(modelSpec).toMatchObject({ name: 'x', versionChoice: { value: version ?? 1 } });
      expect(Object.entries(outputs).map(([name, { floatVal }]) => [name, floatVal])).toEqual([
        ['MobilenetV1/Predictions', [0, 0, 0]],
        ['output_1', [0, 0]],
      ]);
    }
    expect((await status('x', 3)).modelVersionStatus).toMatchObject([{ version: 3, state: 30 }]);
    const { metadata } = await caller.call(
      tfServingMethods.getModelMetadata,
      GetModelMetadataRequest,
      GetModelMetadataResponse,
      { modelSpec: predictRequest({ name: 'x' }).modelSpec, metadataField: ['signature_def'] },
    );
    const { signatureDef } = SignatureDefMap.decode(metadata['signature_def']!.value);
    expect(signatureDef['serving_default']).toMatchObject({ inputs: {}, outputs: {} });
  });

  it.each([{ nullModel: true, tfservingModels: '' }, {}])('injects faults: %j', async (overrides) => {
    const { predict } = await start({ ...overrides, failEvery: 3, wrongEvery: 2, delayMs: 5 });
    const right = overrides.nullModel ? [0, 0] : [11, 22];
    const output = overrides.nullModel ? 'output' : 'sum';
    const startMs = performance.now();
    const answers: unknown[] = [];
    for (let i = 0; i < 6; i++) {
      answers.push(
        await predict().then(
          ({ outputs }) => outputs[output]!.floatVal,
          (error) => error.details,
        ),
      );
    }
    const wrong = right.map((value) => value + 1);
    const failure = 'injected failure (--fail-every 3)';
    expect(answers).toEqual([right, wrong, failure, wrong, right, failure]);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(30);
  });

  it('counts under the names of TensorFlow Serving', async () => {
    const { metrics, predict, rest } = await start();
    for (let i = 0; i < 3; i++) await predict();
    await predict({ name: 'no' }).catch(() => undefined);
    const text = await metrics();
    expect(text).toContain(':tensorflow:serving:request_count{model_name="add",status="OK"} 3\n');
    expect(text).toContain(':tensorflow:serving:request_count{model_name="no",status="NOT_FOUND"} 1\n');
    expect(text).toMatch(
      /:tensorflow:serving:request_latency_count\{model_name="add",API="Predict",entrypoint="GRPC",status="OK"\} 3\n/,
    );
    expect(text).toMatch(
      /runtime_latency_bucket\{model_name="add",API="Predict",runtime="TF1",le="\+Inf"\} 3\n/,
    );
    expect(text).toContain(':tensorflow:core:graph_runs 3\n');
    const elsewhere = await rest('/v1/models/add');
    expect([elsewhere.status, await elsewhere.json()]).toEqual([
      404,
      { error: 'Malformed request: GET /v1/models/add' },
    ]);
  });
});
