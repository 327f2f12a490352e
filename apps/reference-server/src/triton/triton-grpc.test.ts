import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { float32Values, float32View, Random } from '@aibench/core';
import { writeGraphDef, writeOnnx, writeSavedModel } from '@aibench/models';
import {
  ModelConfigRequest,
  ModelConfigResponse,
  ModelInferRequest,
  ModelInferRequest_InferInputTensor,
  ModelInferResponse,
  ModelMetadataRequest,
  ModelMetadataResponse,
  ModelReadyRequest,
  ModelReadyResponse,
  ModelStatisticsRequest,
  ModelStatisticsResponse,
  RepositoryIndexRequest,
  RepositoryIndexResponse,
  RepositoryModelLoadRequest,
  RepositoryModelLoadResponse,
  RepositoryModelUnloadRequest,
  RepositoryModelUnloadResponse,
  ServerLiveRequest,
  ServerLiveResponse,
  ServerMetadataRequest,
  ServerMetadataResponse,
  ServerReadyRequest,
  ServerReadyResponse,
  tritonMethod,
} from '@aibench/triton';
import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import type { ReferenceServerFlags } from '../flags.js';
import { GrpcCaller } from '../testing/grpc-caller.js';
import {
  additionGraph,
  additionGraphDef,
  additionOnnx,
  floatBytes,
  floatValues,
} from '../testing/test-models.js';
import { startServer } from '../testing/test-server.js';
import { additionConfig, newRepository, writeFiles } from '../testing/triton-files.js';

interface Input {
  readonly datatype?: string;
  readonly shape?: readonly number[];
  readonly data?: Uint8Array;
  readonly typed?: readonly number[];
}

interface Call {
  readonly model?: string;
  readonly version?: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, Input>>;
  readonly outputs?: readonly string[];
}

const addends = { a: { data: floatBytes(1, 2) }, b: { data: floatBytes(10, 20) } };

function inferRequest({ model = 'add', version = '', id = '', inputs = addends, outputs = [] }: Call) {
  const entries = Object.entries<Input>(inputs);
  return ModelInferRequest.fromPartial({
    modelName: model,
    modelVersion: version,
    id,
    inputs: entries.map(([name, { datatype = 'FP32', shape = [1, 2], typed }]) =>
      ModelInferRequest_InferInputTensor.fromPartial({
        ...{ name, datatype, shape: shape.map(BigInt) },
        ...(typed === undefined ? {} : { contents: { fp32Contents: [...typed] } }),
      }),
    ),
    outputs: outputs.map((name) => ({ name })),
    rawInputContents: entries.flatMap(([, { data }]) => (data === undefined ? [] : [data])),
  });
}

async function start(overrides: Partial<ReferenceServerFlags> = {}) {
  const modelRepository = overrides.modelRepository ?? newRepository();
  const { addresses } = await startServer({ protocols: ['triton'], modelRepository, ...overrides });
  expect(Object.keys(addresses)).toEqual(['triton', 'tritonHttp', 'tritonMetrics']);
  const caller = new GrpcCaller(addresses.triton!);
  const model = { name: 'add', version: '' };
  return {
    addresses,
    caller,
    folder: modelRepository,
    infer: (call: Call = {}) =>
      caller.call(tritonMethod.modelInfer, ModelInferRequest, ModelInferResponse, inferRequest(call)),
    ready: (name: string, version = '') =>
      caller.call(tritonMethod.modelReady, ModelReadyRequest, ModelReadyResponse, { name, version }),
    metadata: (name = 'add') =>
      caller.call(tritonMethod.modelMetadata, ModelMetadataRequest, ModelMetadataResponse, {
        ...model,
        name,
      }),
    config: (name = 'add') =>
      caller.call(tritonMethod.modelConfig, ModelConfigRequest, ModelConfigResponse, { ...model, name }),
    statistics: (name = 'add', version = '') =>
      caller.call(tritonMethod.modelStatistics, ModelStatisticsRequest, ModelStatisticsResponse, {
        name,
        version,
      }),
    async index(ready = false) {
      const request = { repositoryName: '', ready };
      const { models } = await caller.call(
        tritonMethod.repositoryIndex,
        RepositoryIndexRequest,
        RepositoryIndexResponse,
        request,
      );
      return models.map(({ name, version, state, reason }) => [name, version, state, reason]);
    },
    load: (modelName: string) =>
      caller.call(tritonMethod.repositoryModelLoad, RepositoryModelLoadRequest, RepositoryModelLoadResponse, {
        ...{ repositoryName: '', modelName, parameters: {} },
      }),
    unload: (modelName: string) =>
      caller.call(
        tritonMethod.repositoryModelUnload,
        RepositoryModelUnloadRequest,
        RepositoryModelUnloadResponse,
        {
          ...{ repositoryName: '', modelName, parameters: {} },
        },
      ),
  };
}

