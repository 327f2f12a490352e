import { readModelDescription } from '@aibench/torchserve';
import { describe, expect, it } from 'vitest';
import type { ReferenceServerFlags } from '../flags.js';
import { newModelStore, packArchive } from '../testing/model-store.js';
import { startServer } from '../testing/test-server.js';

/** Starts a server with the addition model, registered unless said otherwise. */
async function start(overrides: Partial<ReferenceServerFlags> = {}) {
  const { addresses } = await startServer({
    ...{ protocols: ['torchserve'], modelStore: newModelStore(), torchserveModels: ['all'] },
    ...overrides,
  });
  const ask = async (port: 'torchserve' | 'torchserveManagement', path: string, init: RequestInit = {}) => {
    const answer = await fetch(`http://${addresses[port]}${path}`, init);
    const bytes = Buffer.from(await answer.arrayBuffer());
    return {
      status: answer.status,
      headers: answer.headers,
      bytes,
      json: () => JSON.parse(bytes.toString()),
    };
  };
  return {
    addresses,
    infer: (path: string, init: RequestInit = {}) => ask('torchserve', path, { method: 'POST', ...init }),
    get: (path: string, init: RequestInit = {}) => ask('torchserve', path, init),
    manage: (method: string, path: string, init: RequestInit = {}) =>
      ask('torchserveManagement', path, { method, ...init }),
    metrics: async () => (await fetch(`http://${addresses.torchserveMetrics}/metrics`)).text(),
  };
}

const json = (value: unknown): RequestInit => ({
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json' },
});

function form(tensors: Readonly<Record<string, readonly number[]>>): RequestInit {
  const body = new FormData();
  for (const [name, values] of Object.entries(tensors)) {
    body.append(name, new Blob([Float32Array.from(values)]), name);
  }
  return { body };
}

function floats(bytes: Buffer): number[] {
  return [...new Float32Array(new Uint8Array(bytes).buffer)];
}

