import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wholeRows } from './whole-rows.js';

describe('wholeRows', () => {
  it('counts the rows of any file of whole rows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 1, max: 1e6 }),
        (rows, rowSizeBytes) => {
          const file = { name: 'f', sizeBytes: rows * rowSizeBytes, rowSizeBytes, allowTruncated: false };
          expect(wholeRows(file)).toBe(rows);
        },
      ),
    );
  });

  it('names the row that a file ends in, and uses those before it only if asked to', () => {
    const cut = { name: 'f.dat', sizeBytes: 2 * 10 + 3, rowSizeBytes: 10 };
    expect(() => wholeRows({ ...cut, allowTruncated: false })).toThrow(
      'f.dat ends within row 2 (counted from 0): 3 of its 10 bytes are there',
    );
    expect(wholeRows({ ...cut, allowTruncated: true })).toBe(2);
  });

  it('refuses what holds no row', () => {
    const file = { name: 'f.dat', rowSizeBytes: 10, allowTruncated: true };
    expect(() => wholeRows({ ...file, sizeBytes: 0 })).toThrow('f.dat is empty');
    expect(() => wholeRows({ ...file, sizeBytes: 9 })).toThrow('f.dat ends within row 0');
  });
});
