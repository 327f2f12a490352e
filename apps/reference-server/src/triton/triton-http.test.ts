import { describe, expect, it } from 'vitest';
import type { ReferenceServerFlags } from '../flags.js';
import { floatBytes, floatValues } from '../testing/test-models.js';
import { startServer } from '../testing/test-server.js';
import { newRepository } from '../testing/triton-files.js';

const [a, b] = [floatBytes(1, 2), floatBytes(10, 20)];

const binaryInputs = ['a', 'b'].map((name) => ({
  ...{ name, datatype: 'FP32', shape: [1, 2] },
  parameters: { binary_data_size: 8 },
}));

const jsonInputs = [
  { name: 'a', datatype: 'FP32', shape: [1, 2], data: [1, 2] },
  { name: 'b', datatype: 'FP32', shape: [1, 2], data: [[10, 20]] },
];

async function start(overrides: Partial<ReferenceServerFlags> = {}) {
  const { addresses } = await startServer({
    ...{ protocols: ['triton'], modelRepository: newRepository() },
    ...overrides,
  });
  const request = (path: string, options: RequestInit = {}) =>
    fetch(`http://${addresses.tritonHttp}${path}`, options);
  return {
    request,
    async json(path: string, options: RequestInit = {}) {
      const response = await request(path, options);
      return [response.status, await response.json()];
    },
    post: (path: string, body?: unknown) =>
      request(path, { method: 'POST', ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
    /** @param tail what follows the JSON; undefined for JSON alone */
    async infer(json: unknown, tail?: Uint8Array, path = '/v2/models/add/infer') {
      const header = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
      const response = await request(path, {
        method: 'POST',
        body: tail === undefined ? header : Buffer.concat([header, tail]),
        headers: tail === undefined ? {} : { 'Inference-Header-Content-Length': String(header.length) },
      });
      const body = Buffer.from(await response.arrayBuffer());
      const jsonBytes = Number(response.headers.get('inference-header-content-length') ?? body.length);
      return {
        status: response.status,
        type: response.headers.get('content-type'),
        json: JSON.parse(body.subarray(0, jsonBytes).toString()),
        tail: floatValues(body.subarray(jsonBytes).toString('latin1')),
      };
    },
  };
}

describe('Triton over HTTP', () => {
  it('says who and how it is', async () => {
    const { json, request } = await start();
    for (const path of [
      '/v2/health/live',
      '/v2/health/ready',
      '/v2/models/add/ready',
      '/v2/models/add/versions/1/ready',
    ]) {
      const response = await request(path);
      expect([response.status, response.headers.get('server')]).toEqual([
        200,
        'aibench-reference-server/0.0.0-test',
      ]);
    }
    expect(await json('/v2')).toMatchObject([
      200,
      { name: 'aibench-reference-server', version: '0.0.0-test' },
    ]);
    const tensor = (name: string) => ({ name, datatype: 'FP32', shape: [-1, 2] });
    expect(await json('/v2/models/add')).toEqual([
      200,
      {
        ...{ name: 'add', versions: ['1'], platform: 'onnxruntime_onnx' },
        ...{ inputs: [tensor('a'), tensor('b')], outputs: [tensor('sum')] },
      },
    ]);
    expect(await json('/v2/models/add/config')).toMatchObject([
      200,
      { name: 'add', max_batch_size: 0, input: [{ name: 'a', data_type: 'TYPE_FP32', dims: [-1, 2] }, {}] },
    ]);
  });

  it('infers on binary tensors and answers with them', async () => {
    const { infer } = await start();
    const outputs = [{ name: 'sum', parameters: { binary_data: true } }];
    for (const request of [
      { id: 'x', inputs: binaryInputs, outputs },
      { id: 'x', inputs: binaryInputs, parameters: { binary_data_output: true } },
    ]) {
      expect(await infer(request, Buffer.concat([a, b]))).toEqual({
        ...{ status: 200, type: 'application/octet-stream', tail: [11, 22] },
        json: {
          ...{ id: 'x', model_name: 'add', model_version: '1' },
          outputs: [{ name: 'sum', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } }],
        },
      });
    }
  });

  it('infers on JSON, and on one input of each kind', async () => {
    const { infer } = await start();
    const outputs = [{ name: 'sum', datatype: 'FP32', shape: [1, 2], data: [11, 22] }];
    const expected = {
      status: 200,
      type: 'application/json',
      json: { model_name: 'add', model_version: '1', outputs },
    };
    expect(await infer({ inputs: jsonInputs })).toMatchObject(expected);
    expect(await infer({ inputs: [jsonInputs[0], binaryInputs[1]] }, b)).toMatchObject(expected);
  });

  it.each<[string, unknown, Uint8Array | undefined, number, string | RegExp]>([
    ['no JSON', '{', undefined, 400, /^failed to parse the request JSON buffer: /],
    ['no inputs', {}, undefined, 400, "Unable to parse 'inputs': it is no list"],
    ['bytes that are missing', { inputs: binaryInputs }, a, 400, /^unexpected size for input 'b'/],
    [
      'bytes too many',
      { inputs: binaryInputs },
      Buffer.concat([a, b, b]),
      400,
      "unexpected additional input data for model 'add'",
    ],
    [
      'too few elements',
      { inputs: [jsonInputs[0], { ...jsonInputs[1], data: [1] }] },
      undefined,
      400,
      "Unable to parse 'data': input 'b' has 1 elements, its shape 2",
    ],
    [
      'another type',
      { inputs: [jsonInputs[0], { ...jsonInputs[1], datatype: 'FP64' }] },
      undefined,
      400,
      "[request id: <id_unknown>] inference input 'b' data-type is 'FP64', but model 'add' expects 'FP32'",
    ],
  ])('refuses %s', async (_, json, tail, status, message) => {
    const { infer } = await start();
    const answer = await infer(json, tail);
    expect(answer.status).toBe(status);
    expect(answer.json.error).toMatch(message);
  });

  it('gives the statuses of Triton', async () => {
    const { infer, json, post } = await start({ failEvery: 1 });
    const missing = { error: "Request for unknown model: 'no' is not found" };
    expect(await infer({ inputs: jsonInputs }, undefined, '/v2/models/no/infer')).toMatchObject({
      status: 404,
      json: missing,
    });
    expect(await json('/v2/models/no')).toEqual([404, missing]);
    expect(await json('/v2/models/no/ready')).toEqual([400, { error: 'Model version not ready' }]);
    expect(await json('/v2/models/no/stats')).toMatchObject([400, {}]);
    expect(await infer({ inputs: jsonInputs })).toMatchObject({
      status: 500,
      json: { error: 'injected failure (--fail-every 1)' },
    });
    expect((await post('/v2/repository/models/add/load')).status).toBe(503);
    expect(await json('/v2/models/add/infer')).toEqual([405, { error: 'Method Not Allowed' }]);
    expect(await json('/v1/models/add')).toEqual([404, { error: 'Not Found' }]);
  });

  it('refuses a request that is too large', async () => {
    const { infer } = await start({ maxMessageBytes: 1_000 });
    expect(await infer({ inputs: binaryInputs }, Buffer.alloc(2_000))).toMatchObject({
      status: 400,
      json: { error: 'the request is larger than 1000 bytes' },
    });
  });

  it('controls models in explicit mode', async () => {
    const { json, post } = await start({ tritonModelControl: 'explicit' });
    const index = async (ready: boolean) => (await post('/v2/repository/index', { ready })).json();
    expect(await index(false)).toEqual([{ name: 'add' }]);
    expect((await post('/v2/repository/models/add/load')).status).toBe(200);
    expect(await index(true)).toEqual([{ name: 'add', version: '1', state: 'READY' }]);
    expect(await json('/v2/models/stats')).toMatchObject([
      200,
      { model_stats: [{ name: 'add', inference_count: 0 }] },
    ]);
    expect((await post('/v2/repository/models/add/unload')).status).toBe(200);
    expect(await index(true)).toEqual([]);
    expect((await post('/v2/repository/models/add/load', { parameters: { config: '{}' } })).status).toBe(501);
  });

  it('counts what it does', async () => {
    const { infer, json } = await start();
    await infer({ inputs: jsonInputs });
    expect(await json('/v2/models/add/versions/1/stats')).toMatchObject([
      200,
      {
        model_stats: [
          {
            ...{ name: 'add', version: '1', inference_count: 1, execution_count: 1 },
            inference_stats: { success: { count: 1, ns: expect.any(Number) }, fail: { count: 0, ns: 0 } },
            batch_stats: [{ batch_size: 1, compute_infer: { count: 1, ns: expect.any(Number) } }],
          },
        ],
      },
    ]);
  });

  it('answers for any model without running one', async () => {
    const { infer, json } = await start({ nullModel: true, nullOutputShape: ['o=2'], modelRepository: '' });
    const request = { inputs: binaryInputs, parameters: { binary_data_output: true } };
    expect(await infer(request, Buffer.concat([a, b]), '/v2/models/any/versions/3/infer')).toMatchObject({
      status: 200,
      json: { model_name: 'any', model_version: '3', outputs: [{ name: 'o', shape: [2] }] },
      tail: [0, 0],
    });
    expect(await json('/v2/models/any/config')).toMatchObject([200, { platform: 'null' }]);
  });
});
