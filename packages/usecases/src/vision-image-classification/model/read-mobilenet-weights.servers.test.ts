import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AibenchError, float32View } from '@aibench/core';
import { type ModelFormat, writeGraphDef, writeOnnx, writeSavedModel } from '@aibench/models';
import { describeWithPython, runPython, temporaryFolder } from '@aibench/testing';
import { expect, it } from 'vitest';
import { mobileNetGraph, mobileNetNames } from './mobilenet-graph.js';
import { readMobileNetWeights } from './read-mobilenet-weights.js';

const scripts = fileURLToPath(new URL('../../../../testing/python/', import.meta.url));
const imageCount = 2;
const classCount = 1000;

function floats(bytes: Uint8Array): Float32Array {
  return float32View(Uint8Array.from(bytes));
}

interface Answer {
  readonly [output: string]: { readonly shape: number[]; readonly data: string };
}

await describeWithPython('tensorflow', 'a MobileNet that TensorFlow made', (python) => {
  it('answers the same, written again in each format, in the runtime of each', {
    timeout: 300_000,
  }, async () => {
    const folder = temporaryFolder();
    const made = await runPython(python, [join(scripts, 'make-mobilenet.py'), folder]);
    expect({ exitCode: made.exitCode, stderr: made.exitCode === 0 ? '' : made.stderr }).toEqual({
      ...{ exitCode: 0, stderr: '' },
    });
    const images = readFileSync(join(folder, 'images.f32'));
    const expected = floats(readFileSync(join(folder, 'answers.f32')));
    const files: readonly [string, ModelFormat][] = [
      ['frozen.pb', 'graphdef'],
      [join('saved_model', 'saved_model.pb'), 'savedmodel'],
    ];
    for (const [name, format] of files) {
      const weights = readMobileNetWeights(readFileSync(join(folder, name)), format);
      const graph = mobileNetGraph({ weights });
      const again = temporaryFolder();
      writeFileSync(join(again, 'saved_model.pb'), writeSavedModel(graph));
      writeFileSync(join(again, 'model.graphdef'), writeGraphDef(graph));
      writeFileSync(join(again, 'model.onnx'), writeOnnx(graph));
      const question = { input: { shape: [imageCount, 224, 224, 3], data: images.toString('base64') } };
      const stdin = JSON.stringify([question]);
      const { exitCode, stdout, stderr } = await runPython(python, [join(scripts, 'run-model.py'), again], {
        stdin,
      });
      expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
      const answers = JSON.parse(stdout) as Record<string, readonly Answer[]>;
      expect(Object.keys(answers).sort()).toEqual(['graphDef', 'onnx', 'savedModel']);
      for (const [runtime, [answer]] of Object.entries(answers)) {
        const { shape, data } = answer![mobileNetNames.output]!;
        expect(shape).toEqual([imageCount, classCount + 1]);
        const actual = floats(Buffer.from(data, 'base64'));
        // The first of 1001 classes is ours: its 1000 have none for "background".
        const differences = expected.map((value, i) => {
          const image = Math.floor(i / classCount);
          return Math.abs(value - actual[image * (classCount + 1) + 1 + (i % classCount)]!);
        });
        expect(Math.max(...differences), `${format}, then ${runtime}`).toBeLessThan(1e-4);
        expect([actual[0], actual[classCount + 1]]).toEqual([0, 0]);
      }
    }

    // Weights beside the graph: refused, with what to do.
    const variables = readFileSync(join(folder, 'variables', 'saved_model.pb'));
    expect(() => readMobileNetWeights(variables, 'savedmodel')).toThrow(AibenchError);
    expect(() => readMobileNetWeights(variables, 'savedmodel')).toThrow(
      /weights lie beside it, in variables/,
    );
  });
});
