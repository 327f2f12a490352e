// The use cases' models, as they are set up, in the runtimes of those who made the
// formats: TensorFlow on the SavedModel and on the GraphDef, ONNX Runtime on the
// ONNX file. All must give what `--verify` expects.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { float32Tensor, float32Values, float32View } from '../packages/core/dist/index.js';
import {
  evaluate,
  GraphBuilder,
  writeGraphDef,
  writeOnnx,
  writeSavedModel,
} from '../packages/models/dist/index.js';
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
    const folder = writeFormats(graph);
    const questions = await questionsOf(useCase, task, rowCount);
    expect(questions.length).toBe(rowCount / task.batchSize);
    const answers = await askRuntimes(python, folder, questions);

    const expected = questions.map((tensors) => evaluate(graph, tensors));
    // Different rows have different answers, or equality would say little.
    expect(new Set(expected.map(([tensor]) => float32Values(tensor).join())).size).toBeGreaterThan(
      questions.length / 2,
    );
    expectSameAnswers(answers, expected, graph, largestDifferences[useCase.name]);
  });

  it('operations that none of them has answer alike', { timeout: 300_000 }, async () => {
    const graph = otherOperations();
    const questions = [1, 2].map((batch) => {
      const values = Array.from({ length: batch * 2 * 7 * 6 }, (_, i) => Math.sin(i * batch));
      return [float32Tensor('x', [batch, 2, 7, 6], values)];
    });
    const answers = await askRuntimes(python, writeFormats(graph), questions);
    const expected = questions.map((tensors) => evaluate(graph, tensors));
    expectSameAnswers(answers, expected, graph, 1e-5);
  });
});

/** Channels first, several results a channel, paddings that TensorFlow has no word for, folded normalisation, pools that move. */
function otherOperations() {
  const graph = new GraphBuilder();
  const weights = (name, ...shape) => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    return graph.constant(
      name,
      shape,
      Array.from({ length: count }, (_, i) => Math.cos(i)),
    );
  };
  const images = graph.transpose('images', graph.input('x', [-1, 2, 7, 6]), [0, 2, 3, 1]);
  const wide = graph.convolve('depthwiseConv2d', 'wide', [images, weights('w1', 3, 2, 2, 3)], {
    strides: [1, 1],
    padding: { top: 2, bottom: 0, left: 0, right: 3 },
  });
  const biased = graph.apply('biasAdd', 'biased', [wide, weights('b', 6)]);
  const limited = graph.apply('relu6', 'limited', [biased]);
  const strided = graph.convolve('conv2d', 'strided', [limited, weights('w2', 2, 3, 6, 4)], {
    strides: [2, 1],
    padding: { top: 1, bottom: 1, left: 1, right: 1 },
  });
  const valid = graph.convolve('conv2d', 'valid', [strided, weights('w3', 2, 2, 4, 3)]);
  const pooled = graph.averagePool('pooled', valid, [2, 2], [1, 2]);
  const back = graph.transpose('back', pooled, [0, 3, 1, 2]);
  return graph.build('other_operations', [limited, pooled, back]);
}

/** A graph in each format, in a folder. */
function writeFormats(graph) {
  const folder = join(temporaryFolder(), '1');
  mkdirSync(folder);
  writeFileSync(join(folder, 'saved_model.pb'), writeSavedModel(graph));
  writeFileSync(join(folder, 'model.graphdef'), writeGraphDef(graph));
  writeFileSync(join(folder, 'model.onnx'), writeOnnx(graph));
  return folder;
}

/** What each format's runtime answers. */
async function askRuntimes(python, folder, questions) {
  const stdin = JSON.stringify(
    questions.map((tensors) =>
      Object.fromEntries(
        tensors.map(({ name, shape, data }) => [name, { shape, data: Buffer.from(data).toString('base64') }]),
      ),
    ),
  );
  const script = join(root, 'packages', 'testing', 'python', 'run-model.py');
  const { exitCode, stdout, stderr } = await runPython(python, [script, folder], { stdin });
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout);
}

function expectSameAnswers(answers, expected, graph, largestDifference) {
  for (const [runtime, outputs] of Object.entries(answers)) {
    expect(outputs).toHaveLength(expected.length);
    outputs.forEach((output, question) => {
      // A signature's outputs have no order.
      expect(Object.keys(output).sort()).toEqual(graph.outputs.map(({ name }) => name).sort());
      for (const tensor of expected[question]) {
        const { shape, data } = output[tensor.name];
        expect(shape).toEqual(tensor.shape);
        const values = float32Values(tensor);
        const actual = float32View(Uint8Array.from(Buffer.from(data, 'base64')));
        expect(actual).toHaveLength(values.length);
        const differences = actual.map((value, i) => Math.abs(value - values[i]));
        expect(Math.max(...differences), `${runtime}, question ${question}`).toBeLessThan(largestDifference);
      }
    });
  }
}

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
