import Papa from 'papaparse';

/**
 * Papa Parse's inner parser rather than `Papa.parse`, which lets nothing of a
 * call be collected until a full collection: twice the memory and the time.
 */
const parser = new Papa.Parser({ delimiter: ',', newline: '\n', quoteChar: '"' });

/** Cells of the records of an RFC 4180 text, empty lines left out; undefined where its quoting is wrong. */
export function parseCsvCells(text: string): string[][] | undefined {
  // Papa Parse knows one kind of line end a text; files that were put together have both.
  const lines = text.includes('\r') ? text.replaceAll('\r\n', '\n') : text;
  const { data, errors } = parser.parse(lines, 0, false) as Papa.ParseResult<string[]>;
  if (errors.length > 0) return undefined;
  return data.filter((cells) => cells.length > 1 || cells[0] !== '');
}

const decimalNumber = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/**
 * A cell as a number: decimal, with an optional exponent, blanks around it
 * allowed. NaN for all else: an empty cell, `NaN`, `Infinity`, `0x1f`. Infinite
 * for a number beyond the range of a double.
 */
export function parseNumber(cell: string): number {
  const value = Number(cell);
  // Number() takes more than decimals: '' and ' ' are 0 to it, and it reads Infinity, 0x1f, 0b1 and 0o7, which have a
  // letter in second place, after blanks that it skips. The pattern is too slow to try on every cell.
  const isSuspect =
    value === 0 || !Number.isFinite(value) || cell.charCodeAt(1) > 0x39 || cell.charCodeAt(0) <= 0x20;
  return isSuspect && !decimalNumber.test(cell) ? Number.NaN : value;
}
