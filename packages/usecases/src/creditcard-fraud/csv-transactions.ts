import { parseCsvCells, parseNumber } from '../csv/csv-cells.js';
import { csvError } from '../csv/csv-file.js';
import { RecordScanner } from '../csv/record-scanner.js';
import { classColumn, transactionColumns } from './fraud-columns.js';
import { transactionLength } from './synthetic-transaction.js';

/** Records of a creditcard.csv, to be read as transactions. */
export interface CsvTransactions {
  /** Named in errors. */
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly recordCount: number;
  /** Physical line of the first byte, counted from 1. */
  readonly firstLine: number;
  /** 30, or 31 with Class. */
  readonly columnCount: number;
}

/** Records that are parsed at a time: few enough that their cells, 31 strings each, are short-lived garbage. */
const recordsPerParse = 32;

/**
 * Reads all the records.
 *
 * @param targetOf where the i-th record's 30 values go
 * @throws AIBENCH_INPUT naming file, line and column of the first cell that is no
 *   number, or of the first record with too few or too many cells
 */
export function readTransactions(csv: CsvTransactions, targetOf: (index: number) => Float32Array): void {
  const { bytes, recordCount } = csv;
  const scanner = new RecordScanner(bytes, csv.firstLine);
  let done = 0;
  while (done < recordCount) {
    const start = scanner.end;
    let count = 0;
    while (count < recordsPerParse && done + count < recordCount && scanner.next()) count++;
    const records = parseCsvCells(latin1(bytes.subarray(start, scanner.end)));
    if (count === 0 || records === undefined || records.length !== count) throw firstError(csv);
    for (const cells of records) {
      if (cells.length !== csv.columnCount || !readCells(cells, targetOf(done))) throw firstError(csv);
      done++;
    }
  }
}

function readCells(cells: readonly string[], target: Float32Array): boolean {
  for (let i = 0; i < transactionLength; i++) {
    target[i] = parseNumber(cells[i]!);
    // Looked at as it was stored: 1e39 is a number, but none that float32 has.
    if (!Number.isFinite(target[i])) return false;
  }
  return isClass(cells[transactionLength]);
}

function isClass(cell: string | undefined): boolean {
  if (cell === undefined || cell === '0' || cell === '1') return true;
  const value = parseNumber(cell);
  return value === 0 || value === 1;
}

/** Finds what is wrong by reading one record at a time, which reading them fast doesn't tell. */
function firstError(csv: CsvTransactions): Error {
  const scanner = new RecordScanner(csv.bytes, csv.firstLine);
  const values = new Float32Array(transactionLength);
  while (scanner.next()) {
    const text = Buffer.from(csv.bytes.subarray(scanner.start, scanner.end)).toString('utf8');
    const records = parseCsvCells(text);
    const at = `${csv.path} line ${scanner.startLine}`;
    if (records === undefined || records.length > 1) return csvError(`${at}: wrong quoting`);
    const cells = records[0] ?? [''];
    if (cells.length !== csv.columnCount) {
      return csvError(`${at}: ${cells.length} columns, not ${csv.columnCount} as in the header`);
    }
    if (!readCells(cells, values)) return cellError(csv.path, scanner.startLine, cells);
  }
  return csvError(`${csv.path} from line ${csv.firstLine} on: wrong quoting`);
}

function cellError(path: string, firstLine: number, cells: readonly string[]): Error {
  let line = firstLine;
  for (const [i, cell] of cells.entries()) {
    const name = transactionColumns[i] ?? classColumn;
    const value = parseNumber(cell);
    const wrong =
      i === transactionLength
        ? !isClass(cell) && 'is neither 0 nor 1'
        : !Number.isFinite(Math.fround(value)) &&
          (Number.isNaN(value) ? 'is no number' : 'is too large for a 32-bit float');
    if (wrong !== false) return csvError(`${path} line ${line}, column ${name}: ${quoted(cell)} ${wrong}`);
    line += cell.split('\n').length - 1;
  }
  return csvError(`${path} line ${firstLine}: wrong cell`);
}

function quoted(cell: string): string {
  if (cell === '') return 'an empty cell';
  return JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}...` : cell);
}

/** One character a byte: all that numbers need, and the fastest to decode. */
function latin1(bytes: Uint8Array<ArrayBuffer>): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
