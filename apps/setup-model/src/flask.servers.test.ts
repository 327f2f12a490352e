import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MultipartTemplate } from '@aibench/http';
import { type Graph, GraphBuilder, writeOnnx, writeSavedModel } from '@aibench/models';
import { describeWithPython, startFlask, temporaryFolder } from '@aibench/testing';
import { describe, expect, it } from 'vitest';

const image = [224, 224, 3] as const;
const pixels = 224 * 224 * 3;

/** Sums up an image's values: whatever arrives in another place or another order, the weights tell. */
function imageGraph(): Graph {
  const builder = new GraphBuilder();
  const input = builder.input('input', [-1, ...image]);
  const weights = Float32Array.from({ length: pixels }, (_, i) => (i % 7) / pixels);
  const flat = builder.reshape('flat', input, [-1, pixels]);
  const product = builder.apply('matMul', 'sum', [flat, builder.constant('weights', [pixels, 1], weights)]);
  return builder.build('image', [product]);
}

/** Multiplies by a factor. */
function scaling(factor: number): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', [-1, 2]);
  const by = builder.constant('factor', [1], Float32Array.of(factor));
  return builder.build('scale', [builder.apply('mul', 'y', [x, by])]);
}

/** Puts a model into its place at once, as the set-up does: the description last, none of them half written. */
function place(folder: string, name: string, graph: Graph): void {
  const files = { 'model.onnx': writeOnnx(graph), 'saved_model.pb': writeSavedModel(graph) };
  const tensors = (specs: Graph['inputs']) => specs.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const description = {
    ...{ inputs: tensors(graph.inputs), outputs: tensors(graph.outputs), files: Object.keys(files) },
  };
  mkdirSync(join(folder, name), { recursive: true });
  for (const [file, bytes] of Object.entries({ ...files, 'model.json': JSON.stringify(description) })) {
    writeFileSync(join(folder, `.${file}`), bytes);
    renameSync(join(folder, `.${file}`), join(folder, name, file));
  }
}

async function post(
  address: string,
  path: string,
  body: string | Buffer<ArrayBuffer>,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`http://${address}${path}`, { method: 'POST', body, headers });
  return { status: response.status, json: (await response.json()) as Readonly<Record<string, unknown>> };
}

const ask = (address: string, x: readonly unknown[], query = '') =>
  post(address, `/v1/predict${query}`, JSON.stringify({ x }));

for (const backend of ['onnxruntime', 'tensorflow'] as const) {
  await describeWithPython(`flask-${backend}`, `the Flask service with ${backend}`, (python) => {
    it('takes images by the megabyte', { timeout: 180_000 }, async () => {
      const models = temporaryFolder();
      place(models, 'image', imageGraph());
      const { address } = await startFlask({ python, models, backend });
      const rows = 4;
      const data = Float32Array.from({ length: rows * pixels }, (_, i) => Math.floor(i / pixels) + (i % 5));
      const sums = Array.from({ length: rows }, (_, row) => {
        let sum = 0;
        for (let i = 0; i < pixels; i++) sum += (data[row * pixels + i]! * (i % 7)) / pixels;
        return sum;
      });
      const template = new MultipartTemplate([{ name: 'input', dtype: 'float32', shape: [rows, ...image] }]);
      const pieces = template.encode([new Uint8Array(data.buffer)]) as readonly Uint8Array[];
      const answer = await post(address, '/v2/predict', Buffer.concat(pieces), template.headers);
      expect(answer.status).toBe(200);
      const outputs = answer.json['outputs'] as readonly (readonly [number])[];
      expect(outputs).toHaveLength(rows);
      for (const [i, [sum]] of outputs.entries()) expect(sum / sums[i]!).toBeCloseTo(1, 3);
      const short = Buffer.concat(pieces.map((piece, i) => (i === 1 ? piece.subarray(4) : piece)));
      expect(await post(address, '/v2/predict', short, template.headers)).toMatchObject({
        status: 400,
        json: { error: `input "input" has ${rows * pixels * 4 - 4} bytes instead of 602112 a row` },
      });
    });

    describe.each(['sync', 'gthread'] as const)('in %s workers', (workerClass) => {
      it('answers with the newest model in every worker', { timeout: 180_000 }, async () => {
        const models = temporaryFolder();
        const { address } = await startFlask({ python, models, backend, workers: 3, workerClass });
        expect((await ask(address, [1, 2])).status).toBe(400);
        expect((await ask(address, [1, 2], '?model=scale')).status).toBe(404);
        for (const factor of [2, 3, -1, 7]) {
          place(models, 'scale', scaling(factor));
          // Several at a time, over connections of their own: no worker may have kept the former one.
          const answers = await Promise.all(Array.from({ length: 12 }, () => ask(address, [1, 2, 3, 4])));
          for (const { json } of answers) {
            expect(json).toEqual({
              outputs: [
                [factor, 2 * factor],
                [3 * factor, 4 * factor],
              ],
            });
          }
        }
        rmSync(join(models, 'scale'), { recursive: true });
        const gone = await Promise.all(
          Array.from({ length: 12 }, () => ask(address, [1, 2], '?model=scale')),
        );
        expect(new Set(gone.map(({ status }) => status))).toEqual(new Set([404]));
      });
    });

    it('gives each of many threads its own answer', { timeout: 180_000 }, async () => {
      const models = temporaryFolder();
      place(models, 'scale', scaling(2));
      const { address } = await startFlask({ python, models, backend, args: ['--threads', '8'] });
      const numbers = Array.from({ length: 200 }, (_, i) => i + 1);
      const answers = await Promise.all(numbers.map((i) => ask(address, [i, -i])));
      expect(answers.map(({ json }) => json)).toEqual(numbers.map((i) => ({ outputs: [[2 * i, -2 * i]] })));
    });

    it('says what is wrong with a request, and with a model', { timeout: 180_000 }, async () => {
      const models = temporaryFolder();
      place(models, 'scale', scaling(2));
      const { address } = await startFlask({ python, models, backend });
      expect(await ask(address, [1, 'a'])).toEqual({
        status: 400,
        json: { error: 'input "x" has an element that is no number' },
      });
      expect(await ask(address, [1])).toEqual({
        status: 400,
        json: { error: 'input "x" has 1 numbers instead of 2 a row' },
      });
      writeFileSync(join(models, 'scale', backend === 'tensorflow' ? 'saved_model.pb' : 'model.onnx'), 'x');
      const broken = await ask(address, [1, 2]);
      expect(broken.status).toBe(500);
      expect(broken.json['error']).toMatch(/^model "scale" cannot be loaded: \S/);
      place(models, 'scale', scaling(5));
      expect(await ask(address, [1, 2])).toMatchObject({ json: { outputs: [[5, 10]] } });
    });
  });
}

await describeWithPython('flask-onnxruntime', 'the Flask service', (python) => {
  it('says which back end it does not know', { timeout: 60_000 }, async () => {
    const env = { AIBENCH_BACKEND: 'torch' };
    await expect(startFlask({ python, models: temporaryFolder(), env })).rejects.toThrow(
      'AIBENCH_BACKEND is "torch": onnxruntime or tensorflow',
    );
  });
});