function outputValues({ outputs, rawOutputContents }: ModelInferResponse) {
  return outputs.map(({ name, datatype, shape }, index) => [
    ...[name, datatype, shape.map(Number)],
    floatValues(Buffer.from(rawOutputContents[index]!).toString('latin1')),
  ]);
}

describe('Triton over gRPC', () => {
  it('says who and how it is', async () => {
    const { caller, ready } = await start();
    const live = await caller.call(tritonMethod.serverLive, ServerLiveRequest, ServerLiveResponse, {});
    const isReady = await caller.call(tritonMethod.serverReady, ServerReadyRequest, ServerReadyResponse, {});
    expect([live, isReady, await ready('add', '1')]).toEqual([
      { live: true },
      { ready: true },
      { ready: true },
    ]);
    const { name, version, extensions } = await caller.call(
      tritonMethod.serverMetadata,
      ServerMetadataRequest,
      ServerMetadataResponse,
      {},
    );
    expect([name, version]).toEqual(['aibench-reference-server', '0.0.0-test']);
    expect(extensions).toContain('binary_tensor_data');
  });

  it('infers on raw and on typed contents, and gives the id back', async () => {
    const { infer } = await start();
    const answer = await infer({ id: 'seven', version: '1' });
    expect(answer).toMatchObject({ modelName: 'add', modelVersion: '1', id: 'seven' });
    expect(outputValues(answer)).toEqual([['sum', 'FP32', [1, 2], [11, 22]]]);
    const typed = await infer({
      inputs: { b: { typed: [1, 2, 3, 4], shape: [2, 2] }, a: { typed: [10, 10, 10, 10], shape: [2, 2] } },
      outputs: ['sum'],
    });
    expect(outputValues(typed)).toEqual([['sum', 'FP32', [2, 2], [11, 12, 13, 14]]]);
  });

  it.each([
    ['ONNX without a configuration', { 'm/1/model.onnx': additionOnnx }, 'onnxruntime_onnx'],
    [
      'a GraphDef',
      {
        'm/config.pbtxt': `platform: "tensorflow_graphdef"${additionConfig}`,
        'm/1/model.graphdef': additionGraphDef,
      },
      'tensorflow_graphdef',
    ],
    [
      'a SavedModel',
      {
        'm/config.pbtxt': `backend: "tensorflow"${additionConfig}`,
        'm/1/model.savedmodel/saved_model.pb': writeSavedModel(additionGraph),
      },
      'tensorflow_savedmodel',
    ],
    [
      'a file of another name',
      {
        'm/config.pbtxt': 'backend: "onnxruntime" default_model_filename: "x.onnx"',
        'm/3/x.onnx': additionOnnx,
      },
      'onnxruntime_onnx',
    ],
  ])('serves %s', async (_, files, platform) => {
    const { infer, metadata } = await start({ modelRepository: newRepository(files) });
    expect(outputValues(await infer({ model: 'm' }))).toEqual([['sum', 'FP32', [1, 2], [11, 22]]]);
    expect(await metadata('m')).toMatchObject({
      platform,
      inputs: [
        { name: 'a', datatype: 'FP32', shape: [-1n, 2n] },
        { name: 'b', datatype: 'FP32', shape: [-1n, 2n] },
      ],
      outputs: [{ name: 'sum', datatype: 'FP32', shape: [-1n, 2n] }],
    });
  });

  it.each([
    ['ONNX', true],
    ['ONNX', false],
    ['GraphDef', true],
  ] as const)('answers the fraud model as %s, with reference %s', async (format, withReference) => {
    const useCase = await loadUseCase('creditcard-fraud');
    const task = useCase.task({ withReference });
    const graph = task.graph();
    const tensors = (specs: typeof graph.inputs) =>
      specs.map(({ name, shape }) => `{ name: "${name}" data_type: TYPE_FP32 dims: [${shape}] }`).join(',');
    const config = `input [${tensors(graph.inputs)}] output [${tensors(graph.outputs)}]`;
    const files =
      format === 'ONNX'
        ? { 'fraud/config.pbtxt': `backend: "onnxruntime" ${config}`, 'fraud/1/model.onnx': writeOnnx(graph) }
        : {
            'fraud/config.pbtxt': `platform: "tensorflow_graphdef" ${config}`,
            'fraud/1/model.graphdef': writeGraphDef(graph),
          };
    const { infer } = await start({ modelRepository: newRepository(files) });
    for (let id = 0; id < 20; id++) {
      const row = new Uint8Array(useCase.row.sizeBytes);
      new Random(id + 1).fillUniform(float32View(row.subarray(8)));
      const inputs = [...task.readRequest(row).inputs, ...task.references.map((spec) => spec.read(row))];
      const answer = await infer({
        model: 'fraud',
        inputs: Object.fromEntries(inputs.map(({ name, shape, data }) => [name, { shape, data }])),
      });
      const [expected] = task.expectedOutputs(row);
      const [[, , , values]] = outputValues(answer) as [[string, string, number[], number[]]];
      float32Values(expected!).forEach((value, i) => {
        expect(Math.abs(values[i]! - value)).toBeLessThanOrEqual(task.tolerance);
      });
    }
  });

  it('puts the batch in front where the configuration has one, and reshapes', async () => {
    const config = `backend: "onnxruntime" max_batch_size: 4
      input [ { name: "a" data_type: TYPE_FP32 dims: [2] }, { name: "b" data_type: TYPE_FP32 dims: [2, 1] reshape { shape: [2] } } ]
      output { name: "sum" data_type: TYPE_FP32 dims: [1, 2] reshape { shape: [2] } }
      instance_group { count: 2 kind: KIND_CPU } dynamic_batching { preferred_batch_size: 4 max_queue_delay_microseconds: 100 }`;
    const {
      config: readConfig,
      infer,
      metadata,
    } = await start({
      modelRepository: newRepository({ 'm/config.pbtxt': config, 'm/1/model.onnx': additionOnnx }),
    });
    const inputs = (rows: number) => ({
      a: { shape: [rows, 2], data: floatBytes(...Array(2 * rows).fill(1)) },
      b: { shape: [rows, 2, 1], data: floatBytes(...Array.from({ length: 2 * rows }, (__, i) => i)) },
    });
    expect(outputValues(await infer({ model: 'm', inputs: inputs(2) }))).toEqual([
      ['sum', 'FP32', [2, 1, 2], [1, 2, 3, 4]],
    ]);
    await expect(infer({ model: 'm', inputs: inputs(5) })).rejects.toMatchObject({
      details: "[request id: <id_unknown>] inference request batch-size must be <= 4 for 'm'",
    });
    expect((await metadata('m')).inputs[1]).toMatchObject({ name: 'b', shape: [-1n, 2n, 1n] });
    expect((await readConfig('m')).config).toMatchObject({
      ...{ name: 'm', platform: 'onnxruntime_onnx', backend: 'onnxruntime', maxBatchSize: 4 },
      instanceGroup: [{ count: 2, kind: 2 }],
      schedulingChoice: { value: { preferredBatchSize: [4], maxQueueDelayMicroseconds: 100n } },
    });
  });

  it.each<[string, Call, number, string]>([
    ['an unknown model', { model: 'no' }, 5, "Request for unknown model: 'no' is not found"],
    ['an unknown version', { version: '4' }, 5, "Request for unknown model: 'add' version 4 is not found"],
    [
      'a name that leads elsewhere',
      { model: '../add' },
      5,
      "Request for unknown model: '../add' is not found",
    ],
    [
      'a version that is none',
      { version: 'one' },
      3,
      "failed to get model version from specified version string 'one', version should be an integral value > 0",
    ],
    [
      'a missing input',
      { inputs: { a: addends.a } },
      3,
      "[request id: <id_unknown>] expected 2 inputs but got 1 inputs for model 'add'. Got input(s) ['a'], but missing required input(s) ['b']. Please provide all required input(s).",
    ],
    [
      'an input of another name',
      { inputs: { a: addends.a, c: addends.b } },
      3,
      "unexpected inference input 'c' for model 'add'",
    ],
    [
      'another element type',
      { id: '7', inputs: { ...addends, b: { datatype: 'INT64', data: Buffer.alloc(16) } } },
      3,
      "[request id: 7] inference input 'b' data-type is 'INT64', but model 'add' expects 'FP32'",
    ],
    [
      'another shape',
      { inputs: { ...addends, b: { shape: [1, 3], data: floatBytes(1, 2, 3) } } },
      3,
      "[request id: <id_unknown>] unexpected shape for input 'b' for model 'add'. Expected [-1,2], got [1,3]. ",
    ],
    [
      'too few bytes',
      { inputs: { ...addends, b: { data: floatBytes(1) } } },
      3,
      "[request id: <id_unknown>] input byte size mismatch for input 'b' for model 'add'. Expected 8, got 4",
    ],
    [
      'no bytes',
      { inputs: { ...addends, b: {} } },
      3,
      "unable to find data for input tensor 'b' for model 'add' in request.",
    ],
    [
      'raw and typed contents together',
      { inputs: { ...addends, b: { typed: [1, 2] } } },
      3,
      "contents field must not be specified when using raw_input_contents for 'b' for model 'add'",
    ],
    ['an unknown output', { outputs: ['x'] }, 3, "unexpected inference output 'x' for model 'add'"],
  ])('refuses %s as Triton does', async (_, call, code, details) => {
    const { infer } = await start();
    await expect(infer(call)).rejects.toMatchObject({ code, details });
  });

  it('finds models that come, and says why one cannot be loaded', async () => {
    const { folder, index, infer, ready } = await start();
    writeFiles(folder, {
      'add/2/model.onnx': additionOnnx,
      'late/1/model.onnx': additionOnnx,
      'broken/1/model.onnx': 'no model',
      'gpu/config.pbtxt': 'backend: "onnxruntime" instance_group { kind: KIND_GPU }',
      'gpu/1/model.onnx': additionOnnx,
      'wrong/config.pbtxt': `backend: "onnxruntime"${additionConfig.replace('"b"', '"c"')}`,
      'wrong/1/model.onnx': additionOnnx,
    });
    expect(await infer({ model: 'late' })).toMatchObject({ modelVersion: '1' });
    expect(await infer({ version: '2' })).toMatchObject({ modelVersion: '2' });
    expect(await infer()).toMatchObject({ modelVersion: '2' });
    for (const version of ['', '1', '2']) expect(await ready('broken', version)).toEqual({ ready: false });
    await expect(infer({ model: 'broken' })).rejects.toMatchObject({
      code: 5,
      details: "Request for unknown model: 'broken' has no available versions",
    });
    await expect(infer({ model: 'broken', version: '1' })).rejects.toMatchObject({
      code: 14,
      details: "Request for unknown model: 'broken' version 1 is not at ready state",
    });
    expect(await index()).toEqual([
      ['add', '1', 'READY', ''],
      ['add', '2', 'READY', ''],
      ['broken', '1', 'UNAVAILABLE', expect.stringMatching(/protobuf/i)],
      [
        'gpu',
        '1',
        'UNAVAILABLE',
        'instance group of model gpu has kind KIND_GPU, but this server has no GPU',
      ],
      ['late', '1', 'READY', ''],
      ['wrong', '1', 'UNAVAILABLE', "unexpected inference input 'c', allowed inputs are: a, b"],
    ]);
    expect(await index(true)).toHaveLength(3);
  });

  it('serves in explicit mode what a client has loaded', async () => {
    const { folder, index, infer, load, unload } = await start({ tritonModelControl: 'explicit' });
    expect(await index()).toEqual([['add', '', '', '']]);
    await expect(infer()).rejects.toMatchObject({ details: "Request for unknown model: 'add' is not found" });
    await load('add');
    expect(await infer()).toMatchObject({ modelVersion: '1' });
    writeFiles(folder, { 'add/2/model.onnx': additionOnnx });
    await expect(infer({ version: '2' })).rejects.toMatchObject({ code: 5 });
    await load('add');
    expect(await infer()).toMatchObject({ modelVersion: '2' });
    await unload('add');
    await expect(infer({ version: '1' })).rejects.toMatchObject({
      code: 14,
      details: "Request for unknown model: 'add' version 1 is not at ready state",
    });
    await expect(infer()).rejects.toMatchObject({
      details: "Request for unknown model: 'add' has no available versions",
    });
    expect(await index()).toEqual([
      ['add', '1', 'UNAVAILABLE', 'unloaded'],
      ['add', '2', 'UNAVAILABLE', 'unloaded'],
    ]);
    await unload('never-loaded');
    await expect(load('no')).rejects.toMatchObject({
      code: 13,
      details: "failed to load 'no', failed to poll from model repository",
    });
    writeFiles(folder, { 'broken/1/model.onnx': 'no model' });
    await expect(load('broken')).rejects.toMatchObject({
      code: 3,
      details: expect.stringMatching(/^load failed for model 'broken': version 1 is at UNAVAILABLE state: /),
    });
    rmSync(join(folder, 'add'), { recursive: true });
  });

  it('loads and unloads nothing where it is not in explicit mode', async () => {
    const { load, unload } = await start();
    const error = { code: 14, details: 'explicit model load / unload is not allowed if polling is enabled' };
    await expect(load('add')).rejects.toMatchObject(error);
    await expect(unload('add')).rejects.toMatchObject(error);
  });

  it('counts what it does', async () => {
    const { addresses, infer, statistics } = await start({ failEvery: 4, delayMs: 3 });
    for (const rows of [1, 1, 2]) {
      const data = floatBytes(...Array(2 * rows).fill(1));
      await infer({ inputs: { a: { shape: [rows, 2], data }, b: { shape: [rows, 2], data } } });
    }
    await expect(infer()).rejects.toMatchObject({ code: 13, details: 'injected failure (--fail-every 4)' });
    const { modelStats } = await statistics();
    expect(modelStats).toHaveLength(1);
    const [{ batchStats, inferenceStats, ...counts }] = modelStats as [(typeof modelStats)[0]];
    expect(counts).toMatchObject({ name: 'add', version: '1', inferenceCount: 4n, executionCount: 3n });
    expect(Number(counts.lastInference)).toBeGreaterThan(Date.UTC(2024, 0));
    const stats = inferenceStats!;
    expect([stats.success!.count, stats.fail!.count, stats.queue!.count]).toEqual([3n, 1n, 3n]);
    expect(Number(stats.computeInfer!.ns)).toBeGreaterThanOrEqual(9e6);
    for (const part of [stats.computeInput!, stats.computeOutput!])
      expect(Number(part.ns)).toBeGreaterThan(0);
    const parts = [stats.queue!, stats.computeInput!, stats.computeInfer!, stats.computeOutput!];
    const sumNs = parts.reduce((sum, { ns }) => sum + Number(ns), 0);
    expect(Math.abs(Number(stats.success!.ns) - sumNs)).toBeLessThan(10);
    expect(batchStats.map(({ batchSize, computeInfer }) => [batchSize, computeInfer!.count])).toEqual([
      [1n, 2n],
      [2n, 1n],
    ]);
    await expect(statistics('no')).rejects.toMatchObject({
      details: "requested model 'no' is not available",
    });
    await expect(statistics('add', '9')).rejects.toMatchObject({
      details: "requested model version is not available for model 'add'",
    });
    expect((await statistics('')).modelStats).toHaveLength(1);
    const text = await (await fetch(`http://${addresses.tritonMetrics}/metrics`)).text();
    expect(text).toContain('nv_inference_request_success{model="add",version="1"} 3\n');
    expect(text).toContain('nv_inference_request_failure{model="add",version="1",reason="BACKEND"} 1\n');
    expect(text).toContain('nv_inference_count{model="add",version="1"} 4\n');
    expect(text).toMatch(/nv_cpu_utilization [01]/);
    expect((await fetch(`http://${addresses.tritonMetrics}/elsewhere`)).status).toBe(404);
  });

  it('answers for any model without running one', async () => {
    const { config, infer, metadata, ready, statistics } = await start({
      nullModel: true,
      nullOutputShape: ['out/put=1x3'],
      modelRepository: '/no/such/folder',
    });
    for (const call of [{}, {}, { version: '5' }, { id: 'x' }]) {
      const answer = await infer({ model: 'any', ...call });
      expect(answer).toMatchObject({
        modelName: 'any',
        modelVersion: call.version ?? '1',
        id: call.id ?? '',
      });
      expect(outputValues(answer)).toEqual([['out/put', 'FP32', [1, 3], [0, 0, 0]]]);
    }
    expect(await ready('any', '3')).toEqual({ ready: true });
    expect(await metadata('any')).toEqual({
      name: 'any',
      versions: ['1'],
      platform: 'null',
      inputs: [],
      outputs: [],
    });
    expect((await config('any')).config).toMatchObject({ name: 'any', platform: 'null' });
    expect((await statistics('any')).modelStats).toMatchObject([{ name: 'any', executionCount: 4n }]);
  });

  it.each([{ nullModel: true, modelRepository: '' }, {}])('injects faults: %j', async (overrides) => {
    const { infer } = await start({ ...overrides, failEvery: 3, wrongEvery: 2 });
    const answers: unknown[] = [];
    for (let i = 0; i < 6; i++) {
      answers.push(
        await infer().then(
          (answer) => outputValues(answer)[0]![3],
          (error) => error.details,
        ),
      );
    }
    const right = overrides.nullModel ? [0, 0] : [11, 22];
    const wrong = right.map((value) => value + 1);
    const failure = 'injected failure (--fail-every 3)';
    expect(answers).toEqual([right, wrong, failure, wrong, right, failure]);
  });
});
