import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder, writeOnnx } from '@aibench/models';
import { describeWithPython, startFlask, temporaryFolder } from '@aibench/testing';
import { expect, it } from 'vitest';
import { additionOnnx, floatBytes } from '../testing/test-models.js';
import { startServer } from '../testing/test-server.js';

const rows = (name: string) => ({ name, dtype: 'float32', shape: [-1, 2] });

/** One input of a fixed shape, and two outputs. */
function twoOutputs(): Uint8Array {
  const builder = new GraphBuilder();
  const x = builder.input('x', [3]);
  return writeOnnx(
    builder.build('two', [builder.apply('sigmoid', 'first', [x]), builder.apply('relu', 'second', [x])]),
  );
}

/** Divides: 0 by 0 is no number. */
function division(): Uint8Array {
  const builder = new GraphBuilder();
  const [over, under] = [builder.input('over', [-1, 1]), builder.input('under', [-1, 1])];
  return writeOnnx(builder.build('division', [builder.apply('div', 'ratio', [over, under])]));
}

type Description = Readonly<Record<string, unknown>> | string;

/** Writes a model's folder. */
function addModel(folder: string, name: string, description: Description, bytes?: Uint8Array): void {
  mkdirSync(join(folder, name), { recursive: true });
  if (bytes !== undefined) writeFileSync(join(folder, name, 'model.onnx'), bytes);
  const text = typeof description === 'string' ? description : JSON.stringify(description);
  writeFileSync(join(folder, name, 'model.json'), text);
}

/** Models as they should be. */
function goodModels(): string {
  const folder = temporaryFolder();
  addModel(folder, 'add', { inputs: [rows('a'), rows('b')], outputs: [rows('sum')] }, additionOnnx);
  const three = (name: string) => ({ name, dtype: 'float32', shape: [3] });
  addModel(folder, 'two', { inputs: [three('x')], outputs: [three('second'), three('first')] }, twoOutputs());
  const one = (name: string) => ({ name, dtype: 'float32', shape: [null, 1] });
  const divide = { inputs: [one('over'), one('under')], outputs: [one('ratio')], files: ['model.onnx'] };
  addModel(folder, 'divide', divide, division());
  return folder;
}

/** Models that are wrong in every way that is told in words of the service's own, beside one that is right. */
function badModels(): string {
  const folder = temporaryFolder();
  const good = { inputs: [rows('a'), rows('b')], outputs: [rows('sum')] };
  addModel(folder, 'add', good, additionOnnx);
  addModel(folder, 'again', good, additionOnnx);
  addModel(folder, 'no-json', '{', additionOnnx);
  addModel(folder, 'a-list', '[]', additionOnnx);
  addModel(folder, 'no-inputs', { outputs: [rows('sum')] }, additionOnnx);
  addModel(folder, 'no-outputs', { inputs: [rows('a')], outputs: [] }, additionOnnx);
  addModel(folder, 'no-tensor', { ...good, inputs: [{ name: 'a' }] }, additionOnnx);
  addModel(folder, 'no-object', { ...good, inputs: [7] }, additionOnnx);
  addModel(folder, 'no-type', { ...good, inputs: [{ ...rows('a'), dtype: 'float128' }] }, additionOnnx);
  addModel(folder, 'no-shape', { ...good, inputs: [{ ...rows('a'), shape: [-2] }] }, additionOnnx);
  addModel(folder, 'too-free', { ...good, inputs: [{ ...rows('a'), shape: [1, -1] }] }, additionOnnx);
  addModel(folder, 'other-names', { ...good, inputs: [rows('a'), rows('c')] }, additionOnnx);
  addModel(folder, 'other-output', { ...good, outputs: [rows('difference')] }, additionOnnx);
  addModel(folder, 'no-file', { ...good, inputs: [rows('f')] });
  addModel(folder, 'not-its-file', { ...good, files: ['saved_model.pb'] }, additionOnnx);
  mkdirSync(join(folder, 'nothing'));
  mkdirSync(join(folder, '.hidden'));
  return folder;
}

