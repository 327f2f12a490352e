import { describeWithPython, startTritonServer } from '@aibench/testing';
import {
  ModelInferRequest,
  ModelInferRequest_InferInputTensor,
  ModelMetadataRequest,
  ModelReadyRequest,
  ModelStatisticsRequest,
  RepositoryModelLoadRequest,
  RepositoryModelUnloadRequest,
  tritonMethod,
} from '@aibench/triton';
import { expect, it } from 'vitest';
import { GrpcCaller } from '../testing/grpc-caller.js';
import { floatBytes } from '../testing/test-models.js';
import { startServer } from '../testing/test-server.js';
import { additionConfig, newRepository } from '../testing/triton-files.js';

/** The addition model for Triton's Python back end: the real server here has no other. */
const additionPython = `import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        return [
            pb_utils.InferenceResponse([
                pb_utils.Tensor(
                    "sum",
                    pb_utils.get_input_tensor_by_name(request, "a").as_numpy()
                    + pb_utils.get_input_tensor_by_name(request, "b").as_numpy(),
                )
            ])
            for request in requests
        ]
`;

interface Servers {
  readonly grpc: string;
  readonly http: string;
}

interface Input {
  readonly datatype?: string;
  readonly shape?: readonly number[];
  readonly data?: Uint8Array;
  readonly typed?: readonly number[];
}

const both = { a: { data: floatBytes(1, 2) }, b: { data: floatBytes(10, 20) } };

function inferBytes(fields: {
  readonly model?: string;
  readonly version?: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, Input>>;
  readonly outputs?: readonly string[];
}): Uint8Array {
  const entries = Object.entries<Input>(fields.inputs ?? both);
  return ModelInferRequest.encode(
    ModelInferRequest.fromPartial({
      modelName: fields.model ?? 'add',
      modelVersion: fields.version ?? '',
      id: fields.id ?? '',
      inputs: entries.map(([name, { datatype = 'FP32', shape = [1, 2], typed }]) =>
        ModelInferRequest_InferInputTensor.fromPartial({
          ...{ name, datatype, shape: shape.map(BigInt) },
          ...(typed === undefined ? {} : { contents: { fp32Contents: [...typed] } }),
        }),
      ),
      outputs: (fields.outputs ?? []).map((name) => ({ name })),
      rawInputContents: entries.flatMap(([, { data }]) => (data === undefined ? [] : [data])),
    }),
  ).finish();
}

const model = (name: string, version = '') => ({ name, version });

const grpcCalls: readonly (readonly [string, string, Uint8Array])[] = [
  ['an inference', tritonMethod.modelInfer, inferBytes({ id: 'x' })],
  ['an unknown model', tritonMethod.modelInfer, inferBytes({ model: 'no' })],
  ['an unknown version', tritonMethod.modelInfer, inferBytes({ version: '4' })],
  ['a missing input', tritonMethod.modelInfer, inferBytes({ inputs: { a: both.a } })],
  ['an input of another name', tritonMethod.modelInfer, inferBytes({ inputs: { a: both.a, c: both.b } })],
  [
    'another element type',
    tritonMethod.modelInfer,
    inferBytes({ id: '7', inputs: { ...both, b: { datatype: 'INT64', data: Buffer.alloc(16) } } }),
  ],
  ['too few bytes', tritonMethod.modelInfer, inferBytes({ inputs: { ...both, b: { data: floatBytes(1) } } })],
  ['no bytes', tritonMethod.modelInfer, inferBytes({ inputs: { ...both, b: {} } })],
  [
    'raw and typed contents',
    tritonMethod.modelInfer,
    inferBytes({ inputs: { ...both, b: { typed: [1, 2] } } }),
  ],
  ['an unknown output', tritonMethod.modelInfer, inferBytes({ outputs: ['x'] })],
  ['readiness', tritonMethod.modelReady, ModelReadyRequest.encode(model('add')).finish()],
  ['readiness of no model', tritonMethod.modelReady, ModelReadyRequest.encode(model('no')).finish()],
  ['metadata of no model', tritonMethod.modelMetadata, ModelMetadataRequest.encode(model('no')).finish()],
  [
    'metadata of no version',
    tritonMethod.modelMetadata,
    ModelMetadataRequest.encode(model('add', '9')).finish(),
  ],
  [
    'statistics of no model',
    tritonMethod.modelStatistics,
    ModelStatisticsRequest.encode(model('no')).finish(),
  ],
  [
    'statistics of no version',
    tritonMethod.modelStatistics,
    ModelStatisticsRequest.encode(model('add', '9')).finish(),
  ],
  [
    'loading no model',
    tritonMethod.repositoryModelLoad,
    RepositoryModelLoadRequest.encode({ repositoryName: '', modelName: 'no', parameters: {} }).finish(),
  ],
  [
    'unloading no model',
    tritonMethod.repositoryModelUnload,
    RepositoryModelUnloadRequest.encode({ repositoryName: '', modelName: 'no', parameters: {} }).finish(),
  ],
];

