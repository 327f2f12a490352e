import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { PoolJob } from './chunk-maker.js';

// The built module: worker threads can't run TypeScript.
const { RowPool } = (await import(
  new URL('../dist/row-pool.js', import.meta.url).href
)) as typeof import('./row-pool.js');

interface TestJob extends PoolJob {
  readonly value: number;
}

const folder = mkdtempSync(join(tmpdir(), 'aibench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes its job's value; the later the job, the quicker, so that threads overtake each other. */
const maker = join(folder, 'maker.mjs');
writeFileSync(
  maker,
  `import { AibenchError } from ${JSON.stringify(import.meta.resolve('@aibench/core'))};
  export function createChunkMaker({ add }) {
    return ({ value, bytes }, output) => {
      const end = performance.now() + (value % 3 === 0 ? 2 : 0);
      while (performance.now() < end);
      if (value === 70) throw new AibenchError('AIBENCH_INPUT', 'seventy', { hint: 'see --seventy' });
      if (value === 71) throw new TypeError('seventy-one');
      if (value === 72) process.exit(3);
      if (value % 10 === 9) return 0;
      output[0] = value + add + (bytes?.[0] ?? 0);
      return 1;
    };
  }`,
);

function makePool(threads: number) {
  return new RowPool<TestJob>({
    moduleUrl: pathToFileURL(maker),
    settings: { add: 100 },
    threads,
    chunkSizeBytes: 16,
  });
}

async function collect(
  pool: { run(jobs: Iterable<TestJob>): AsyncIterable<Uint8Array> },
  jobs: Iterable<TestJob>,
) {
  const values: number[] = [];
  let error: unknown;
  try {
    for await (const chunk of pool.run(jobs)) values.push(chunk[0]!);
  } catch (caught) {
    error = caught;
  }
  return { values, error };
}

function* jobs(from: number, to: number): Generator<TestJob> {
  for (let value = from; value <= to; value++) yield { value };
}

const expected = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
    .filter((value) => value % 10 !== 9)
    .map((value) => value + 100);

describe.each([0, 1, 3])('RowPool with %i threads', (threads) => {
  it('gives chunks in the order of their jobs, empty ones left out', async () => {
    const pool = makePool(threads);
    expect(await collect(pool, jobs(0, 69))).toEqual({ values: expected(0, 69), error: undefined });
    await pool.close();
  });

  it('passes bytes along and gives their memory back', async () => {
    const pool = makePool(threads);
    const buffers = new Set<ArrayBuffer>();
    function* withBytes(): Generator<TestJob> {
      for (let i = 0; i < 40; i++) {
        const bytes = pool.allocateBytes(8);
        buffers.add(bytes.buffer);
        bytes[0] = i;
        yield { value: 1, bytes };
      }
    }
    const { values } = await collect(pool, withBytes());
    expect(values).toEqual(Array.from({ length: 40 }, (_, i) => 101 + i));
    if (threads === 0) expect(buffers.size).toBe(1);
    await pool.close();
  });

  it("throws a job's error after all the chunks before it, code and hint kept", async () => {
    const pool = makePool(threads);
    const { values, error } = await collect(pool, jobs(60, 80));
    expect(values).toEqual(expected(60, 69));
    expect(error).toMatchObject({ code: 'AIBENCH_INPUT', message: 'seventy', hint: 'see --seventy' });
    await pool.close();
  });

  it('throws any other error too', async () => {
    const pool = makePool(threads);
    expect((await collect(pool, jobs(71, 71))).error).toMatchObject({ message: 'seventy-one' });
    await pool.close();
  });

  it("throws an error of the jobs' source after all the chunks before it", async () => {
    const pool = makePool(threads);
    function* failing(): Generator<TestJob> {
      yield* jobs(0, 8);
      throw new Error('no more');
    }
    expect(await collect(pool, failing())).toEqual({ values: expected(0, 8), error: new Error('no more') });
    await pool.close();
  });

  it('ends when it is closed, and may be closed again', async () => {
    const pool = makePool(threads);
    const seen: number[] = [];
    for await (const chunk of pool.run(jobs(0, 69))) {
      seen.push(chunk[0]!);
      if (seen.length === 3) await pool.close();
    }
    expect(seen).toEqual([100, 101, 102]);
    await pool.close();
  });
});

describe('RowPool', () => {
  it('fails when a thread ends by itself', async () => {
    const pool = makePool(2);
    const { error } = await collect(pool, jobs(72, 76));
    expect(error).toMatchObject({ message: 'a row-making thread ended with 3' });
    await pool.close();
  });

  it('fails when its module is missing', async () => {
    const pool = new RowPool<TestJob>({
      moduleUrl: pathToFileURL(join(folder, 'none.mjs')),
      settings: {},
      threads: 1,
      chunkSizeBytes: 1,
    });
    expect((await collect(pool, jobs(0, 1))).error).toMatchObject({
      message: expect.stringMatching(/none\.mjs/),
    });
    await pool.close();
  });
});
