import { describe, expect, it } from 'vitest';
import { readTransactions } from './csv-transactions.js';

const cells = (start: number) => Array.from({ length: 30 }, (_, i) => String(start + i / 4));
const withCell = (index: number, cell: string) => cells(0).map((each, i) => (i === index ? cell : each));

function read(records: readonly string[], columnCount = 31): number[][] {
  const values = records.map(() => new Float32Array(30));
  const bytes = new Uint8Array(Buffer.from(records.map((each) => `${each}\n`).join('')));
  const csv = { path: 'cards.csv', bytes, recordCount: records.length, firstLine: 2, columnCount };
  readTransactions(csv, (i) => values[i]!);
  return values.map((each) => [...each]);
}

const good = `${cells(1)},"0"`;

describe('readTransactions', () => {
  it('reads 30 columns and drops Class', () => {
    const records = Array.from({ length: 100 }, (_, i) => `${cells(i)},${i % 2}`);
    expect(read(records)).toEqual(Array.from({ length: 100 }, (_, i) => cells(i).map(Number)));
  });

  it('reads a file without Class', () => {
    expect(read([cells(5).join(',')], 30)).toEqual([cells(5).map(Number)]);
  });

  it('reads quoted cells, with line ends around numbers', () => {
    expect(read([`${withCell(3, '"\n8.5"')},"1"`])).toEqual([withCell(3, '8.5').map(Number)]);
  });

  it.each([
    ['a word', withCell(0, 'abc'), 'column Time: "abc" is no number'],
    ['an empty cell', withCell(1, ''), 'column V1: an empty cell is no number'],
    ['blanks', withCell(28, '  '), 'column V28: "  " is no number'],
    ['NaN', withCell(5, 'NaN'), 'column V5: "NaN" is no number'],
    ['Infinity', withCell(5, 'Infinity'), 'column V5: "Infinity" is no number'],
    ['a hexadecimal number', withCell(29, '0x10'), 'column Amount: "0x10" is no number'],
    ['a number beyond float32', withCell(2, '1e39'), 'column V2: "1e39" is too large for a 32-bit float'],
    ['a number beyond float64', withCell(2, '-1e999'), 'column V2: "-1e999" is too large for a 32-bit float'],
    ['a long text', withCell(2, 'é'.repeat(99)), `column V2: "${'é'.repeat(40)}..." is no number`],
  ])('refuses %s', (_, row, message) => {
    const records = [...Array.from({ length: 40 }, () => good), `${row},0`, good];
    expect(() => read(records)).toThrow(`cards.csv line 42, ${message}`);
  });

  it('refuses a Class that is neither 0 nor 1', () => {
    expect(() => read([good, `${cells(0)},2`])).toThrow('line 3, column Class: "2" is neither 0 nor 1');
    expect(() => read([`${cells(0)},`])).toThrow('line 2, column Class: an empty cell is neither 0 nor 1');
  });

  it('names the physical line after line ends in quotes, in earlier rows and in the row itself', () => {
    const spread = `${withCell(0, '"\n\n1"')},0`;
    const bad = `${cells(0).map((each, i) => (i === 4 ? '"\n1"' : i === 9 ? 'x' : each))},0`;
    expect(() => read([spread, spread, bad])).toThrow('cards.csv line 9, column V9: "x" is no number');
  });

  it.each([
    ['too few columns', cells(0).join(','), 'line 3: 30 columns, not 31'],
    ['too many columns', `${cells(0)},0,0`, 'line 3: 32 columns, not 31'],
    ['a single quoted nothing', '""', 'line 3: 1 columns, not 31'],
    ['text after a closing quote', `${withCell(2, '"1"x')},0`, 'line 3: wrong quoting'],
  ])('refuses %s', (_, row, message) => {
    expect(() => read([good, row, good])).toThrow(`cards.csv ${message}`);
  });

  it('throws input errors that name the flag', () => {
    expect(() => read([`${withCell(1, '')},0`])).toThrow(
      expect.objectContaining({ code: 'AIBENCH_INPUT', hint: 'see --input-file' }),
    );
  });
});
