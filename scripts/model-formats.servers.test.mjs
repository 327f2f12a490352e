// The use cases' models, as they are set up, in the runtimes of those who made the
// formats: TensorFlow on the SavedModel and on the GraphDef, ONNX Runtime on the
// ONNX file. All must give what `--verify` expects.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { float32Values } from '../packages/core/dist/index.js';
import { evaluate, writeGraphDef, writeOnnx, writeSavedModel } from '../packages/models/dist/index.js';
import { describeWithPython, runPython, temporaryFolder } from '../packages/testing/dist/index.js';
import { loadUseCase, useCaseNames } from '../packages/usecases/dist/index.js';
import { root } from './workspace.mjs';

const rowCount = 500;
const largestDifference = 1e-5;

const tasks = [];
for (const name of await useCaseNames()) {
  const useCase = await loadUseCase(name);
  for (const withReference of [true, false]) {
    tasks.push({ name: `${name}, ${withReference ? 'with' : 'without'} references`, useCase, withReference });
  }
}

await describeWithPython('tensorflow', 'models in the runtimes of their formats', (python) => {
  it.each(tasks)('$name: answer alike', { timeout: 300_000 }, async ({ useCase, withReference }) => {
    const task = useCase.task({ withReference });
    const graph = task.graph();
    const folder = join(temporaryFolder(), '1');
    mkdirSync(folder);
    writeFileSync(join(folder, 'saved_model.pb'), writeSavedModel(graph));
    writeFileSync(join(folder, 'model.graphdef'), writeGraphDef(graph));
    writeFileSync(join(folder, 'model.onnx'), writeOnnx(graph));

    const questions = await questionsOf(useCase, task);
    expect(questions.length).toBe(rowCount);
    const stdin = JSON.stringify(
      questions.map((tensors) =>
        Object.fromEntries(
          tensors.map((tensor) => [tensor.name, { shape: tensor.shape, data: [...float32Values(tensor)] }]),
        ),
      ),
    );
    const script = join(root, 'packages', 'testing', 'python', 'run-model.py');
    const { exitCode, stdout, stderr } = await runPython(python, [script, folder], { stdin });
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
    const answers = JSON.parse(stdout);

    const expected = questions.map((tensors) => evaluate(graph, tensors));
    // Different rows have different answers, or equality would say little.
    expect(new Set(expected.map(([tensor]) => float32Values(tensor).join())).size).toBeGreaterThan(
      rowCount / 2,
    );
    for (const [runtime, outputs] of Object.entries(answers)) {
      expect(outputs).toHaveLength(rowCount);
      outputs.forEach((output, row) => {
        expect(Object.keys(output)).toEqual(graph.outputs.map(({ name }) => name));
        for (const tensor of expected[row]) {
          const { shape, data } = output[tensor.name];
          expect(shape).toEqual(tensor.shape);
          const values = float32Values(tensor);
          expect(data).toHaveLength(values.length);
          const differences = data.map((value, i) => Math.abs(value - values[i]));
          expect(Math.max(...differences), `${runtime}, row ${row}`).toBeLessThan(largestDifference);
        }
      });
    }
  });
});

/** What the model is asked for the use case's first rows: its inputs, then its references. */
async function questionsOf(useCase, task) {
  const source = await useCase.openSource({
    inputPath: undefined,
    seed: 7,
    rowLimit: rowCount,
    threads: 0,
    groupId: 0,
    groupCount: 1,
  });
  const { sizeBytes } = useCase.row;
  const questions = [];
  for await (const chunk of source.chunks()) {
    for (let offset = 0; offset < chunk.length; offset += sizeBytes) {
      // The chunk is overwritten by the next one.
      const row = chunk.slice(offset, offset + sizeBytes);
      questions.push([...task.readRequest(row).inputs, ...task.references.map((spec) => spec.read(row))]);
    }
  }
  await source.close();
  return questions;
}
