import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { temporaryFolder } from '@aibench/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openRowFile, openRowStdin, type RowInput, type RowInputOptions } from './row-blocks.js';

function options(rowBytes: number, more: Partial<RowInputOptions> = {}): RowInputOptions {
  return { rowBytes, allowTruncated: false, signal: new AbortController().signal, ...more };
}

/** Every block is copied when it comes, since it is valid for so long only. */
async function readAll(input: RowInput, rowBytes: number): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for await (const block of input.blocks()) {
    expect(block.length % rowBytes).toBe(0);
    expect(block.length).toBeGreaterThan(0);
    blocks.push(Buffer.from(block));
  }
  await input.close();
  return Buffer.concat(blocks);
}

const pattern = Buffer.from(Uint8Array.from({ length: 2_100_000 }, (_, i) => (i * 31 + (i >> 8)) % 251));
const bytes = (count: number) => pattern.subarray(0, count);

describe('a stream of rows', () => {
  it('gives whole rows, wherever its chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        async (rowBytes, rows, cuts) => {
          const data = bytes(rowBytes * rows);
          const ends = [...cuts.map((cut) => cut % data.length), data.length].sort((a, b) => a - b);
          const chunks = ends
            .map((end, i) => data.subarray(ends[i - 1] ?? 0, end))
            .filter((c) => c.length > 0);
          const input = openRowStdin(Readable.from(chunks), options(rowBytes));
          expect((await readAll(input, rowBytes)).equals(data)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('tells where it is cut off, or gives the whole rows before', async () => {
    const cut = () => Readable.from([bytes(25)]);
    await expect(readAll(openRowStdin(cut(), options(10)), 10)).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: 'stdin ends within row 2 (counted from 0): 5 of its 10 bytes are there',
      hint: expect.stringContaining('--allow-truncated uses the 2 whole rows'),
    });
    const partial = openRowStdin(cut(), options(10, { allowTruncated: true }));
    expect(await readAll(partial, 10)).toEqual(bytes(20));
  });

  it('must hold something', async () => {
    await expect(readAll(openRowStdin(Readable.from([]), options(10)), 10)).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: 'stdin is empty',
    });
  });

  it('ends when the run is interrupted while it waits', async () => {
    const interrupt = new AbortController();
    const endless = new Readable({ read() {} });
    endless.push(bytes(10));
    const input = openRowStdin(endless, options(10, { signal: interrupt.signal }));
    const rows = readAll(input, 10);
    setTimeout(() => interrupt.abort(), 10);
    expect(await rows).toEqual(bytes(10));
  });
});

describe('a file of rows', () => {
  const write = (data: Buffer) => {
    const path = join(temporaryFolder(), 'rows.dat');
    writeFileSync(path, data);
    return path;
  };

  // Around one and two blocks of 512 KiB, and rows larger than a block.
  it.each([
    [1, 1],
    [1152, 454],
    [1152, 455],
    [1152, 456],
    [1152, 1_400],
    [700_000, 3],
  ])('of %i bytes each gives all %i', async (rowBytes, rows) => {
    const data = bytes(rowBytes * rows);
    const input = await openRowFile(write(data), options(rowBytes));
    expect(input.sizeBytes).toBe(data.length);
    expect((await readAll(input, rowBytes)).equals(data)).toBe(true);
  });

  it('tells where it is cut off before anything is read, or gives the whole rows before', async () => {
    const path = write(bytes(25));
    await expect(openRowFile(path, options(10))).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: `${path} ends within row 2 (counted from 0): 5 of its 10 bytes are there`,
    });
    const partial = await openRowFile(path, options(10, { allowTruncated: true }));
    expect(await readAll(partial, 10)).toEqual(bytes(20));
  });

  it('with less than one row is of no use', async () => {
    const path = write(bytes(9));
    await expect(openRowFile(path, options(10, { allowTruncated: true }))).rejects.toMatchObject({
      message: `${path} ends within row 0 (counted from 0): 9 of its 10 bytes are there`,
      hint: 'is it a data file of this --use-case?',
    });
  });
});
