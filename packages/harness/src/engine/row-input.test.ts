import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { RowLayout } from '@aibench/core';
import type { UseCase } from '@aibench/usecases';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRowInput, type RowInputOptions } from './row-input.js';

const useCase = {
  name: 'tiny',
  row: new RowLayout([{ name: 'x', dtype: 'uint8', shape: [2] }], { hasId: true }),
} as unknown as UseCase;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aibench-row-input-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function open(options: Partial<RowInputOptions>) {
  const stdin = Readable.from([]);
  return openRowInput({
    path: '',
    useCase,
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
