// The use cases' models, as they are set up, in the runtimes of those who made the
// formats: TensorFlow on the SavedModel and on the GraphDef, ONNX Runtime on the
// ONNX file. All must give what `--verify` expects.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { float32Values, float32View } from '../packages/core/dist/index.js';
import { evaluate, writeGraphDef, writeOnnx, writeSavedModel } from '../packages/models/dist/index.js';
import { describeWithPython, runPython, temporaryFolder } from '../packages/testing/dist/index.js';
import { loadUseCase, useCaseNames } from '../packages/usecases/dist/index.js';
import { root } from './workspace.mjs';

/** As many rows as are asked about: of images, which are large and whose network is deep, a few. */
const rowCounts = { 'creditcard-fraud': 500, 'vision-image-classification': 12 };
/** An image goes through 28 layers, in which differences of the order of summation grow. */
const largestDifferences = { 'creditcard-fraud': 1e-5, 'vision-image-classification': 1e-4 };

const tasks = [];
for (const name of await useCaseNames()) {
  const useCase = await loadUseCase(name);
  // A request has reference data for one row, or several rows and no reference data.
  const others = useCase.references.length > 0 ? { withReference: true } : { batchSize: 3 };
  for (const options of [{ withReference: false }, { withReference: false, ...others }]) {
    const task = useCase.task(options);
    const title = `${name}, ${options.withReference ? 'with' : 'without'} references, ${task.batchSize} at a time`;
    tasks.push([title, { useCase, task }]);
  }
}

await describeWithPython('tensorflow', 'models in the runtimes of their formats', (python) => {
  it.each(tasks)('%s: answer alike', { timeout: 300_000 }, async (_title, { useCase, task }) => {
    const rowCount = rowCounts[useCase.name];
    const graph = task.graph();
    const folder = join(temporaryFolder(), '1');
    mkdirSync(folder);
    writeFileSync(join(folder, 'saved_model.pb'), writeSavedModel(graph));
    writeFileSync(join(folder, 'model.graphdef'), writeGraphDef(graph));
    writeFileSync(join(folder, 'model.onnx'), writeOnnx(graph));

    const questions = await questionsOf(useCase, task, rowCount);
    expect(questions.length).toBe(rowCount / task.batchSize);
    const stdin = JSON.stringify(
      questions.map((tensors) =>
        Object.fromEntries(
          tensors.map(({ name, shape, data }) => [
            name,
            { shape, data: Buffer.from(data).toString('base64') },
          ]),
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
      questions.length / 2,
    );
    for (const [runtime, outputs] of Object.entries(answers)) {
      expect(outputs).toHaveLength(questions.length);
      outputs.forEach((output, question) => {
        expect(Object.keys(output)).toEqual(graph.outputs.map(({ name }) => name));
        for (const tensor of expected[question]) {
          const { shape, data } = output[tensor.name];
          expect(shape).toEqual(tensor.shape);
          const values = float32Values(tensor);
          const actual = float32View(Uint8Array.from(Buffer.from(data, 'base64')));
          expect(actual).toHaveLength(values.length);
          const differences = actual.map((value, i) => Math.abs(value - values[i]));
          expect(Math.max(...differences), `${runtime}, question ${question}`).toBeLessThan(
            largestDifferences[useCase.name],
          );
        }
      });
    }
  });
});

/** What the model is asked for the use case's first rows: its inputs, then its references. */
async function questionsOf(useCase, task, rowCount) {
  const source = await useCase.openSource({
    inputPath: undefined,
    seed: 7,
    rowLimit: rowCount,
    threads: 0,
    groupId: 0,
    groupCount: 1,
  });
  const rows = [];
  for await (const chunk of source.chunks()) {
    // The chunk is overwritten by the next one.
    rows.push(Buffer.from(chunk));
  }
  const all = Buffer.concat(rows);
  const sizeBytes = useCase.row.sizeBytes * task.batchSize;
  const questions = [];
  for (let offset = 0; offset < all.length; offset += sizeBytes) {
    const row = all.subarray(offset, offset + sizeBytes);
    questions.push([...task.readRequest(row).inputs, ...task.references.map((spec) => spec.read(row))]);
  }
  await source.close();
  return questions;
}
