import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsvCells } from './csv-cells.js';
import { RecordScanner } from './record-scanner.js';

const lineEnd = fc.constantFrom('\n', '\r\n');
const cell = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '1', '.', '-', ' ', 'é') }),
  fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', ' ') }),
);
/** Two cells at least: a lone empty cell is an empty line. */
const record = fc.array(cell, { minLength: 2, maxLength: 4 });

function render(cells: readonly string[]): string {
  return cells.map((each) => (/[",\n]/.test(each) ? `"${each.replaceAll('"', '""')}"` : each)).join(',');
}

function scan(text: string) {
  const bytes = Buffer.from(text);
  const scanner = new RecordScanner(bytes, 1);
  const found: { line: number; text: string }[] = [];
  while (scanner.next()) {
    found.push({ line: scanner.startLine, text: bytes.toString('utf8', scanner.start, scanner.end) });
  }
  return { found, rest: bytes.toString('utf8', scanner.start), nextLine: scanner.nextLine };
}

describe('RecordScanner', () => {
  it('finds every record and its physical line, whatever is quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(record, lineEnd, fc.nat(2))), (records) => {
        let text = '';
        const lines: number[] = [];
        for (const [cells, end, emptyLines] of records) {
          text += end.repeat(emptyLines);
          lines.push(text.split('\n').length);
          text += render(cells) + end;
        }
        const { found, rest, nextLine } = scan(text);
        expect(found.map(({ line }) => line)).toEqual(lines);
        expect(found.map((each) => parseCsvCells(each.text))).toEqual(records.map(([cells]) => [cells]));
        expect(rest).toBe('');
        expect(nextLine).toBe(text.split('\n').length);
      }),
    );
  });

  it('leaves a record without an end, or with a quote left open, as the rest', () => {
    expect(scan('1,2\n3,4').rest).toBe('3,4');
    expect(scan('1,2\n3,"4\n5,6\n').rest).toBe('3,"4\n5,6\n');
    expect(scan('1,2\n3,"4""\n5,6\n')).toMatchObject({ found: [{ line: 1 }], nextLine: 2 });
  });

  it('passes over empty lines, but counts them', () => {
    expect(scan('\n\r\n1,2\n\n3,4\n').found).toEqual([
      { line: 3, text: '1,2\n' },
      { line: 5, text: '3,4\n' },
    ]);
  });
});
