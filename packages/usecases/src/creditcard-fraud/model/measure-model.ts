import type { Tensor } from '@aibench/core';
import { compileGraph, type Graph } from '@aibench/models';
import { kaggleStatistics, referenceLength, transactionLength } from '../synthetic-transaction.js';
import { areaUnderCurve } from './area-under-curve.js';
import { tensorNames } from './network-graph.js';
import { dataSeeds, LabelledRows } from './training-data.js';

/** How well a model tells fraud from genuine, on rows that it was not trained on. */
export interface ModelQuality {
  /** Area under the curve over 50,000 rows of which half are fraud. */
  readonly balancedAuc: number;
  /** Area under the curve over one pass of 284,807 rows with the data set's share of fraud, 0.172 %. */
  readonly naturalAuc: number;
}

/** Rows of which half are fraud that a model is judged by. */
export const balancedRows = 50_000;

/** Judges a fraud model by held-out rows of the synthetic source. */
export function measureModel(graph: Graph): ModelQuality {
  return {
    balancedAuc: heldOutAuc(graph, balancedRows, 0.5),
    naturalAuc: heldOutAuc(graph, kaggleStatistics.rows, kaggleStatistics.fraudShare),
  };
}

/** The area under the curve over the first held-out rows at a share of fraud. */
export function heldOutAuc(graph: Graph, rowCount: number, fraudShare: number): number {
  const rows = new LabelledRows(dataSeeds.heldOut, fraudShare);
  const scores = new Float32Array(rowCount);
  const classes = new Uint8Array(rowCount);
  const run = compileGraph(graph);
  // Views: each row is drawn into the same memory.
  const inputs = [
    view(tensorNames.transaction, [1, transactionLength], rows.transaction),
    view(tensorNames.reference, [referenceLength], rows.reference),
  ];
  for (let row = 0; row < rowCount; row++) {
    classes[row] = rows.next();
    const [output] = run(inputs);
    scores[row] = new Float32Array(output!.data.buffer)[1]!;
  }
  return areaUnderCurve(scores, classes);
}

function view(name: string, shape: readonly number[], values: Float32Array): Tensor {
  return { name, dtype: 'float32', shape, data: new Uint8Array(values.buffer) };
}