interface Call {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | FormData;
}

const json = (value: unknown, query = ''): Call => ({
  path: `/v1/predict${query}`,
  body: typeof value === 'string' || value instanceof Buffer ? value : JSON.stringify(value),
});

/** A form with a file for each input of bytes, and a field for each text. */
function form(inputs: readonly (readonly [string, Uint8Array | string])[], query = ''): Call {
  const body = new FormData();
  for (const [name, content] of inputs) {
    if (typeof content === 'string') body.append(name, content);
    else body.append(name, new Blob([new Uint8Array(content)]), name);
  }
  return { path: `/v2/predict${query}`, body };
}

const multipart = (body: string, contentType = 'multipart/form-data; boundary=x'): Call => ({
  path: '/v2/predict',
  headers: { 'content-type': contentType },
  body,
});

const [a, b] = [floatBytes(1, 2), floatBytes(10, 20)];

const calls: readonly Call[] = [
  form([
    ['a', a],
    ['b', b],
  ]),
  form([
    ['b', floatBytes(10, 20, 30, 40)],
    ['a', floatBytes(1, 2, 0.1, 1e-30)],
  ]),
  form(
    [
      ['a', a],
      ['b', b],
    ],
    '?model=add',
  ),
  form([['x', floatBytes(-1, 0, 2)]]),
  form([
    ['over', floatBytes(0)],
    ['under', floatBytes(0)],
  ]),
  form([['a', a]]),
  form([['a', a]], '?model=add'),
  form([]),
  form(
    [
      ['a', a],
      ['b', b],
      ['c', b],
    ],
    '?model=add',
  ),
  form([
    ['a', a],
    ['b', b],
    ['c', b],
  ]),
  form([
    ['a', a],
    ['a', b],
  ]),
  form([
    ['a', a],
    ['b', 'text'],
  ]),
  form([
    ['a', a],
    ['b', Buffer.alloc(7)],
  ]),
  form([
    ['a', a],
    ['b', Buffer.alloc(0)],
  ]),
  form([
    ['a', a],
    ['b', floatBytes(1, 2, 3, 4)],
  ]),
  form([['x', floatBytes(1, 2)]]),
  form([['x', a]], '?model=no'),
  form([['x', a]], '?model='),
  form([['x', a]], '?model=..%2Fadd'),
  form([['x', floatBytes(1, 2, 3)]], '?model=two&model=add'),
  multipart('hello'),
  multipart(''),
  multipart('--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n12345678'),
  multipart('{"a": [1, 2]}', 'application/json'),
  multipart('a=1', 'application/x-www-form-urlencoded'),
  multipart('a', 'multipart/form-data'),
  json({ a: [1, 2], b: [10, 20] }),
  json({ a: [[1, 2]], b: [[10.5], [20]] }),
  json({
    a: [1, 2, 3, 4],
    b: [
      [10, 20],
      [1e30, 1e-45],
    ],
  }),
  json({ x: [1, 2, 3] }, '?model=two'),
  json({ x: [1, 2, 3], y: [] }, '?model=two'),
  json({ a: [1, 2] }),
  json({}),
  json({ a: [1, 2], b: [1] }),
  json({ a: [1, 2], b: [] }),
  json({ a: [1, 2], b: 7 }),
  json({ a: [1, 2], b: { 0: 1, 1: 2 } }),
  json({ a: [1, 2], b: [1, '2'] }),
  json({ a: [1, 2], b: [1, null] }),
  json({ a: [1, 2], b: [1, true] }),
  json({ a: [1, 2], b: [1, [2]] }),
  json({ a: [1, 2], b: [[1], 2] }),
  json({ a: [1, 2], b: [1, 1e39] }),
  json('{"a": [1, 2], "b": [1, NaN]}'),
  json('{"a": [1, 2], "b": [-Infinity, 1]}'),
  json('{"a": [1, 2], "b": [1, 1e400]}'),
  json('{"NaN": [1, 2'),
  json('[1, 2]'),
  json('7'),
  json('hello'),
  json(''),
  json(Buffer.from('{"\xff": [1]}', 'latin1')),
  json(`{"a": ${'['.repeat(40)}1${']'.repeat(40)}, "b": [1, 2]}`),
  { path: '/v2/predict' },
  { path: '/health', method: 'POST', body: '{}' },
  { path: '/v1/predict', method: 'DELETE' },
  { path: '/v1/predict/', method: 'POST', body: '{}' },
  { path: '/' },
  { path: '/a%20b' },
  { path: '/v1/predict', method: 'OPTIONS' },
  { path: '/health', method: 'HEAD' },
];

