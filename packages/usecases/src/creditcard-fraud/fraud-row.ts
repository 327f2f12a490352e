import { RowLayout, type TensorSpec } from '@aibench/core';
import type { ReferenceSpec } from '../use-case.js';
import { referenceLength, transactionLength } from './synthetic-transaction.js';

const transactionField = 0;
const referenceField = 1;

/** The transaction as the model gets it. */
export const transactionSpec: TensorSpec = {
  name: 'transaction',
  dtype: 'float32',
  shape: [1, transactionLength],
};

const referenceTensorSpec: TensorSpec = { name: 'reference', dtype: 'float32', shape: [referenceLength] };

/** 1152 bytes: u64 transaction id, 30 x f32 transaction, 256 x f32 reference. */
export const fraudRow = new RowLayout([transactionSpec, referenceTensorSpec], { hasId: true });

/** The transaction of a row, as a view. */
export function readTransaction(row: Uint8Array) {
  return fraudRow.readTensor(row, transactionField);
}

/**
 * The reference data of a row in the store. The keys' braces are a Redis
 * Cluster hash tag, so that both keys of a row share a slot.
 */
export const fraudReference: ReferenceSpec = {
  ...referenceTensorSpec,
  storedShape: [1, referenceLength],
  blobKey: (rowId) => `referenceBLOB:{${rowId}}`,
  tensorKey: (rowId) => `referenceTensor:{${rowId}}`,
  read: (row) => fraudRow.readTensor(row, referenceField),
};
