import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { float32Tensor, float32Values, Random } from '@aibench/core';
import { evaluate, writeGraphDef, writeOnnx, writeSavedModel } from '@aibench/models';
import { temporaryFolder } from '@aibench/testing';
import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { loadSavedModel } from '../tfserving/load-saved-model.js';
import { loadRepositoryModel } from '../triton/load-repository-model.js';
import { type InferenceModel, loadModel } from './inference-model.js';
import { ServerTensor } from './server-tensor.js';

const useCase = await loadUseCase('vision-image-classification');
const graph = useCase.task({ withReference: false }).graph();
const [input] = graph.inputs.map(({ name }) => name);
const outputs = graph.outputs.map(({ name }) => name);
const options = { intraOpThreads: 1, interOpThreads: 1, nullModel: false };

/** Images of random colours, each brighter than the one before. */
function images(count: number): Float32Array {
  const values = new Float32Array(count * 224 * 224 * 3);
  new Random(1).fillUniform(values);
  return values.map((value, i) => value * ((1 + Math.floor((i * count) / values.length)) / count));
}

const three = images(3);
const expected = float32Values(evaluate(graph, [float32Tensor(input!, [3, 224, 224, 3], three)])[0]!);

const loaders: Readonly<Record<string, () => Promise<InferenceModel>>> = {
  ONNX: () => loadModel({ format: 'ONNX', bytes: writeOnnx(graph), inputs: [], outputs: [] }, options),
  GraphDef: () =>
    loadModel({ format: 'TF', bytes: writeGraphDef(graph), inputs: [input!], outputs }, options),
  async SavedModel() {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'saved_model.pb'), writeSavedModel(graph));
    return (await loadSavedModel('mobilenet', 1, folder, options)).model;
  },
  async 'SavedModel in a Triton repository'() {
    const folder = join(temporaryFolder(), 'mobilenet', '1');
    mkdirSync(join(folder, 'model.savedmodel'), { recursive: true });
    writeFileSync(join(folder, 'model.savedmodel', 'saved_model.pb'), writeSavedModel(graph));
    return (await loadRepositoryModel('mobilenet', 1, folder, options)).model;
  },
};

describe('the image model', () => {
  it.each(Object.keys(loaders))(
    '%s: answers what plain TypeScript computes, for 1 image and 3',
    async (format) => {
      const model = await loaders[format]!();
      for (const count of [1, 3]) {
        const { buffer } = three;
        const data = new Uint8Array(buffer, 0, (buffer.byteLength / 3) * count);
        const tensor = new ServerTensor('float32', [count, 224, 224, 3], data);
        const { outputs: answers } = await model.run([tensor]);
        expect(answers.map(({ shape }) => shape)).toEqual([[count, 1001]]);
        const values = float32Values({ ...graph.outputs[0]!, shape: [count, 1001], data: answers[0]!.data });
        let largest = 0;
        for (const [i, value] of values.entries())
          largest = Math.max(largest, Math.abs(value - expected[i]!));
        expect(largest).toBeLessThan(1e-4);
      }
    },
  );

  it.runIf(process.platform === 'linux')('has as many threads as it is allowed', async () => {
    const bytes = writeOnnx(graph);
    const threadsOf = async (intraOpThreads: number): Promise<number> => {
      const before = readdirSync('/proc/self/task').length;
      const model = await loadModel(
        { format: 'ONNX', bytes, inputs: [], outputs: [] },
        { ...options, intraOpThreads },
      );
      const after = readdirSync('/proc/self/task').length;
      expect(model.session).toBeDefined();
      return after - before;
    };
    // Node makes threads of its own for the first.
    await threadsOf(1);
    // One of them is the thread that asks.
    expect(await threadsOf(1)).toBe(0);
    expect(await threadsOf(3)).toBe(2);
  });
});
