import type { UseCase } from '../use-case.js';
import { fraudReference, fraudRow } from './fraud-row.js';
import { openFraudSource } from './fraud-source.js';
import { fraudTask } from './fraud-task.js';

/** Is a credit card transaction fraud? Asked with the transaction and, if wanted, its card holder's reference data. */
export const useCase: UseCase = {
  name: 'creditcard-fraud',
  summary: 'Credit card fraud: 30 numbers a transaction, 256 of reference data',
  rowNoun: 'transactions',
  drawn: 'rows with the statistics of the Kaggle data set',
  row: fraudRow,
  references: [fraudReference],
  openSource: openFraudSource,
  task: fraudTask,
};
