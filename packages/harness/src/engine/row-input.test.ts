import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRowInput, type RowInputOptions } from './row-input.js';

const requests = { rowSizeBytes: 10, batchSize: 1, sendPartial: true };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aibench-row-input-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function open(options: Partial<RowInputOptions>) {
  const stdin = Readable.from([]);
  return openRowInput({
    path: '',
    requests,
    maxQueries: 0,
    timed: false,
    allowTruncated: false,
    stdin,
    ...options,
  });
}

function fileOf(sizeBytes: number): string {
  const path = join(folder, `${sizeBytes}.dat`);
  writeFileSync(path, new Uint8Array(sizeBytes));
  return path;
}

describe('openRowInput', () => {
  it.each([
    ['all of the file', {}, 4],
    ['no more than asked for', { maxQueries: 3 }, 3],
    ['no more than there are', { maxQueries: 9 }, 4],
    ['the file over and over where time is the limit', { timed: true }, Number.POSITIVE_INFINITY],
    ['the file over and over up to a number', { timed: true, maxQueries: 9 }, 9],
  ])('allows %s', async (_, options, limit) => {
    const path = fileOf(40);
    expect(await open({ path, ...options })).toEqual({
      input: { kind: 'file', path, rowCount: 4 },
      limit,
      stream: undefined,
    });
  });

  it.each([
    [{ batchSize: 3, sendPartial: true }, 2],
    [{ batchSize: 3, sendPartial: false }, 1],
    [{ batchSize: 4, sendPartial: false }, 1],
    [{ batchSize: 5, sendPartial: true }, 1],
  ])('makes requests of %j of four rows', async (how, limit) => {
    const path = fileOf(40);
    expect(await open({ path, requests: { ...requests, ...how } })).toMatchObject({
      input: { kind: 'file', path, rowCount: 4 },
      limit,
    });
  });

  it('says so where there are too few rows for one request', async () => {
    const how = { ...requests, batchSize: 5, sendPartial: false };
    await expect(open({ path: fileOf(40), requests: how })).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: expect.stringContaining('has 4 rows, fewer than one request has'),
      hint: 'lower --batch-size 5, or pass --partial-batch send',
    });
  });

  it('uses the whole rows of a cut file where that is asked for', async () => {
    const path = fileOf(47);
    expect(await open({ path, allowTruncated: true })).toMatchObject({ input: { rowCount: 4 }, limit: 4 });
    await expect(open({ path })).rejects.toThrow(
      expect.objectContaining({
        code: 'AIBENCH_INPUT',
        message: `${path} ends within row 4 (counted from 0): 7 of its 10 bytes are there`,
        hint: expect.stringMatching(/--allow-truncated uses the 4 whole rows/),
      }),
    );
    // Not one row: nothing to use.
    await expect(open({ path: fileOf(9), allowTruncated: true })).rejects.toThrow(/ends within row 0/);
  });

  it('says what is wrong with a file', async () => {
    const nested = join(folder, 'a-folder');
    mkdirSync(nested);
    await expect(open({ path: join(folder, 'none') })).rejects.toThrow(/none: there is no such file/);
    await expect(open({ path: nested })).rejects.toThrow(/a-folder: it is a folder/);
    await expect(open({ path: join(fileOf(10), 'x') })).rejects.toThrow(/its folder is not a folder/);
    await expect(open({ path: '/dev/null' })).rejects.toThrow(/no regular file/);
    await expect(open({ path: fileOf(0) })).rejects.toThrow(/0\.dat is empty/);
  });

  it('reads stdin where no file is named, unless it is a terminal', async () => {
    expect(await open({ maxQueries: 7 })).toMatchObject({ input: { kind: 'stream' }, limit: 7 });
    await expect(open({ stdin: Object.assign(Readable.from([]), { isTTY: true }) })).rejects.toThrow(
      expect.objectContaining({ code: 'AIBENCH_USAGE', hint: expect.stringContaining('--file') }),
    );
  });
});
