import { describe, expect, it } from 'vitest';
import { checkHeader, classColumn, transactionColumns } from './fraud-columns.js';

const check = (cells: readonly string[]) => checkHeader('cards.csv', 1, cells);

describe('checkHeader', () => {
  it('takes the columns of the Kaggle file, with and without Class', () => {
    expect(check([...transactionColumns, classColumn])).toBe(31);
    expect(check(transactionColumns)).toBe(30);
    expect(check(transactionColumns.map((name) => name.toLowerCase()))).toBe(30);
  });

  it.each([
    [
      'a file without a header',
      transactionColumns.map((_, i) => String(i)),
      'line 1: no header row, it holds numbers',
    ],
    [
      'columns in another order',
      ['V1', 'Time', ...transactionColumns.slice(2)],
      'column 1 is named "V1", not Time',
    ],
    ['a missing column', transactionColumns.slice(0, -1), '29 columns, not 31'],
    ['a column too many', [...transactionColumns, classColumn, 'Id'], '32 columns, not 31'],
    ['another separator', ['Time;V1;V2'], 'column 1 is named "Time;V1;V2", not Time'],
  ])('refuses %s', (_, cells, message) => {
    expect(() => check(cells)).toThrow(message);
    expect(() => check(cells)).toThrow('the first row names the columns');
  });
});
