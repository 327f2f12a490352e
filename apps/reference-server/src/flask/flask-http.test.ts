import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MultipartTemplate } from '@aibench/http';
import { GraphBuilder, writeOnnx } from '@aibench/models';
import { temporaryFolder } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import type { ReferenceServerFlags } from '../flags.js';
import { additionOnnx, floatBytes } from '../testing/test-models.js';
import { startServer } from '../testing/test-server.js';

const tensor = (name: string, dtype = 'float32') => ({ name, dtype, shape: [-1, 2] });
const addition = { inputs: [tensor('a'), tensor('b')], outputs: [tensor('sum')] };

/** Writes a model's folder. */
function addModel(folder: string, name: string, description: object, bytes: Uint8Array): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'model.onnx'), bytes);
  writeFileSync(join(folder, name, 'model.json'), JSON.stringify(description));
}

function additionFolder(): string {
  const folder = temporaryFolder();
  addModel(folder, 'add', addition, additionOnnx);
  return folder;
}

/** Multiplies its input by a factor. */
function scaling(factor: number): Uint8Array {
  const builder = new GraphBuilder();
  const x = builder.input('x', [-1, 2]);
  const by = builder.constant('factor', [1], Float32Array.of(factor));
  return writeOnnx(builder.build('scale', [builder.apply('mul', 'y', [x, by])]));
}

async function start(flags: Partial<ReferenceServerFlags>): Promise<string> {
  const { addresses } = await startServer({ protocols: ['flask'], ...flags });
  return addresses.flask!;
}

async function ask(
  address: string,
  path: string,
  body?: string | Buffer<ArrayBuffer>,
  type = 'application/json',
) {
  const response = await fetch(`http://${address}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body, headers: { 'content-type': type } }),
  });
  return {
    status: response.status,
    json: (await response.json()) as unknown,
    server: response.headers.get('server'),
  };
}

const json = (address: string, inputs: object, query = '') =>
  ask(address, `/v1/predict${query}`, JSON.stringify(inputs));

const both = { a: [1, 2], b: [10, 20] };

describe("the Flask service's protocol", () => {
  it('answers JSON and forms, and says who it is', async () => {
    const address = await start({ flaskModels: additionFolder() });
    const expected = {
      status: 200,
      json: { outputs: [[11, 22]] },
      server: 'aibench-reference-server/0.0.0-test',
    };
    expect(await json(address, both)).toEqual(expected);
    const template = new MultipartTemplate([
      { name: 'a', dtype: 'float32', shape: [1, 2] },
      { name: 'b', dtype: 'float32', shape: [1, 2] },
    ]);
    const body = Buffer.from(template.encode([floatBytes(1, 2), floatBytes(10, 20)]) as Uint8Array);
    expect(await ask(address, '/v2/predict', body, template.headers['content-type'])).toEqual(expected);
    expect((await ask(address, '/health')).json).toMatchObject({
      ...{ status: 'ok', service: 'aibench-reference-server', version: '0.0.0-test' },
      backend: { name: 'onnxruntime', version: expect.stringMatching(/^\d+\./), intraOpThreads: 1 },
      models: [{ name: 'add', ...addition, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    });
  });

  it('answers with the newest model, and none that is gone', async () => {
    const flaskModels = temporaryFolder();
    const address = await start({ flaskModels });
    expect(await json(address, { x: [1, 2] }, '?model=scale')).toMatchObject({ status: 404 });
    const scale = { inputs: [tensor('x')], outputs: [tensor('y')] };
    for (const factor of [2, 3, 5]) {
      addModel(flaskModels, 'scale', scale, scaling(factor));
      const answers = await Promise.all([1, 2, 3].map(() => json(address, { x: [1, 2] })));
      for (const answer of answers) expect(answer.json).toEqual({ outputs: [[factor, 2 * factor]] });
    }
    rmSync(join(flaskModels, 'scale'), { recursive: true });
    expect(await json(address, { x: [1, 2] })).toMatchObject({ status: 400 });
    addModel(flaskModels, 'scale', scale, scaling(7));
    expect((await json(address, { x: [1, 2] })).json).toEqual({ outputs: [[7, 14]] });
  });

  it('carries whole numbers of every size', async () => {
    const flaskModels = temporaryFolder();
    addModel(flaskModels, 'add', { ...addition, inputs: [tensor('a', 'uint8'), tensor('b')] }, additionOnnx);
    const address = await start({ flaskModels });
    const errorOf = async (a: readonly unknown[]) => (await json(address, { a, b: [1, 2] })).json;
    expect(await errorOf([1, 256])).toEqual({ error: 'input "a" has a number that uint8 cannot hold' });
    expect(await errorOf([1, 0.5])).toEqual({ error: 'input "a" has an element that is no whole number' });
    // Read as it should be, and then refused by the model, which is one of floats.
    expect(await errorOf([1, 255])).toMatchObject({ error: expect.stringMatching(/^model "add" failed: /) });
  });

  it("injects failures and wrong answers, in the service's form", async () => {
    const failing = await start({ flaskModels: additionFolder(), failEvery: 2 });
    expect((await json(failing, both)).status).toBe(200);
    expect(await json(failing, both)).toMatchObject({
      status: 500,
      json: { error: 'model "add" failed: injected failure (--fail-every 2)' },
    });
    const wrong = await start({ flaskModels: additionFolder(), wrongEvery: 1 });
    expect((await json(wrong, both)).json).toEqual({ outputs: [[12, 23]] });
  });

  it('answers by the null model whatever is asked', async () => {
    const address = await start({ nullModel: true, nullOutputShape: ['out=1x2'] });
    for (const body of ['{"a":[1]}', 'what?']) {
      expect(await ask(address, '/v1/predict?model=any', body)).toMatchObject({
        ...{ status: 200, json: { outputs: [[0, 0]] } },
      });
    }
    expect(await ask(address, '/v2/predict', '')).toMatchObject({ json: { outputs: [[0, 0]] } });
    expect((await ask(address, '/health')).json).toMatchObject({ backend: { name: 'null' }, models: [] });
    const several = await start({ nullModel: true, nullOutputShape: ['y=3', 'z=2x1'], delayMs: 1 });
    expect((await ask(several, '/v2/predict', '')).json).toEqual({
      outputs: { y: [0, 0, 0], z: [[0], [0]] },
    });
    const failing = await start({ nullModel: true, failEvery: 1 });
    expect((await ask(failing, '/v1/predict', '{}')).status).toBe(500);
  });

  it('gives the null model the shape of a model that is there, and takes any file for one', async () => {
    const flaskModels = additionFolder();
    addModel(flaskModels, 'broken', { inputs: [tensor('x')], outputs: [tensor('y')] }, Buffer.from('none'));
    const address = await start({ flaskModels, nullModel: true });
    expect((await json(address, { a: [1, 2, 3, 4], b: [1, 2, 3, 4] })).json).toEqual({
      outputs: [
        [0, 0],
        [0, 0],
      ],
    });
    expect((await json(address, { x: [1, 2] })).json).toEqual({ outputs: [[0, 0]] });
  });
});