describe('inferences', () => {
  it('take flat and nested lists as JSON, and answer with a list', async () => {
    const { infer } = await start();
    for (const a of [[1, 2], [[1, 2]]]) {
      const answer = await infer('/predictions/add', json({ a, b: [0.1, -2] }));
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('server')).toBe('aibench-reference-server/0.0.0-test');
      expect(answer.json()).toEqual({ outputs: [[Math.fround(1.1), 0]] });
    }
    const batch = await infer('/predictions/add/1.0', json({ a: [1, 2, 3, 4], b: [1, 1, 1, 1] }));
    expect(batch.json()).toEqual({
      outputs: [
        [2, 3],
        [4, 5],
      ],
    });
  });

  it('take bytes as multipart, and answer with bytes', async () => {
    const { infer } = await start();
    const answer = await infer('/predictions/add', form({ b: [0.5, 1], a: [1, 2] }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(floats(answer.bytes)).toEqual([1.5, 3]);
  });

  it.each<[string, RequestInit, string]>([
    ['no JSON', { body: 'hello' }, 'the body is no JSON'],
    ['a list', json([1]), 'the body is no JSON object'],
    ['no input', json({ a: [1, 2] }), 'input b is missing, there are a'],
    ['words', json({ a: ['x', 2], b: [1, 2] }), 'input a has an element that is no number'],
    [
      'three numbers',
      json({ a: [1, 2, 3], b: [1, 2] }),
      'input a has 3 numbers, which are no float32 [-1,2]',
    ],
    ['one more input', json({ a: [1, 2], b: [1, 2], c: [] }), 'there is no input c, but a, b'],
    ['a number too large', json({ a: [1e39, 2], b: [1, 2] }), 'input a has a number that is no float32'],
    ['no numbers', json({ a: [], b: [1, 2] }), 'input a has 0 numbers'],
    ['other parts', form({ a: [1, 2], c: [1, 2] }), 'input b is missing, there are a, c'],
    ['half a row', form({ a: [1], b: [1, 2] }), 'input a has 4 bytes, which are no float32 [-1,2]'],
    [
      'a broken form',
      { body: '--x\r\nhello', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
      'the body is no multipart/form-data',
    ],
  ])('refuse %s', async (_what, init, words) => {
    const { infer } = await start();
    const answer = await infer('/predictions/add', init);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('connection')).toBe('close');
    expect(answer.json()).toMatchObject({ code: 400, type: 'InternalServerException' });
    expect(answer.json().message).toContain(words);
  });

  it.each([
    ['/predictions/other', 'ModelNotFoundException', 'Model not found: other'],
    [
      '/predictions/add/2.0',
      'ModelVersionNotFoundException',
      'Model version: 2.0 does not exist for model: add',
    ],
    [
      '/predictions',
      'ResourceNotFoundException',
      'Requested resource is not found, please refer to API document.',
    ],
    [
      '/models',
      'ResourceNotFoundException',
      'Requested resource is not found, please refer to API document.',
    ],
  ])('are not found at %s', async (path, type, message) => {
    const { infer } = await start();
    const answer = await infer(path, json({ a: [1, 2], b: [1, 2] }));
    expect({ status: answer.status, body: answer.json() }).toEqual({
      status: 404,
      body: { code: 404, type, message },
    });
  });

  it('are refused where they are larger than is taken', async () => {
    const { infer } = await start({ maxMessageBytes: 20 });
    const answer = await infer('/predictions/add', json({ a: [1, 2], b: [0.5, 1] }));
    expect(answer.status).toBe(413);
    expect(answer.json().message).toBe('the request is larger than 20 bytes');
  });

  it('are answered 503 where no worker is there, and where too many wait for one', async () => {
    const { infer, manage } = await start({ delayMs: 10 });
    await manage('PUT', '/models/add?min_worker=1&synchronous=true');
    const body = json({ a: [1, 2], b: [1, 2] });
    const crowd = await Promise.all(Array.from({ length: 110 }, () => infer('/predictions/add', body)));
    const statuses = crowd.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(101);
    await manage('PUT', '/models/add?min_worker=0');
    const answer = await infer('/predictions/add', body);
    expect(answer.status).toBe(503);
    expect(answer.json()).toMatchObject({ code: 503, type: 'ServiceUnavailableException' });
    expect(answer.json().message).toMatch(/^Model "add" has no worker to serve inference request/);
  }, 30_000);

  it('fail and go wrong as often as they should', async () => {
    const failing = await start({ failEvery: 2 });
    const body = json({ a: [1, 2], b: [1, 2] });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await failing.infer('/predictions/add', body)).status);
    expect(statuses).toEqual([200, 503, 200, 503]);
    const failed =
      (await failing.infer('/predictions/add', body)) && (await failing.infer('/predictions/add', body));
    expect(failed.json()).toEqual({
      ...{ code: 503, type: 'InternalServerException' },
      message: 'Prediction failed: injected failure (--fail-every 2)',
    });
    const wrong = await start({ wrongEvery: 2 });
    await wrong.infer('/predictions/add', body);
    expect((await wrong.infer('/predictions/add', body)).json()).toEqual({ outputs: [[3, 5]] });
  });

  it('are answered with zeros by the null model, whatever is asked', async () => {
    const { infer } = await start({ nullModel: true, torchserveModels: [], nullOutputShape: ['out=1x3'] });
    expect((await infer('/predictions/any/7', json({ x: 1 }))).json()).toEqual({ outputs: [[0, 0, 0]] });
    expect(floats((await infer('/predictions/any', form({ x: [1] }))).bytes)).toEqual([0, 0, 0]);
    const known = await start({ nullModel: true });
    expect((await known.infer('/predictions/add', json({ a: [1, 2], b: [1, 2] }))).json()).toEqual({
      outputs: [[0, 0]],
    });
    expect((await known.infer('/predictions/other', json({}))).json()).toEqual({ outputs: [[0, 0]] });
  });
});

describe('the inference port', () => {
  it('says that it is healthy, and what it answers', async () => {
    const { get } = await start();
    expect((await get('/ping')).json()).toEqual({ status: 'Healthy' });
    const description = await get('/', { method: 'OPTIONS' });
    expect(description.json()).toMatchObject({
      openapi: '3.0.1',
      info: { title: 'aibench-reference-server', version: '0.0.0-test' },
    });
    expect(Object.keys(description.json().paths)).toContain('/predictions/{model_name}');
    expect((await get('/api-description')).json()).toEqual(description.json());
    expect((await get('/predictions/add', { method: 'OPTIONS' })).json().info.title).toBe('add');
  });
});

