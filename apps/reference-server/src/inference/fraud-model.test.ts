import { float32Values, float32View, Random } from '@aibench/core';
import { writeGraphDef, writeOnnx } from '@aibench/models';
import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { floatValues } from '../testing/test-models.js';
import { connectToTestServer } from '../testing/test-server.js';

const useCase = await loadUseCase('creditcard-fraud');
const [referenceSpec] = useCase.references;

/** A row of plausible size: standard normal transactions, references in [0, 1). */
function makeRow(id: number): Uint8Array {
  const row = new Uint8Array(useCase.row.sizeBytes);
  const values = float32View(row.subarray(8));
  const random = new Random(id + 1);
  for (let i = 0; i < 30; i++) values[i] = random.normal();
  random.fillUniform(values.subarray(30));
  useCase.row.writeId(row, id);
  return row;
}

describe('the fraud model', () => {
  it.each([
    ['ONNX', true],
    ['ONNX', false],
    ['TF', true],
    ['TF', false],
  ] as const)(
    '%s, with reference %s: answers what plain TypeScript computes',
    async (backend, withReference) => {
      const client = await connectToTestServer();
      const task = useCase.task({ withReference });
      const graph = task.graph();
      const inputs = graph.inputs.map(({ name }) => name);
      const outputs = graph.outputs.map(({ name }) => name);
      const model =
        backend === 'TF'
          ? [
              'INPUTS',
              inputs.length,
              ...inputs,
              'OUTPUTS',
              outputs.length,
              ...outputs,
              'BLOB',
              writeGraphDef(graph),
            ]
          : ['BLOB', writeOnnx(graph, withReference ? { inputShapes: { reference: [1, 256] } } : {})];
      expect(await client.call('AI.MODELSTORE', 'model', backend, 'CPU', ...model)).toBe('OK');
      for (let id = 0; id < 50; id++) {
        const row = makeRow(id);
        const keys = ['transaction'];
        if (withReference) {
          const { data } = referenceSpec!.read(row);
          keys.push(referenceSpec!.tensorKey(id));
          await client.call('AI.TENSORSET', keys[1]!, 'FLOAT', ...referenceSpec!.storedShape, 'BLOB', data);
        }
        const [transaction] = task.readRequest(row).inputs;
        const replies = (await client.call(
          ...(withReference ? ['AI.DAGRUN', 'LOAD', 1, keys[1]!] : ['AI.DAGRUN']),
          ...['|>', 'AI.TENSORSET', 'transaction', 'FLOAT', 1, 30, 'BLOB', transaction!.data],
          ...['|>', 'AI.MODELRUN', 'model', 'INPUTS', ...keys, 'OUTPUTS', 'answer'],
          ...['|>', 'AI.TENSORGET', 'answer', 'BLOB'],
        )) as unknown[];
        const [expected] = task.expectedOutputs(row);
        const wanted = float32Values(expected!);
        floatValues(replies[2]).forEach((value, i) => {
          expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(task.tolerance);
        });
      }
    },
  );
});
