import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QueuedRows } from './queued-rows.js';
import type { Turn } from './row-cursor.js';
import { RowStream, type RowStreamOptions } from './row-stream.js';

/** A stream of these bytes, cut at these places. */
function streamOf(bytes: Uint8Array, cuts: readonly number[]): Readable {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const chunks = places.slice(1).map((end, i) => Buffer.from(bytes.subarray(places[i], end)));
  return Readable.from(chunks, { objectMode: false });
}

function numbered(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 7 + (i >> 8)) % 251);
}

const defaults = { limit: Number.POSITIVE_INFINITY, allowTruncated: false, batchSize: 1, sendPartial: true };
/** One row a request. */
const single = { batchSize: 1, sendPartial: true };

async function blocksOf(stream: Readable, options: Partial<RowStreamOptions> & { rowSizeBytes: number }) {
  const rows = new RowStream(stream, { ...defaults, ...options });
  const blocks = [];
  for (;;) {
    const block = await rows.next();
    if (block === undefined) return { blocks, rows };
    blocks.push(block);
  }
}

describe('RowStream', () => {
  it('gives all rows once, in order, however the stream is cut', async () => {
    const scenario = fc.record({
      rowSizeBytes: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(1_152, 70_000, 200_000)),
      rowCount: fc.nat(20),
      cuts: fc.array(fc.nat(), { maxLength: 30 }),
      limit: fc.option(fc.nat(25)),
      batchSize: fc.integer({ min: 1, max: 4 }),
      sendPartial: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ rowSizeBytes, rowCount, cuts, limit, batchSize, sendPartial }) => {
        const bytes = numbered(rowSizeBytes * rowCount);
        const { blocks, rows } = await blocksOf(streamOf(bytes, cuts), {
          ...{ rowSizeBytes, batchSize, sendPartial },
          limit: limit ?? Number.POSITIVE_INFINITY,
        });
        const requests = Math.min(
          sendPartial ? Math.ceil(rowCount / batchSize) : Math.floor(rowCount / batchSize),
          limit ?? rowCount,
        );
        expect(rows.requestCount).toBe(requests);
        const expectedRows = Math.min(rowCount, requests * batchSize);
        // Not toEqual, which takes seconds for millions of bytes.
        const given = Buffer.concat(blocks.map((block) => block.rows));
        expect(given.equals(bytes.subarray(0, expectedRows * rowSizeBytes))).toBe(true);
        let next = 0;
        for (const { firstIndex, rows } of blocks) {
          expect(firstIndex).toBe(next);
          expect(rows.byteLength % rowSizeBytes).toBe(0);
          // Only the last request may have fewer rows.
          if (rows !== blocks.at(-1)!.rows) expect(rows.byteLength % (rowSizeBytes * batchSize)).toBe(0);
          // Its memory goes to another thread, so it must be its own.
          expect(rows.buffer.byteLength).toBe(rows.byteLength);
          next += Math.ceil(rows.byteLength / (rowSizeBytes * batchSize));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('gives a row as soon as it is there, though the stream goes on', async () => {
    const stream = new Readable({ read: () => undefined });
    const rows = new RowStream(stream, { ...defaults, rowSizeBytes: 4 });
    stream.push(Buffer.from([1, 2, 3, 4, 5]));
    expect(await rows.next()).toEqual({ firstIndex: 0, rows: Uint8Array.of(1, 2, 3, 4) });
    const later = rows.next();
    stream.push(Buffer.from([6, 7, 8]));
    expect(await later).toEqual({ firstIndex: 1, rows: Uint8Array.of(5, 6, 7, 8) });
  });

  it('leaves in order what several ask for at once', async () => {
    const rows = new RowStream(streamOf(numbered(400_000), [1_000]), { ...defaults, rowSizeBytes: 1_000 });
    const blocks = await Promise.all(Array.from({ length: 6 }, () => rows.next()));
    const firsts = blocks.flatMap((block) => (block === undefined ? [] : [block.firstIndex]));
    expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
    expect(firsts[0]).toBe(0);
  });

  it('names the row within which a stream ends, to everyone who asks', async () => {
    const rows = new RowStream(streamOf(numbered(25), [7, 19]), { ...defaults, rowSizeBytes: 10 });
    expect((await rows.next())?.firstIndex).toBe(0);
    const failure = expect.objectContaining({
      code: 'AIBENCH_INPUT',
      message: 'stdin ends within row 2 (counted from 0): 5 of its 10 bytes are there',
      hint: expect.stringContaining('--allow-truncated'),
    });
    await rows.next();
    await expect(rows.next()).rejects.toThrow(failure);
    await expect(rows.next()).rejects.toThrow(failure);
  });

  it('passes over what is left of a row where that is asked for, and never reads beyond its limit', async () => {
    const truncated = await blocksOf(streamOf(numbered(25), []), { rowSizeBytes: 10, allowTruncated: true });
    expect(truncated.rows.requestCount).toBe(2);
    // The end within row 2 does not matter to whoever wants two rows.
    expect(
      (await blocksOf(streamOf(numbered(25), []), { rowSizeBytes: 10, limit: 2 })).rows.requestCount,
    ).toBe(2);
  });

  it('says so when the stream cannot be read', async () => {
    const stream = new Readable({
      read() {
        this.destroy(Object.assign(new Error('EISDIR: illegal operation'), { code: 'EISDIR' }));
      },
    });
    await expect(new RowStream(stream, { ...defaults, rowSizeBytes: 10 }).next()).rejects.toThrow(
      expect.objectContaining({ code: 'AIBENCH_INPUT', message: 'cannot read stdin: it is a folder' }),
    );
  });
});

describe('QueuedRows', () => {
  it('gives workers all rows once, in order, whenever blocks come and whoever waits', async () => {
    const scenario = fc.record({
      blockRows: fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 12 }),
      workers: fc.integer({ min: 1, max: 6 }),
      /** Turns of the event loop before each block arrives. */
      delays: fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ blockRows, workers, delays }) => {
        const rowSizeBytes = 3;
        let asked = 0;
        const rows = new QueuedRows({ ...single, rowSizeBytes }, () => {
          asked += 1;
        });
        const supply = async () => {
          let firstIndex = 0;
          for (const [i, count] of blockRows.entries()) {
            for (let turns = 0; turns < delays[i % delays.length]!; turns++) await turnOfEventLoop();
            const block = Uint8Array.from(
              { length: count * rowSizeBytes },
              (_, place) => firstIndex + Math.floor(place / 3),
            );
            rows.push({ firstIndex, rows: block });
            firstIndex += count;
          }
          rows.end();
          return firstIndex;
        };
        const turns: Turn[] = [];
        const work = async () => {
          for (;;) {
            const turn = await rows.next();
            if (turn === undefined) return;
            turns.push(turn);
            if (turn.index % 3 === 0) await turnOfEventLoop();
          }
        };
        const [total] = await Promise.all([supply(), ...Array.from({ length: workers }, work)]);
        expect(turns.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
          Array.from({ length: total }, (_, i) => i),
        );
        for (const { index, firstRow, rows } of turns)
          expect([firstRow, ...rows]).toEqual([index, index, index, index]);
        // Two ahead, and one more for each block used up while more may come.
        expect(asked).toBeGreaterThanOrEqual(2);
        expect(asked).toBeLessThanOrEqual(2 + blockRows.length);
      }),
      { numRuns: 100 },
    );
  });

  it('gives a request its rows, the last one those that are left', () => {
    const rows = new QueuedRows({ rowSizeBytes: 2, batchSize: 3, sendPartial: true }, () => undefined);
    rows.push({ firstIndex: 0, rows: Uint8Array.from({ length: 12 }, (_, i) => i) });
    rows.push({ firstIndex: 2, rows: Uint8Array.of(12, 13) });
    rows.end();
    expect([rows.next(), rows.next(), rows.next(), rows.next()]).toEqual([
      { index: 0, firstRow: 0, rows: Uint8Array.of(0, 1, 2, 3, 4, 5) },
      { index: 1, firstRow: 3, rows: Uint8Array.of(6, 7, 8, 9, 10, 11) },
      { index: 2, firstRow: 6, rows: Uint8Array.of(12, 13) },
      undefined,
    ]);
  });

  it('asks for a block whenever it has used one up', () => {
    let asked = 0;
    const rows = new QueuedRows({ ...single, rowSizeBytes: 1 }, () => {
      asked += 1;
    });
    expect(asked).toBe(2);
    rows.push({ firstIndex: 0, rows: Uint8Array.of(1, 2) });
    void rows.next();
    expect(asked).toBe(2);
    void rows.next();
    expect(asked).toBe(3);
  });

  it('gives nothing more once it is closed, to those who wait neither', async () => {
    const rows = new QueuedRows({ ...single, rowSizeBytes: 1 }, () => undefined);
    const waiting = [rows.next(), rows.next()];
    await rows.close();
    expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
    rows.push({ firstIndex: 0, rows: Uint8Array.of(1) });
    await rows.close();
    expect(rows.next()).toBeUndefined();
  });
});

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
