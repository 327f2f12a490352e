import { float32Tensor, float32Values, type Tensor } from '@aibench/core';
import { compileGraph, readGraphDef, withInputShapes, writeGraphDef, writeOnnx } from '@aibench/models';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import {
  drawReference,
  drawTransaction,
  referenceLength,
  transactionLength,
} from '../synthetic-transaction.js';
import { fraudGraph } from './fraud-graph.js';
import { fraudWeights } from './fraud-weights.js';
import { balancedRows, heldOutAuc } from './measure-model.js';

/** Rows of which half are fraud, so that answers of all sizes come up. */
const balanced = 0;
const seed = 12345;

function rowOf(rowId: number, intercept?: number): { transaction: Float32Array; reference: Float32Array } {
  const reference = new Float32Array(referenceLength);
  const transaction = new Float32Array(transactionLength);
  drawReference(seed, rowId, reference);
  drawTransaction(seed, rowId, reference, transaction, intercept);
  return { transaction, reference };
}

function tensorsOf({ transaction, reference }: ReturnType<typeof rowOf>): Tensor[] {
  return [
    float32Tensor('transaction', [1, transactionLength], transaction),
    float32Tensor('reference', [referenceLength], reference),
  ];
}

const models = {
  'with reference data': fraudGraph({ withReference: true }),
  'without reference data': fraudGraph({ withReference: false }),
} as const;
const modelCases = Object.entries(models);

function fraudProbabilities(graph: (typeof models)[keyof typeof models], intercept?: number): Float32Array {
  const run = compileGraph(graph);
  return Float32Array.from({ length: 1_000 }, (_, rowId) => {
    const [answer] = run(tensorsOf(rowOf(rowId, intercept)));
    return float32Values(answer!)[1]!;
  });
}

describe('the fraud model', () => {
  it('has the inputs and outputs of the Go suite’s', () => {
    const shapes = modelCases.map(([, { inputs, outputs }]) =>
      [...inputs, ...outputs].map(({ name, shape }) => `${name} ${shape}`),
    );
    expect(shapes).toEqual([
      ['transaction -1,30', 'reference 256', 'output -1,2'],
      ['transaction -1,30', 'out -1,2'],
    ]);
  });

  it.each(modelCases)(
    '%s tells held-out rows apart as well as is stated',
    { timeout: 60_000 },
    (name, graph) => {
      const stated = name.startsWith('with ') ? fraudWeights.withReference : fraudWeights.withoutReference;
      expect(heldOutAuc(graph, balancedRows, 0.5)).toBeCloseTo(stated.balancedAuc, 3);
    },
  );

  it('tells them apart better with reference data than without', () => {
    const { withReference, withoutReference } = fraudWeights;
    expect(withReference.balancedAuc).toBeGreaterThan(withoutReference.balancedAuc + 0.03);
    expect(withReference.naturalAuc).toBeGreaterThan(withoutReference.naturalAuc + 0.03);
  });

  it.each(modelCases)('%s answers probabilities that add up to 1', (_name, graph) => {
    const run = compileGraph(graph);
    for (let rowId = 0; rowId < 100; rowId++) {
      const [answer] = run(tensorsOf(rowOf(rowId)));
      const [genuine, fraud] = float32Values(answer!);
      expect(genuine! + fraud!).toBeCloseTo(1, 6);
      expect(Math.min(genuine!, fraud!)).toBeGreaterThan(0);
    }
  });

  it.each(modelCases)('%s answers a batch as it answers its rows', (_name, graph) => {
    const run = compileGraph(graph);
    const rows = [0, 1, 2].map((rowId) => rowOf(rowId, balanced));
    const reference = float32Tensor('reference', [referenceLength], rows[0]!.reference);
    const all = rows.flatMap(({ transaction }) => [...transaction]);
    const [answers] = run([float32Tensor('transaction', [3, transactionLength], all), reference]);
    const single = rows.flatMap(({ transaction }) => {
      const [answer] = run([float32Tensor('transaction', [1, transactionLength], transaction), reference]);
      return [...float32Values(answer!)];
    });
    expect([...float32Values(answers!)]).toEqual(single);
  });

  it('answers otherwise where the reference data is another', () => {
    const run = compileGraph(models['with reference data']);
    const changes = Array.from({ length: 1_000 }, (_, rowId) => {
      const row = rowOf(rowId, balanced);
      const other = rowOf(rowId + 1_000_000).reference;
      const [before] = run(tensorsOf(row));
      const [after] = run(tensorsOf({ ...row, reference: other }));
      return Math.abs(float32Values(before!)[1]! - float32Values(after!)[1]!);
    }).sort((a, b) => a - b);
    expect(changes[500]).toBeGreaterThan(0.01);
    expect(changes[50]).toBeGreaterThan(1e-4);
  });

  it.each([
    ['ordinary', undefined],
    ['mixed', balanced],
  ])('gives %s rows answers of their own, so that swapped ones are noticed', (_kind, intercept) => {
    for (const [, graph] of modelCases) {
      const answers = fraudProbabilities(graph, intercept).sort();
      let equal = 0;
      for (let i = 0; i < answers.length; i++) {
        for (let j = i + 1; j < answers.length && answers[j]! - answers[i]! < 1e-5; j++) equal += 1;
      }
      const pairs = (answers.length * (answers.length - 1)) / 2;
      expect(equal / pairs).toBeLessThan(0.001);
    }
  });
});

describe('the fraud model as a file', () => {
  it.each([
    ['with reference data', [referenceLength]],
    ['with reference data', [1, referenceLength]],
    ['without reference data', []],
  ] as const)('%s, declared %j, answers in ONNX Runtime as it does here', async (name, referenceShape) => {
    const graph = models[name];
    const hasReference = referenceShape.length > 0;
    const bytes = writeOnnx(graph, hasReference ? { inputShapes: { reference: referenceShape } } : {});
    const session = await ort.InferenceSession.create(bytes);
    const run = compileGraph(graph);
    const outputName = graph.outputs[0]!.name;
    let largest = 0;
    for (let rowId = 0; rowId < 1_000; rowId++) {
      const row = rowOf(rowId, balanced);
      const transaction = new ort.Tensor('float32', row.transaction, [1, transactionLength]);
      const feeds: Record<string, ort.Tensor> = { transaction };
      if (hasReference) feeds['reference'] = new ort.Tensor('float32', row.reference, [...referenceShape]);
      const answers = await session.run(feeds);
      const [expected] = run(tensorsOf(row));
      for (const [i, value] of float32Values(expected!).entries()) {
        largest = Math.max(largest, Math.abs(Number(answers[outputName]!.data[i]) - value));
      }
    }
    expect(largest).toBeLessThan(1e-5);
  });

  it.each(modelCases)('%s comes back from a GraphDef', (_name, graph) => {
    const names = graph.inputs.map((input) => input.name);
    const again = readGraphDef(writeGraphDef(graph), { inputs: names, outputs: [graph.outputs[0]!.name] });
    const inputs = tensorsOf(rowOf(7));
    expect(compileGraph(again)(inputs)).toEqual(compileGraph(graph)(inputs));
  });

  it('takes reference data as [1,256] where that is declared', () => {
    const graph = models['with reference data'];
    const declared = withInputShapes(graph, { reference: [1, referenceLength] });
    const [transaction, reference] = tensorsOf(rowOf(7));
    const answer = compileGraph(declared)([transaction!, { ...reference!, shape: [1, referenceLength] }]);
    expect(answer).toEqual(compileGraph(graph)([transaction!, reference!]));
  });
});
