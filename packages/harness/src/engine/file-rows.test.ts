import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileRows, type FileRowsOptions } from './file-rows.js';
import type { Turn } from './row-cursor.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aibench-file-rows-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of rows whose bytes tell the row and the place in it. */
function writeRows(rowCount: number, rowSizeBytes: number): string {
  const path = join(folder, 'rows.dat');
  const bytes = new Uint8Array(rowCount * rowSizeBytes);
  for (let i = 0; i < bytes.length; i++) bytes[i] = byteOf(Math.floor(i / rowSizeBytes), i % rowSizeBytes);
  writeFileSync(path, bytes);
  return path;
}

function byteOf(row: number, place: number): number {
  return (row * 31 + place * 7 + (row >> 8)) % 251;
}

/** Whether bytes are those of some rows, one behind another. */
function areRows(bytes: Uint8Array, firstRow: number, rowCount: number, rowSizeBytes: number): boolean {
  if (bytes.byteLength !== rowCount * rowSizeBytes) return false;
  return bytes.every((byte, i) => byte === byteOf(firstRow + Math.floor(i / rowSizeBytes), i % rowSizeBytes));
}

/** One row a request. */
const single = { batchSize: 1, sendPartial: true };

/** Takes turns as `workers` concurrent workers do: each asks again when it has its row. */
async function takeAll(rows: FileRows, workers: number, most: number): Promise<Turn[]> {
  const turns: Turn[] = [];
  const work = async () => {
    while (turns.length < most) {
      const next = rows.next();
      const turn = next instanceof Promise ? await next : next;
      if (turn === undefined) return;
      turns.push(turn);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return turns;
}

async function withRows<T>(options: FileRowsOptions, use: (rows: FileRows) => Promise<T>): Promise<T> {
  const rows = await FileRows.open(options);
  try {
    return await use(rows);
  } finally {
    await rows.close();
  }
}

describe('FileRows', () => {
  it("gives each thread requests t, t + T, t + 2T, .. with the right rows, again from the file's top", async () => {
    const scenario = fc.record({
      // On both sides of the sizes at which reading changes: 64 KB between a thread's rows, 256 KB a block.
      rowSizeBytes: fc.oneof(
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(1_152, 16_384, 65_536, 65_537, 262_144, 262_145, 300_001),
      ),
      rowCount: fc.integer({ min: 1, max: 30 }),
      threads: fc.integer({ min: 1, max: 70 }),
      rounds: fc.double({ min: 0, max: 3, noNaN: true }),
      workers: fc.integer({ min: 1, max: 5 }),
      batchSize: fc.integer({ min: 1, max: 4 }),
      sendPartial: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ rounds, workers, ...file }) => {
        const { rowSizeBytes, rowCount, threads, batchSize, sendPartial } = file;
        const fileRequests = sendPartial ? Math.ceil(rowCount / batchSize) : Math.floor(rowCount / batchSize);
        fc.pre(fileRequests > 0);
        const path = writeRows(rowCount, rowSizeBytes);
        const limit = Math.floor(fileRequests * rounds);
        const seen: number[] = [];
        for (const thread of new Set([0, Math.floor(threads / 2), threads - 1])) {
          const options = { ...file, path, limit, thread };
          const turns = await withRows(options, (rows) => takeAll(rows, workers, limit + 1));
          // Every row is held until here: none may have been overwritten.
          for (const { index, firstRow, rows } of turns) {
            expect(firstRow).toBe((index % fileRequests) * batchSize);
            const count = Math.min(batchSize, rowCount - firstRow);
            expect(areRows(rows, firstRow, count, rowSizeBytes)).toBe(true);
          }
          const indexes = turns.map(({ index }) => index).sort((a, b) => a - b);
          const expected = Array.from({ length: limit }, (_, i) => i).filter((i) => i % threads === thread);
          expect(indexes).toEqual(expected);
          seen.push(...indexes);
        }
        expect(new Set(seen).size).toBe(seen.length);
      }),
      { numRuns: 60 },
    );
  });

  it('goes on without end where nothing limits it, over many blocks', async () => {
    const rowSizeBytes = 1_000;
    const rowCount = 400;
    const path = writeRows(rowCount, rowSizeBytes);
    const limit = Number.POSITIVE_INFINITY;
    for (const threads of [3, 100]) {
      const options = { ...single, path, rowSizeBytes, rowCount, limit, thread: 2, threads };
      const turns = await withRows(options, (rows) => takeAll(rows, 1, 1_500));
      expect(turns.map(({ index }) => index)).toEqual(
        Array.from({ length: 1_500 }, (_, i) => 2 + i * threads),
      );
      for (const { index, rows } of turns)
        expect(areRows(rows, index % rowCount, 1, rowSizeBytes)).toBe(true);
    }
  });

  it('reads large requests into memory that is done with, and into no other', async () => {
    const rowSizeBytes = 150_000;
    const path = writeRows(40, rowSizeBytes);
    const options = { path, rowSizeBytes, rowCount: 40, limit: 20, thread: 0, threads: 1 };
    await withRows({ ...options, batchSize: 2, sendPartial: true }, async (rows) => {
      const memory = new Set<ArrayBufferLike>();
      let held: Turn | undefined;
      for (let n = 0; n < 20; n++) {
        const turn = (await rows.next())!;
        memory.add(turn.rows.buffer);
        if (n === 3) held = turn;
        else turn.release!();
      }
      // One in use, one that is read ahead, one that is held, and none besides.
      expect(memory.size).toBeLessThanOrEqual(3);
      expect(areRows(held!.rows, 6, 2, rowSizeBytes)).toBe(true);
    });
  });

  it('says at which row a file ends that has been cut since', async () => {
    const rowSizeBytes = 100_000;
    const path = writeRows(20, rowSizeBytes);
    const options = { ...single, path, rowSizeBytes, rowCount: 20, limit: 20, thread: 0, threads: 1 };
    await withRows(options, async (rows) => {
      truncateSync(path, 12.5 * rowSizeBytes);
      await expect(takeAll(rows, 2, 20)).rejects.toThrow(
        expect.objectContaining({
          code: 'AIBENCH_INPUT',
          message: `${path} ends at row 12; it was longer when the run began`,
        }),
      );
    });
  });

  it('does not fail for a cut that nobody reads as far as', async () => {
    const rowSizeBytes = 100_000;
    const path = writeRows(20, rowSizeBytes);
    const options = { ...single, path, rowSizeBytes, rowCount: 20, limit: 20, thread: 0, threads: 1 };
    truncateSync(path, 3 * rowSizeBytes);
    expect(await withRows(options, (rows) => takeAll(rows, 1, 2))).toHaveLength(2);
  });

  it('says which file cannot be opened', async () => {
    const path = join(folder, 'none.dat');
    const options = { ...single, path, rowSizeBytes: 8, rowCount: 1, limit: 1, thread: 0, threads: 1 };
    await expect(FileRows.open(options)).rejects.toThrow(
      expect.objectContaining({
        code: 'AIBENCH_INPUT',
        message: `cannot read ${path}: there is no such file`,
      }),
    );
  });
});
