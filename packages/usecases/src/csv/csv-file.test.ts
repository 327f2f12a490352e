import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { type CsvBatch, CsvFile } from './csv-file.js';

const folder = mkdtempSync(join(tmpdir(), 'aibench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function write(content: string | Uint8Array, extension = 'csv'): string {
  const path = join(folder, `${files++}.${extension}`);
  writeFileSync(path, content);
  return path;
}

async function readAll(path: string, { recordsPerBatch = 100, recordLimit = 1e9 } = {}) {
  const file = await CsvFile.open(path);
  try {
    const header = await file.readHeader();
    const batches: (Omit<CsvBatch, 'bytes'> & { text: string })[] = [];
    const allocate = (sizeBytes: number) => new Uint8Array(sizeBytes);
    for await (const { bytes, ...batch } of file.batches({ recordsPerBatch, recordLimit, allocate })) {
      batches.push({ ...batch, text: Buffer.from(bytes).toString() });
    }
    return { header, batches, readBytes: file.readBytes };
  } finally {
    await file.close();
  }
}

/** Some 1.8 MB, so several reads; every seventh record has a line end in a cell. */
const manyRecords = Array.from({ length: 20_000 }, (_, i) =>
  i % 7 === 0 ? `${i},"${'x'.repeat(60)}\n${i}"` : `${i},${'y'.repeat(80)}`,
);
const manyText = `a,b\n${manyRecords.join('\n')}\n`;

describe('CsvFile', () => {
  it('reads header and records, with a byte order mark, CRLF and no last line end', async () => {
    const { header, batches } = await readAll(write('\ufeff"a", b \r\n1,2\r\n\r\n3,4'));
    expect(header).toEqual({ cells: ['a', 'b'], line: 1 });
    expect(batches).toEqual([{ text: '1,2\r\n\r\n3,4\n', recordCount: 2, firstLine: 2 }]);
  });

  it('counts the lines of a header that spans several', async () => {
    const { header, batches } = await readAll(write('\n"a\n",b\n1,2\n'));
    expect(header).toEqual({ cells: ['a', 'b'], line: 2 });
    expect(batches).toMatchObject([{ firstLine: 4 }]);
  });

  it.each(['plain', 'gzip'])('gives every record once and each batch its line, %s', async (kind) => {
    const bytes = Buffer.from(manyText);
    // The name says nothing: gzip is told by its first bytes.
    const path = write(kind === 'gzip' ? gzipSync(bytes) : bytes, kind === 'gzip' ? 'csv' : 'csv.gz');
    const { batches, readBytes } = await readAll(path, { recordsPerBatch: 300 });
    expect(batches.map(({ text }) => text).join('')).toBe(manyText.slice(4));
    expect(Math.max(...batches.map(({ recordCount }) => recordCount))).toBe(300);
    expect(Math.min(...batches.slice(0, -1).map(({ recordCount }) => recordCount))).toBeGreaterThanOrEqual(
      150,
    );
    let line = 2;
    for (const batch of batches) {
      expect(batch.firstLine).toBe(line);
      line += batch.text.split('\n').length - 1;
    }
    expect(readBytes).toBe(kind === 'gzip' ? gzipSync(bytes).length : bytes.length);
  });

  it('stops at the limit', async () => {
    const { batches } = await readAll(write(manyText), { recordsPerBatch: 1000, recordLimit: 7_500 });
    expect(batches.reduce((sum, { recordCount }) => sum + recordCount, 0)).toBe(7_500);
    expect(batches.at(-1)?.text.trimEnd().split('\n').at(-1)).toBe(manyRecords[7_499]);
  });

  it('reads gzip files that were put together', async () => {
    const path = write(Buffer.concat([gzipSync('a,b\n1,2\n'), gzipSync('3,4\n')]));
    expect((await readAll(path)).batches).toMatchObject([{ text: '1,2\n3,4\n' }]);
  });

  const gzipped = gzipSync(manyText);
  it.each<[string, string | Uint8Array, RegExp]>([
    ['empty', '', /is empty/],
    ['one line end', '\n', /holds no header row/],
    [
      'a quote left open',
      `a,b\n1,2\n3,"4\n${'5,6\n'.repeat(10)}`,
      /line 3: the row that starts here does not end/,
    ],
    ['a long open quote', `a,b\n1,2\n3,"4\n${'5,6\n'.repeat(800_000)}`, /line 3: the row that starts here/],
    ['a quote left open in the header', 'a,"b\n1,2\n', /line 1: the row that starts here does not end/],
    ['gzip that is cut off', gzipped.subarray(0, gzipped.length / 2), /gzip data is cut off/],
    ['gzip that lacks its end', gzipped.subarray(0, -4), /gzip data is cut off/],
    ['gzip of nothing', gzipSync(''), /is empty/],
    ['gzip that is damaged', Buffer.from(gzipped).fill(0x55, 40, 400), /gzip data is damaged/],
  ])('refuses a file that is %s', async (_, content, message) => {
    const path = write(content);
    const error = await readAll(path).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'AIBENCH_INPUT', message: expect.stringMatching(message) });
    expect((error as Error).message).toContain(path);
  });

  it('refuses what is no file', async () => {
    await expect(CsvFile.open(folder)).rejects.toMatchObject({
      message: expect.stringMatching(/it is a folder/),
    });
    await expect(CsvFile.open(join(folder, 'none.csv'))).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: expect.stringMatching(/none\.csv: there is no such file/),
    });
  });
});
