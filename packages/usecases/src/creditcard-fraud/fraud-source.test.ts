import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { float32Values } from '@aibench/core';
import { afterAll, describe, expect, it } from 'vitest';
import { classColumn, transactionColumns } from './fraud-columns.js';
import { fraudReference, fraudRow, readTransaction } from './fraud-row.js';
import { drawReference, kaggleStatistics } from './synthetic-transaction.js';

// The built module: worker threads can't run TypeScript.
const { openFraudSource } = (await import(
  new URL('../../dist/creditcard-fraud/fraud-source.js', import.meta.url).href
)) as typeof import('./fraud-source.js');

const folder = mkdtempSync(join(tmpdir(), 'aibench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const csvRows = 2_345;
const csvText = [
  [...transactionColumns, classColumn].map((name) => `"${name}"`).join(','),
  ...Array.from({ length: csvRows }, (_, row) =>
    [...transactionColumns.map((_, column) => row + column / 32), '"0"'].join(','),
  ),
].join('\n');
const csvPath = join(folder, 'cards.csv');
writeFileSync(csvPath, csvText);
const gzipPath = join(folder, 'cards.gz');
writeFileSync(gzipPath, gzipSync(csvText));

type Options = Partial<Parameters<typeof openFraudSource>[0]>;

async function read(options: Options = {}) {
  const source = await openFraudSource({
    inputPath: undefined,
    seed: 42,
    rowLimit: 0,
    threads: 2,
    groupId: 0,
    groupCount: 1,
    ...options,
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.chunks()) chunks.push(chunk.slice());
  await source.close();
  const data = Buffer.concat(chunks);
  expect(data.length % fraudRow.sizeBytes).toBe(0);
  if (source.rowCount !== undefined) expect(data.length / fraudRow.sizeBytes).toBe(source.rowCount);
  return data;
}

function rowsOf(data: Uint8Array): Uint8Array[] {
  return Array.from({ length: data.length / fraudRow.sizeBytes }, (_, i) =>
    data.subarray(i * fraudRow.sizeBytes, (i + 1) * fraudRow.sizeBytes),
  );
}

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describe.each([
  ['drawn rows', { rowLimit: 5_000 }],
  ['rows of a CSV file, more than it holds', { inputPath: csvPath, rowLimit: 5_000 }],
])('%s', (_, options) => {
  it('are the same bytes for any number of threads', async () => {
    const inline = sha256(await read({ ...options, threads: 0 }));
    expect(sha256(await read({ ...options, threads: 1 }))).toBe(inline);
    expect(sha256(await read({ ...options, threads: 4 }))).toBe(inline);
    expect(sha256(await read({ ...options, seed: 43 }))).not.toBe(inline);
  });

  it.each([2, 3, 7])('are the same bytes when %i groups are interleaved', async (groupCount) => {
    const whole = await read(options);
    const groups = await Promise.all(
      Array.from({ length: groupCount }, (_, groupId) => read({ ...options, groupId, groupCount })),
    );
    const queues = groups.map((group) => rowsOf(group));
    const woven = Array.from({ length: 5_000 }, (_, id) => queues[id % groupCount]!.shift()!);
    expect(Buffer.concat(woven).equals(whole)).toBe(true);
    expect(queues.flat()).toEqual([]);
  });

  it('have ids from 0 on and reference data of seed and id', async () => {
    const reference = new Float32Array(256);
    for (const [id, row] of rowsOf(await read(options)).entries()) {
      expect(fraudRow.readId(row)).toBe(id);
      if (id % 500 !== 0) continue;
      drawReference(42, id, reference);
      expect(float32Values(fraudReference.read(row))).toEqual(reference);
    }
  });
});

describe('a CSV file as source', () => {
  it('gives one pass, its transactions in order', async () => {
    const rows = rowsOf(await read({ inputPath: csvPath }));
    expect(rows.length).toBe(csvRows);
    for (const [id, row] of rows.entries()) {
      expect([...float32Values(readTransaction(row))]).toEqual(
        transactionColumns.map((_, column) => id + column / 32),
      );
    }
  });

  it('gives the same from gzip', async () => {
    const plain = await read({ inputPath: csvPath });
    expect((await read({ inputPath: gzipPath })).equals(plain)).toBe(true);
  });

  it('starts over from its top with new ids and new reference data', async () => {
    const rows = rowsOf(await read({ inputPath: csvPath, rowLimit: 2 * csvRows + 10 }));
    expect(rows.length).toBe(2 * csvRows + 10);
    const [first, second] = [rows[7]!, rows[csvRows + 7]!];
    expect(float32Values(readTransaction(second))).toEqual(float32Values(readTransaction(first)));
    expect(fraudRow.readId(second)).toBe(csvRows + 7);
    expect(float32Values(fraudReference.read(second))).not.toEqual(float32Values(fraudReference.read(first)));
  });

  it('stops early where fewer rows are asked for', async () => {
    const rows = await read({ inputPath: csvPath, rowLimit: 100 });
    const all = await read({ inputPath: csvPath });
    expect(rows.equals(all.subarray(0, 100 * fraudRow.sizeBytes))).toBe(true);
  });

  it.each([
    ['a bad cell', csvText.replace('\n1500,', '\nx,'), 'line 1502, column Time: "x" is no number'],
    ['a short row', csvText.replace('\n1500,', '\n'), 'line 1502: 30 columns, not 31'],
    ['only a header', csvText.slice(0, csvText.indexOf('\n') + 1), 'holds no rows below its header'],
    ['no header', csvText.slice(csvText.indexOf('\n') + 1), 'line 1: no header row'],
  ])('names file and place of %s', async (_, text, message) => {
    const path = join(folder, 'bad.csv');
    writeFileSync(path, text);
    await expect(read({ inputPath: path })).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: expect.stringContaining(`${path} ${message}`),
    });
  });

  it('finds a bad cell in every group', async () => {
    const path = join(folder, 'bad-row.csv');
    writeFileSync(path, csvText.replace('\n1500,', '\nx,'));
    for (const groupId of [0, 1]) {
      await expect(read({ inputPath: path, groupId, groupCount: 2 })).rejects.toThrow('line 1502');
    }
  });
});

describe('drawn rows', () => {
  it('have, over one pass, the statistics of the Kaggle data set', async () => {
    const data = await read({ seed: 7 });
    const count = data.length / fraudRow.sizeBytes;
    expect(count).toBe(kaggleStatistics.rows);
    const sums = new Float64Array(30);
    const squares = new Float64Array(30);
    let lastTime = 0;
    for (const row of rowsOf(data)) {
      const values = float32Values(readTransaction(row));
      if (values[0]! < lastTime) throw new Error(`Time falls at row ${fraudRow.readId(row)}`);
      lastTime = values[0]!;
      for (let i = 0; i < 30; i++) {
        sums[i]! += values[i]!;
        squares[i]! += values[i]! ** 2;
      }
    }
    expect(lastTime).toBe(kaggleStatistics.lastTimeSeconds);
    for (const [i, deviation] of kaggleStatistics.componentDeviations.entries()) {
      const mean = sums[i + 1]! / count;
      const found = Math.sqrt(squares[i + 1]! / count - mean * mean);
      // Six standard errors: by chance once in 500 million.
      expect(Math.abs(mean)).toBeLessThan((6 * deviation) / Math.sqrt(count));
      expect(Math.abs(found / deviation - 1)).toBeLessThan(6 / Math.sqrt(2 * count));
    }
    const amountError = kaggleStatistics.amountDeviation / Math.sqrt(count);
    expect(Math.abs(sums[29]! / count - kaggleStatistics.amountMean)).toBeLessThan(6 * amountError);
  });
});
