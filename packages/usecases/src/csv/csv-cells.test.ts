import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsvCells, parseNumber } from './csv-cells.js';

describe('parseCsvCells', () => {
  it.each([
    [
      'plain',
      '1,2\n3,4\n',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'CRLF',
      '1,2\r\n3,4\r\n',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'both line ends in one text',
      '"1","2"\r\n3,"4"\n',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'no line end at the end',
      '1,2\n3,4',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    ['quoted', '"1","2"\n', [['1', '2']]],
    ['a comma in quotes', '"1,5",2\n', [['1,5', '2']]],
    ['a doubled quote', '"a""b",2\n', [['a"b', '2']]],
    [
      'a line end in quotes',
      '"a\nb",2\n3,4\n',
      [
        ['a\nb', '2'],
        ['3', '4'],
      ],
    ],
    ['empty cells', ',\n', [['', '']]],
    ['too few and too many cells', '1\n1,2,3\n', [['1'], ['1', '2', '3']]],
    [
      'empty lines',
      '\n1,2\n\n\n3,4\n\n',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
  ])('reads %s', (_, text, cells) => {
    expect(parseCsvCells(text)).toEqual(cells);
  });

  it.each([
    ['a quote left open', '1,"2\n3,4\n'],
    ['text after a closing quote', '"1"x,2\n'],
  ])('refuses %s', (_, text) => {
    expect(parseCsvCells(text)).toBeUndefined();
  });
});

describe('parseNumber', () => {
  it.each([
    ['0', 0],
    ['-0.0', -0],
    ['+1.5', 1.5],
    ['.5', 0.5],
    ['5.', 5],
    ['-1.35980713367380', -1.3598071336738],
    ['1e5', 1e5],
    ['1E-5', 1e-5],
    [' 7', 7],
    ['7\t', 7],
    ['1e999', Number.POSITIVE_INFINITY],
  ])('reads %j', (cell, value) => {
    expect(parseNumber(cell)).toBe(value);
  });

  it.each([
    '',
    ' ',
    '\n',
    'abc',
    'NaN',
    'Infinity',
    '-Infinity',
    '0x1f',
    ' 0x1f',
    '0X1F',
    '0b1',
    '0o7',
    '0x0',
    '1,5',
    '1_000',
    '1e',
    'e5',
    '--1',
    '1 2',
    '1n',
    '.',
    '-',
    'null',
    'true',
  ])('refuses %j', (cell) => {
    expect(parseNumber(cell)).toBeNaN();
  });

  it('reads back every finite number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(parseNumber(String(value))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it('agrees with the grammar of decimal numbers on any text', () => {
    const anyText = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('0', '1', 'x', 'e', '.', '-', ' ', 'b') }),
    );
    fc.assert(
      fc.property(anyText, (cell) => {
        const isDecimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(cell.trim());
        expect(Number.isNaN(parseNumber(cell))).toBe(!isDecimal);
      }),
      { numRuns: 2000 },
    );
  });
});
