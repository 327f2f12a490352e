import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect } from 'vitest';
import { defaultValues, type FlagValues } from '../cli/flags.js';
import type { RunResult } from '../result/run-result.js';
import type { BenchmarkOptions } from './benchmark-options.js';
import { loadFlags } from './load-flags.js';
import { runner } from './stub-runner.test.fixture.js';

// Threads load compiled modules, so the built package is what is tested here.
const dist = new URL('../../dist/engine/', import.meta.url);
const runnerUrl = new URL('stub-runner.test.fixture.js', dist).href;
const { runBenchmark } = (await import(
  new URL('run-benchmark.js', dist).href
)) as typeof import('./run-benchmark.js');

/** The size of a creditcard-fraud row. */
const rowSizeBytes = 1_152;

/** Rows that hold their numbers and zeros. */
export function rowsWithIds(count: number): Buffer {
  const bytes = Buffer.alloc(count * rowSizeBytes);
  for (let id = 0; id < count; id++) bytes.writeBigUInt64LE(BigInt(id), id * rowSizeBytes);
  return bytes;
}

/** Rows of the data file that {@link benchmark} reads unless it is told otherwise. */
export const fileRows = 2_000;

/** A folder that is removed after the tests. */
export let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aibench-run-'));
  file = join(folder, 'rows.dat');
  writeFileSync(file, rowsWithIds(fileRows));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The flags of every runner. */
export type Load = FlagValues<typeof loadFlags>;
/** The flags of the stub. */
export type Stub = FlagValues<typeof runner.flags>;

/** A run against the stub, on real threads; by default over a file of {@link fileRows} rows. */
export function benchmark(
  load: Partial<Load>,
  stub: Partial<Stub> = {},
  options: Partial<BenchmarkOptions> = {},
) {
  return runBenchmark({
    runner,
    runnerUrl,
    runnerFlags: { ...defaultValues(runner.flags), ...stub },
    load: { ...defaultValues(loadFlags), file, ...load },
    recordedFlags: {},
    suiteVersion: '1.2.3',
    stdin: Readable.from([]),
    signal: new AbortController().signal,
    ...options,
  });
}

/**
 * What must hold of every result, however the run ended.
 *
 * @param kept windows that are measured, of a run that was found steady; default: all
 */
export function expectSound(result: RunResult, { kept }: { readonly kept?: number } = {}): void {
  const { outcome, counts, windows, serviceTime, load, client, conservation, steadyState } = result;
  expect(conservation.violations).toEqual([]);
  expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
  expect(counts.cutOff).toBeGreaterThanOrEqual(0);
  expect(counts.cutOff).toBeLessThanOrEqual(load.workers);
  expect(counts.lateByClient).toBeLessThanOrEqual(counts.late);
  expect(counts.measured + counts.burnIn).toBe(counts.answered);
  expect(serviceTime.count).toBe(counts.measured);
  expect(windows.reduce((sum, { answered }) => sum + answered, 0)).toBe(counts.answered);
  expect(windows.reduce((sum, { failed }) => sum + failed, 0)).toBe(counts.failed);
  const first = kept === undefined ? 0 : steadyState!.firstWindow;
  const measured = windows.slice(first, kept === undefined ? undefined : first + kept);
  expect(measured.reduce((sum, window) => sum + window.serviceTime.count, 0)).toBe(counts.measured);
  const ends = windows.map(({ endMs }) => endMs);
  expect(ends).toEqual([...ends].sort((a, b) => a - b));
  expect(new Set(ends).size).toBe(ends.length);
  // A thread that died, or had to be ended from outside, told nothing of itself.
  expect(client.threads.length).toBeLessThanOrEqual(load.threads);
  if (outcome.kind === 'completed') expect(client.threads).toHaveLength(load.threads);
}
