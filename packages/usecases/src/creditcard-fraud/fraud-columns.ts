import { csvError } from '../csv/csv-file.js';
import { transactionLength } from './synthetic-transaction.js';

/** Columns of the Kaggle data set's creditcard.csv that make a transaction, in order. */
export const transactionColumns: readonly string[] = [
  'Time',
  ...Array.from({ length: transactionLength - 2 }, (_, i) => `V${i + 1}`),
  'Amount',
];
/** Its last column: 0 genuine, 1 fraud. Not part of a row; a file may come without it. */
export const classColumn = 'Class';

const expectedHeader = `the first row names the columns: Time,V1,...,V28,Amount,${classColumn}; ${classColumn} may be left out`;

/**
 * Checks a header row. The names must be the data set's, upper and lower case
 * alike: columns in another order would be read as wrong numbers in silence. A
 * file without a header is refused, since its first row would be lost or read
 * as data depending on a guess.
 *
 * @returns the number of columns, 30 or 31
 * @throws AIBENCH_INPUT naming file, line and column
 */
export function checkHeader(path: string, line: number, cells: readonly string[]): number {
  const at = `${path} line ${line}`;
  const wanted = [...transactionColumns, classColumn];
  if (cells.every((cell) => cell !== '' && Number.isFinite(Number(cell)))) {
    throw csvError(`${at}: no header row, it holds numbers; ${expectedHeader}`);
  }
  for (const [i, cell] of cells.entries()) {
    const name = wanted[i];
    if (name === undefined) break;
    if (cell.toLowerCase() !== name.toLowerCase()) {
      throw csvError(
        `${at}: column ${i + 1} is named ${JSON.stringify(cell)}, not ${name}; ${expectedHeader}`,
      );
    }
  }
  if (cells.length < transactionColumns.length || cells.length > wanted.length) {
    throw csvError(`${at}: ${cells.length} columns, not ${wanted.length}; ${expectedHeader}`);
  }
  return cells.length;
}