async function outcome(address: string, { method, path, headers, body }: Call): Promise<unknown> {
  const response = await fetch(`http://${address}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    allow: response.headers.get('allow')?.split(', ').sort(),
    ...(text === '' ? {} : { type: response.headers.get('content-type'), body: JSON.parse(text) as unknown }),
  };
}

/** What both have to say alike of themselves; who they are differs. */
async function modelsOf(address: string): Promise<unknown> {
  const response = await fetch(`http://${address}/health`);
  const { status, models, backend } = (await response.json()) as Readonly<Record<string, unknown>>;
  const { name, intraOpThreads } = backend as Readonly<Record<string, unknown>>;
  return { code: response.status, status, models, backend: { name, intraOpThreads } };
}

await describeWithPython('flask-onnxruntime', 'the Flask service', (python) => {
  it('answers in the words of the reference server', { timeout: 120_000 }, async () => {
    const models = goodModels();
    const env = { AIBENCH_MAX_BODY_BYTES: '5000' };
    const { address: real } = await startFlask({ python, models, env });
    const { addresses } = await startServer({
      ...{ protocols: ['flask'], flaskModels: models, maxMessageBytes: 5_000 },
    });
    const ours = addresses.flask!;
    const both: unknown[][] = [[], []];
    for (const call of [...calls, { ...json(`[${' '.repeat(5_000)}]`) }]) {
      both[0]!.push([call, await outcome(real, call)]);
      both[1]!.push([call, await outcome(ours, call)]);
    }
    expect(both[1]).toEqual(both[0]);
    expect(await modelsOf(ours)).toEqual(await modelsOf(real));
    // Not two that say the same nothing.
    expect(both[0]![0]).toMatchObject([{}, { status: 200, body: { outputs: [[11, 22]] } }]);
    expect(await modelsOf(real)).toMatchObject({
      models: [{ name: 'add', sha256: createHash('sha256').update(additionOnnx).digest('hex') }, {}, {}],
    });
  });

  it('says what is wrong with models as the reference server does', { timeout: 120_000 }, async () => {
    const models = badModels();
    const { address: real } = await startFlask({ python, models });
    const { addresses } = await startServer({ protocols: ['flask'], flaskModels: models });
    const ours = addresses.flask!;
    expect(await modelsOf(ours)).toEqual(await modelsOf(real));
    expect(await modelsOf(real)).toMatchObject({ code: 200, status: 'degraded' });
    const asked: readonly Call[] = [
      json({ a: [1, 2], b: [3, 4] }),
      json({ a: [1, 2], b: [3, 4] }, '?model=again'),
      json({ f: [1, 2], b: [3, 4] }),
      json({ a: [1, 2], c: [3, 4] }),
      json({ a: [1, 2] }, '?model=no-json'),
      json({ a: [1, 2] }, '?model=nothing'),
      json({ a: [1, 2] }, '?model=.hidden'),
    ];
    for (const call of asked) expect(await outcome(ours, call)).toEqual(await outcome(real, call));
  });
});
