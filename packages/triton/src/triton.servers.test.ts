import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '@aibench/core';
import { openControlClient, openGrpcClient, parseGrpcAddress } from '@aibench/grpc';
import { describeWithPython, startTritonServer, type TritonServer, temporaryFolder } from '@aibench/testing';
import { beforeAll, expect, it } from 'vitest';
import { GrpcControl } from './grpc-control.js';
import { headerLengthHeader, httpInferTemplate } from './http-infer-template.js';
import { inferTemplate } from './infer-template.js';
import { readHttpInferResponse } from './read-http-infer-response.js';
import { InferResponseReader } from './read-infer-response.js';
import { readJsonAnswer } from './read-json-answers.js';
import { tritonMethod } from './triton-methods.js';

const tensors: readonly Tensor[] = [
  { name: 'image', dtype: 'float32', shape: [1, 224, 224, 3], data: patterned(602_112) },
  { name: 'bytes', dtype: 'uint8', shape: [5], data: Buffer.from([0, 1, 127, 128, 255]) },
  {
    ...{ name: 'signed', dtype: 'int64', shape: [2] },
    data: Buffer.from(BigInt64Array.of(-(2n ** 63n), 3n).buffer),
  },
  {
    ...{ name: 'unsigned', dtype: 'uint64', shape: [1, 2] },
    data: Buffer.from(BigUint64Array.of(2n ** 64n - 1n, 7n).buffer),
  },
];
const call = { model: 'echo', version: '1', inputs: tensors, outputs: [...tensors].reverse() };

function patterned(size: number): Buffer {
  return Buffer.from(Float32Array.from({ length: size / 4 }, (_, i) => Math.sin(i)).buffer);
}

/** A repository with a model that gives back what it gets. */
function echoRepository(): string {
  const repository = temporaryFolder();
  mkdirSync(join(repository, 'echo', '1'), { recursive: true });
  const types = { float32: 'FP32', uint8: 'UINT8', int64: 'INT64', uint64: 'UINT64' };
  const list = tensors.map(
    ({ name, dtype, shape }) =>
      `{ name: "${name}" data_type: TYPE_${types[dtype]} dims: [ ${shape.join(', ')} ] }`,
  );
  writeFileSync(
    join(repository, 'echo', 'config.pbtxt'),
    `backend: "python"\ninput [ ${list.join(', ')} ]\noutput [ ${list.join(', ')} ]\ninstance_group [ { count: 2 kind: KIND_CPU } ]\n`,
  );
  writeFileSync(
    join(repository, 'echo', '1', 'model.py'),
    `import triton_python_backend_utils as backend

class TritonPythonModel:
    def execute(self, requests):
        return [
            backend.InferenceResponse([
                backend.Tensor(name, backend.get_input_tensor_by_name(request, name).as_numpy())
                for name in ["image", "bytes", "signed", "unsigned"]
            ])
            for request in requests
        ]
`,
  );
  return repository;
}

function hex(list: readonly Tensor[]): string[] {
  return list.map(({ name, data }) => `${name} ${Buffer.from(data).toString('hex')}`);
}

await describeWithPython('triton', 'Triton', (python) => {
  let triton: TritonServer;
  let control: GrpcControl;
  const expected = hex([...tensors].reverse());

  beforeAll(async () => {
    triton = await startTritonServer({
      ...{ python, repository: echoRepository() },
      args: ['--model-control-mode', 'explicit', '--load-model', 'echo'],
    });
    control = new GrpcControl(openControlClient(grpcAddress(), { flag: '--host', timeoutMs: 30_000 }));
    return () => control.close();
  }, 300_000);

  function grpcAddress() {
    return parseGrpcAddress(triton.grpc, { flag: '--host', defaultPort: 8_001 });
  }

  it.each(['own', 'grpc-js'] as const)(
    'gives tensors of every type back over gRPC, %s',
    async (implementation) => {
      const options = { flag: '--host', timeoutMs: 30_000, implementation };
      const client = await openGrpcClient(grpcAddress(), options);
      const template = inferTemplate(call);
      const message = template.encode(tensors.map(({ data }) => data));
      expect(message).toHaveLength(3);
      const method = client.method(tritonMethod.modelInfer);
      const answers = await Promise.all(Array.from({ length: 8 }, () => method.call(message)));
      const reader = new InferResponseReader(call.outputs, triton.grpc);
      for (const answer of answers) expect(hex(reader.read(answer, 1))).toEqual(expected);
      await client.close();
    },
  );

  it('gives tensors of every type back over HTTP', async () => {
    const { path, headers, body } = httpInferTemplate(call);
    const response = await fetch(`http://${triton.http}${path}`, {
      ...{ method: 'POST', headers },
      body: Buffer.concat(body.encode(tensors.map(({ data }) => data)) as Uint8Array[]),
    });
    expect(response.status).toBe(200);
    const answer = {
      headerLength: response.headers.get(headerLengthHeader) ?? undefined,
      body: Buffer.from(await response.arrayBuffer()),
    };
    const context = { address: triton.http, requestId: 1 };
    expect(hex(readHttpInferResponse(call.outputs, answer, context))).toEqual(expected);
  });

  it('tells the same of itself over gRPC and HTTP', async () => {
    const get = async (path: string) => (await fetch(`http://${triton.http}/v2${path}`)).json();
    expect(await control.serverLive()).toBe(true);
    expect(await control.serverReady()).toBe(true);
    expect(await control.modelReady('echo', '1')).toBe(true);
    expect(await control.modelReady('echo', '2')).toBe(false);
    const server = await control.serverMetadata();
    expect(server.name).toBe('triton');
    expect(readJsonAnswer.serverMetadata(await get(''))).toEqual(server);
    const model = await control.modelMetadata('echo', '1');
    expect(model.inputs[0]).toEqual({ name: 'image', datatype: 'FP32', shape: [1, 224, 224, 3] });
    expect(readJsonAnswer.modelMetadata(await get('/models/echo/versions/1'))).toEqual(model);
    const configuration = await control.modelConfiguration('echo', '');
    expect(configuration).toEqual({
      ...{ backend: 'python', maxBatchSize: 0, dynamicBatching: undefined },
      instances: [{ kind: 'KIND_CPU', count: 2 }],
    });
    expect(readJsonAnswer.modelConfiguration(await get('/models/echo/config'))).toEqual(configuration);
    const statistics = await control.modelStatistics('echo', '1');
    expect(statistics['inference_count']).toBe(statistics['inference_stats.success.count']);
    expect(readJsonAnswer.modelStatistics(await get('/models/echo/stats'))).toEqual(statistics);
  });

  it('loads and lists models', async () => {
    await control.loadModel('echo');
    expect(await control.repositoryIndex()).toEqual([
      { name: 'echo', version: '1', state: 'READY', reason: '' },
    ]);
    await expect(control.loadModel('nope')).rejects.toMatchObject({
      code: 'AIBENCH_SERVER',
      status: 'INTERNAL',
    });
    await expect(control.modelMetadata('nope', '')).rejects.toMatchObject({ status: 'NOT_FOUND' });
  });
});
