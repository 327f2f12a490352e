import { float32Values } from '@aibench/core';
import { evaluate } from '@aibench/models';
import { describe, expect, it } from 'vitest';
import { createChunkMaker } from './fraud-chunk.js';
import { fraudRow } from './fraud-row.js';
import { fraudTask } from './fraud-task.js';

const rowCount = 200;
const data = new Uint8Array(rowCount * fraudRow.sizeBytes);
createChunkMaker({ seed: 1, groupId: 0, groupCount: 1 })({ firstId: 0, idCount: rowCount }, data);
const rows = Array.from({ length: rowCount }, (_, i) =>
  data.subarray(i * fraudRow.sizeBytes, (i + 1) * fraudRow.sizeBytes),
);

describe('the inference task of creditcard-fraud', () => {
  it('asks with the transaction, as a view on the row', () => {
    const task = fraudTask({ withReference: true });
    const row = rows[5]!;
    const { id, inputs } = task.readRequest(row);
    expect(id).toBe(5);
    expect(inputs.map(({ name, shape }) => ({ name, shape }))).toEqual([
      { name: 'transaction', shape: [1, 30] },
    ]);
    expect(inputs[0]!.data.buffer).toBe(row.buffer);
    expect(inputs[0]!.data.byteOffset).toBe(row.byteOffset + 8);
  });

  it('takes reference data from the store only where it is wanted', () => {
    expect(fraudTask({ withReference: true }).references.map(({ name }) => name)).toEqual(['reference']);
    expect(fraudTask({ withReference: false }).references).toEqual([]);
    expect(fraudTask({ withReference: true }).defaultModelName).toBe('financialNet');
    expect(fraudTask({ withReference: false }).defaultModelName).toBe('financialNet_NoReference');
  });

  it.each([true, false])('declares what its graph takes and gives, withReference %j', (withReference) => {
    const task = fraudTask({ withReference });
    const graph = task.graph();
    expect(graph.inputs.map(({ name }) => name)).toEqual(
      [...task.inputs, ...task.references].map(({ name }) => name),
    );
    expect(graph.outputs.map(({ name }) => name)).toEqual(task.outputs.map(({ name }) => name));
    const [answer] = task.expectedOutputs(rows[0]!);
    expect(answer).toMatchObject({ name: task.outputs[0]!.name, dtype: 'float32', shape: [1, 2] });
  });

  it('expects what the graph answers, two probabilities', () => {
    const task = fraudTask({ withReference: true });
    for (const row of rows.slice(0, 20)) {
      const inputs = [
        ...task.readRequest(row).inputs,
        ...task.references.map((reference) => reference.read(row)),
      ];
      const [expected] = task.expectedOutputs(row);
      expect(expected).toEqual(evaluate(task.graph(), inputs)[0]);
      const [genuine, fraud] = float32Values(expected!);
      expect(genuine! + fraud!).toBeCloseTo(1, 6);
    }
  });

  it('has answers that differ by more than the tolerance from row to row, so that a swap is seen', () => {
    const task = fraudTask({ withReference: true });
    const answers = rows.map((row) => float32Values(task.expectedOutputs(row)[0]!)[1]!);
    let alike = 0;
    let pairs = 0;
    for (const [i, a] of answers.entries()) {
      for (const b of answers.slice(i + 1)) {
        pairs++;
        if (Math.abs(a - b) <= task.tolerance) alike++;
      }
    }
    expect(alike / pairs).toBeLessThan(0.02);
  });

  it('has one row a request', () => {
    expect(() => fraudTask({ withReference: false, batchSize: 2 })).toThrow(
      expect.objectContaining({ code: 'AIBENCH_USAGE', hint: expect.stringContaining('--batch-size') }),
    );
  });
});
