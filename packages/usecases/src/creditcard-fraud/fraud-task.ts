import { AibenchError, type Tensor } from '@aibench/core';
import { type CompiledGraph, compileGraph } from '@aibench/models';
import type { InferenceTask, TaskOptions } from '../use-case.js';
import { fraudReference, fraudRow, readTransaction, transactionSpec } from './fraud-row.js';
import { fraudGraph } from './model/fraud-graph.js';

/**
 * An answer is two probabilities. Servers sum float32 products in orders of
 * their own: ONNX Runtime and TensorFlow move these by less than 1e-6. Two
 * rows' answers lie within 1e-5 in 1 of 10,000 pairs, so an answer that belongs
 * to another row is noticed.
 */
const tolerance = 1e-5;

/** Asks for the probabilities that a row's transaction is genuine and that it is fraud. */
export function fraudTask({ withReference, batchSize = 1 }: TaskOptions): InferenceTask {
  if (batchSize !== 1) {
    throw new AibenchError('AIBENCH_USAGE', `a request of creditcard-fraud has one row, not ${batchSize}`, {
      hint: 'leave --batch-size out; servers join requests by themselves where they are set up to',
    });
  }
  let evaluate: CompiledGraph | undefined;
  const graph = () => fraudGraph({ withReference });
  return {
    hasBatches: false,
    batchSize,
    defaultModelName: withReference ? 'financialNet' : 'financialNet_NoReference',
    inputs: [{ ...transactionSpec, keyPrefix: 'transactionTensor' }],
    references: withReference ? [fraudReference] : [],
    outputs: [
      {
        name: withReference ? 'output' : 'out',
        dtype: 'float32',
        shape: [1, 2],
        keyPrefix: 'classificationTensor',
      },
    ],
    tolerance,
    readRequest: (row) => ({ id: fraudRow.readId(row), rowCount: 1, inputs: [readTransaction(row)] }),
    expectedOutputs(row): Tensor[] {
      evaluate ??= compileGraph(graph());
      const transaction = readTransaction(row);
      return evaluate(withReference ? [transaction, fraudReference.read(row)] : [transaction]);
    },
    graph,
  };
}