const json = (inputs: unknown, more = {}) => JSON.stringify({ inputs, ...more });
const jsonInputs = ['a', 'b'].map((name) => ({ name, datatype: 'FP32', shape: [1, 2], data: [1, 2] }));

const httpCalls: readonly (readonly [string, string, string?])[] = [
  ['GET', '/v2/health/live'],
  ['GET', '/v2/health/ready'],
  ['GET', '/v2/models/add/ready'],
  ['GET', '/v2/models/no/ready'],
  ['GET', '/v2/models/no'],
  ['GET', '/v2/models/add/versions/9'],
  ['GET', '/v2/models/no/config'],
  ['GET', '/v2/models/no/stats'],
  ['POST', '/v2/repository/index', '{}'],
  ['POST', '/v2/repository/index', '{"ready":true}'],
  ['POST', '/v2/models/add/infer', json(jsonInputs)],
  ['POST', '/v2/models/no/infer', json(jsonInputs)],
  ['POST', '/v2/models/add/infer', json(jsonInputs.slice(0, 1))],
  // Not over gRPC: there its message ends in a blank, which Node's HTTP/2 takes for a broken header.
  ['POST', '/v2/models/add/infer', json([jsonInputs[0], { ...jsonInputs[1], shape: [2, 1] }])],
  ['POST', '/v2/models/add/infer', json(jsonInputs, { outputs: [{ name: 'x' }] })],
  ['POST', '/v2/models/add/infer', json([jsonInputs[0], { ...jsonInputs[1], datatype: 'FP64' }])],
  ['POST', '/v2/repository/models/no/load', '{}'],
  ['GET', '/v2/models/add/infer'],
  ['GET', '/elsewhere'],
];

async function grpcOutcome(caller: GrpcCaller, path: string, bytes: Uint8Array): Promise<unknown> {
  try {
    const { message } = await caller.callBytes(path, bytes);
    return message.toString('hex');
  } catch (error) {
    const { code, details } = error as { readonly code: number; readonly details: string };
    return { code, details };
  }
}

async function httpOutcome(address: string, method: string, path: string, body?: string): Promise<unknown> {
  const response = await fetch(`http://${address}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
  };
}

await describeWithPython('triton', 'Triton', (python) => {
  it('is answered by Triton in the same words', { timeout: 120_000 }, async () => {
    const repository = newRepository({
      'add/config.pbtxt': `backend: "python"${additionConfig}`,
      'add/1/model.py': additionPython,
    });
    const args = ['--model-control-mode', 'explicit', '--load-model', 'add'];
    const real: Servers = await startTritonServer({ python, repository, args });
    const { addresses } = await startServer({
      ...{ protocols: ['triton'], modelRepository: newRepository(), tritonModelControl: 'explicit' },
    });
    const ours: Servers = { grpc: addresses.triton!, http: addresses.tritonHttp! };
    await fetch(`http://${ours.http}/v2/repository/models/add/load`, { method: 'POST' });

    const [realCaller, ourCaller] = [new GrpcCaller(real.grpc), new GrpcCaller(ours.grpc)];
    const grpc: unknown[][] = [[], []];
    for (const [what, path, bytes] of grpcCalls) {
      grpc[0]!.push([what, await grpcOutcome(realCaller, path, bytes)]);
      grpc[1]!.push([what, await grpcOutcome(ourCaller, path, bytes)]);
    }
    expect(grpc[1]).toEqual(grpc[0]);

    const http: unknown[][] = [[], []];
    for (const [method, path, body] of httpCalls) {
      http[0]!.push([method, path, await httpOutcome(real.http, method, path, body)]);
      http[1]!.push([method, path, await httpOutcome(ours.http, method, path, body)]);
    }
    expect(http[1]).toEqual(http[0]);
  });
});