describe('models from the start', () => {
  const two = { 'a.mar': packArchive(), 'b.mar': packArchive() };

  it.each<[string, () => string, string]>([
    ['none.mar', newModelStore, 'Model not found at: none.mar'],
    ['add.mar', () => '', 'Model store has not been configured.'],
    ['all', () => newModelStore({ 'text.mar': Buffer.from('hello') }), 'text.mar is no archive'],
    ['all', () => newModelStore(two), 'is already registered for model add'],
  ])('end the server in one line where %s is not to be had', async (archive, store, words) => {
    await expect(start({ torchserveModels: [archive], modelStore: store() })).rejects.toMatchObject({
      ...{ code: 'AIBENCH_INPUT', message: expect.stringContaining(words) },
      hint: 'archives are named as they lie in --model-store',
    });
  });
});

describe('the management port', () => {
  it('registers, lists, describes and drops models', async () => {
    const { manage, infer } = await start({ torchserveModels: [] });
    expect((await manage('GET', '/models')).json()).toEqual({ models: [] });
    const registered = await manage(
      'POST',
      '/models?url=add.mar&initial_workers=2&batch_size=8&max_batch_delay=5',
    );
    expect(registered.status).toBe(200);
    expect(registered.json()).toEqual({
      status: 'Model "add" Version: 1.0 registered with 2 initial workers',
    });
    expect((await manage('GET', '/models')).json()).toEqual({
      models: [{ modelName: 'add', modelUrl: 'add.mar' }],
    });
    const description = await manage('GET', '/models/add');
    expect(readModelDescription(description.json(), '')).toEqual([
      {
        ...{ model: 'add', version: '1.0', archive: 'add.mar', runtime: 'python' },
        engine: 'aibench-reference-server/0.0.0-test',
        ...{ minWorkers: 2, maxWorkers: 2, batchSize: 8, maxBatchDelayMs: 5, workers: ['READY', 'READY'] },
      },
    ]);
    expect((await infer('/predictions/add', json({ a: [1, 2], b: [1, 2] }))).status).toBe(200);
    expect((await manage('DELETE', '/models/add')).json()).toEqual({ status: 'Model "add" unregistered' });
    expect((await infer('/predictions/add', json({ a: [1, 2], b: [1, 2] }))).status).toBe(404);
  });

  it('keeps versions apart, and a default', async () => {
    const double = packArchive({ version: '2.0' });
    const { manage } = await start({
      modelStore: newModelStore({ 'add.mar': packArchive(), 'add2.mar': double }),
      torchserveModels: ['add.mar'],
    });
    const versions = async (path: string) =>
      readModelDescription((await manage('GET', path)).json(), '').map(({ version }) => version);
    await manage('POST', '/models?url=add2.mar');
    expect(await versions('/models/add/all')).toEqual(['1.0', '2.0']);
    expect(await versions('/models/add')).toEqual(['1.0']);
    expect((await manage('DELETE', '/models/add/1.0')).status).toBe(403);
    expect((await manage('PUT', '/models/add/2.0/set-default')).json()).toEqual({
      status: 'Default version successfully updated for model "add" to "2.0"',
    });
    expect(await versions('/models/add')).toEqual(['2.0']);
    expect((await manage('DELETE', '/models/add/1.0')).status).toBe(200);
    expect(await versions('/models/add/all')).toEqual(['2.0']);
    expect((await manage('POST', '/models?url=add2.mar')).json()).toEqual({
      ...{ code: 409, type: 'ConflictStatusException' },
      message: 'Model version 2.0 is already registered for model add',
    });
  });

  it('scales workers', async () => {
    const { manage } = await start();
    const scaled = await manage('PUT', '/models/add?min_worker=3&synchronous=true');
    expect({ status: scaled.status, body: scaled.json() }).toEqual({
      status: 200,
      body: { status: 'Workers scaled to 3 for model: add' },
    });
    expect(readModelDescription((await manage('GET', '/models/add')).json(), '')[0]!.workers).toHaveLength(3);
    const later = await manage('PUT', '/models/add/1.0?min_worker=1&max_worker=2');
    expect({ status: later.status, body: later.json() }).toEqual({
      status: 202,
      body: { status: 'Processing worker updates...' },
    });
    expect(readModelDescription((await manage('GET', '/models/add')).json(), '')[0]!.workers).toHaveLength(2);
    expect((await manage('PUT', '/models/add?min_worker=3&max_worker=2')).json()).toMatchObject({
      message: 'max_worker cannot be less than min_worker.',
    });
  });

  it('gives the list of models in pages', async () => {
    const names = ['a', 'b', 'c'];
    const { manage } = await start({
      modelStore: newModelStore(
        Object.fromEntries(names.map((name) => [`${name}.mar`, packArchive({ name })])),
      ),
    });
    const first = (await manage('GET', '/models?limit=2')).json();
    expect(first).toMatchObject({ nextPageToken: '2', models: [{ modelName: 'a' }, { modelName: 'b' }] });
    expect((await manage('GET', '/models?limit=2&next_page_token=2')).json()).toEqual({
      models: [{ modelName: 'c', modelUrl: 'c.mar' }],
    });
  });

  it.each([
    ['POST', '/models', 400, 'BadRequestException', 'Parameter url is required.'],
    ['POST', '/models?url=none.mar', 404, 'ModelNotFoundException', 'Model not found at: none.mar'],
    [
      'POST',
      '/models?url=../add.mar',
      404,
      'ModelNotFoundException',
      'Relative path is not allowed in url: ../add.mar',
    ],
    [
      'POST',
      '/models?url=https://x/add.mar',
      404,
      'ModelNotFoundException',
      'does not match any allowed URL(s)',
    ],
    ['POST', '/models?url=text.mar', 400, 'InvalidModelException', 'text.mar is no archive'],
    ['POST', '/models?url=broken.mar', 400, 'InvalidModelException', 'broken.mar'],
    ['GET', '/models/other', 404, 'ModelNotFoundException', 'Model not found: other'],
    [
      'GET',
      '/models/add/3',
      404,
      'ModelVersionNotFoundException',
      'Model version: 3 does not exist for model: add',
    ],
    [
      'PUT',
      '/models/add/3/set-default',
      404,
      'ModelVersionNotFoundException',
      'Model version 3 does not exist',
    ],
    ['DELETE', '/models/other', 404, 'ModelNotFoundException', 'Model not found: other'],
    ['DELETE', '/models', 405, 'MethodNotAllowedException', 'Requested method is not allowed'],
    ['POST', '/models/add', 405, 'MethodNotAllowedException', 'Requested method is not allowed'],
    ['GET', '/ping', 404, 'ResourceNotFoundException', 'Requested resource is not found'],
    ['POST', '/predictions/add', 404, 'ResourceNotFoundException', 'Requested resource is not found'],
  ])('refuses %s %s', async (method, path, status, type, words) => {
    const store = newModelStore({
      'add.mar': packArchive(),
      'text.mar': Buffer.from('hello'),
      'broken.mar': packArchive({ name: 'broken', onnx: Buffer.from('no model') }),
    });
    const { manage } = await start({ modelStore: store, torchserveModels: ['add.mar'] });
    const answer = await manage(method, path);
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({ code: status, type });
    expect(answer.json().message).toContain(words);
  });
});

describe('the metrics port', () => {
  it('counts what was asked, by the version that was named', async () => {
    const { infer, metrics } = await start();
    const body = json({ a: [1, 2], b: [1, 2] });
    for (const path of ['/predictions/add', '/predictions/add', '/predictions/add/1.0'])
      await infer(path, body);
    await infer('/predictions/add', json({}));
    await infer('/predictions/other', json({}));
    const lines = (await metrics()).split('\n');
    const value = (start: string) =>
      Number(
        lines
          .find((line) => line.startsWith(start))
          ?.split(' ')
          .at(-1),
      );
    expect(value('ts_inference_requests_total{model_name="add",model_version="default"')).toBe(3);
    expect(value('ts_inference_requests_total{model_name="add",model_version="1.0"')).toBe(1);
    expect(value('ts_inference_latency_microseconds{model_name="add",model_version="1.0"')).toBeGreaterThan(
      0,
    );
    expect(
      value('ts_queue_latency_microseconds{model_name="add",model_version="1.0"'),
    ).toBeGreaterThanOrEqual(0);
    expect(value('Requests2XX')).toBe(3);
    expect(value('Requests4XX')).toBe(2);
    expect(value('Requests5XX')).toBe(0);
  });
});
