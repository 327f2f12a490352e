import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { float32View } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../result/run-result.js';
import {
  benchmark,
  expectSound,
  fileRows,
  folder,
  type Load,
  rowsWithIds,
} from './run-benchmark.test.fixture.js';
import type { PrintedAnswer } from './thread-messages.js';

/** By row: which worker answered, from the printed answers. */
function workersByRow(answers: readonly PrintedAnswer[]): Map<number, number> {
  return new Map(
    answers.map(({ requestId, outputs }) => {
      const [echo, worker] = float32View(outputs[0]!.data);
      expect(echo).toBe(requestId);
      return [requestId, worker!];
    }),
  );
}

describe('a run on several threads', () => {
  it('asks every row once, spreads the rows evenly and loses nothing', async () => {
    const answers: PrintedAnswer[] = [];
    const result = await benchmark(
      { threads: 3, workers: 7, printResponses: true, burnIn: 100 },
      {},
      { onAnswers: (some) => answers.push(...some) },
    );
    expectSound(result);
    expect(result.outcome.kind).toBe('completed');
    expect(result.counts).toMatchObject({ sent: fileRows, answered: fileRows, burnIn: 100 });
    const workers = workersByRow(answers);
    expect(answers).toHaveLength(fileRows);
    expect(workers.size).toBe(fileRows);
    // Row r belongs to thread r modulo 3, which has the workers of that remainder.
    for (const [row, worker] of workers) expect(worker % 3).toBe(row % 3);
    expect(new Set(workers.values()).size).toBe(7);
    expect(result.stages.encode?.count).toBe(result.counts.measured);
    expect(result.stages.reference).toBeUndefined();
  });

  it('starts a file over until the time is up, and measures no faster than the rate limit', async () => {
    const result = await benchmark({
      threads: 2,
      workers: 4,
      durationMs: 500,
      limitRps: 20_000,
      reportingPeriodMs: 100,
    });
    expectSound(result);
    expect(result.outcome.kind).toBe('completed');
    expect(result.counts.sent).toBeGreaterThan(fileRows);
    expect(result.counts.sent).toBeLessThanOrEqual(10_000);
    expect(result.windows.length).toBeGreaterThanOrEqual(5);
  });

  it('starts over up to a number of requests', async () => {
    const result = await benchmark({ threads: 2, workers: 3, durationMs: 60_000, maxQueries: 5_001 });
    expectSound(result);
    expect(result.counts).toMatchObject({ sent: 5_001, answered: 5_001 });
  });

  it('reads stdin once, for all threads together', async () => {
    const bytes = rowsWithIds(1_500);
    const chunks = Array.from({ length: Math.ceil(bytes.length / 50_000) }, (_, i) =>
      bytes.subarray(i * 50_000, (i + 1) * 50_000),
    );
    const answers: PrintedAnswer[] = [];
    const result = await benchmark(
      { file: '', threads: 3, workers: 6, printResponses: true },
      {},
      {
        stdin: Readable.from(chunks, { objectMode: false }),
        onAnswers: (some) => answers.push(...some),
      },
    );
    expectSound(result);
    expect(result.counts.sent).toBe(1_500);
    expect([...workersByRow(answers).keys()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1_500 }, (_, id) => id),
    );
  });

  it('loses no answer from its windows though the main thread is held up beyond the end of the load', async () => {
    let held = false;
    const result = await benchmark(
      { threads: 2, workers: 4, durationMs: 200, reportingPeriodMs: 20, ignoreErrors: true },
      { delayMs: 1, trouble: 'error' },
      {
        onWindow: () => {
          if (held) return;
          held = true;
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
        },
      },
    );
    expectSound(result);
    expect(result.windows.length).toBeGreaterThanOrEqual(10);
    for (const { durationMs } of result.windows.slice(0, -1)) expect(durationMs).toBeCloseTo(20, 6);
  });

  it('opens and closes a thousand sessions', async () => {
    const result = await benchmark({ threads: 4, workers: 1_000, durationMs: 60_000, maxQueries: 20_000 });
    expectSound(result);
    expect(result.counts.answered).toBe(20_000);
  });
});

describe('a run that fails', () => {
  it('throws before the load when a session cannot be opened, with its reason', async () => {
    await expect(
      benchmark({ threads: 3, workers: 6 }, { trouble: 'connect-fails', troubleWorker: 4 }),
    ).rejects.toThrow(
      expect.objectContaining({
        code: 'AIBENCH_CONNECTION',
        message: 'cannot reach stub:1',
        hint: 'see --host',
      }),
    );
  });

  it.each([
    ['the server cannot be reached', { trouble: 'unreachable' }, 'AIBENCH_CONNECTION'],
    ['the server says nothing', { trouble: 'silent-server' }, 'AIBENCH_TIMEOUT'],
    ['a session never opens', { trouble: 'connect-silent' }, 'AIBENCH_TIMEOUT'],
    ['connecting has a bug', { trouble: 'connect-bug' }, 'AIBENCH_UNKNOWN'],
  ])('throws before the load when %s', async (_, stub, code) => {
    const failure = benchmark({ threads: 2, workers: 2, requestTimeoutMs: 200 }, stub);
    await expect(failure).rejects.toThrow(expect.objectContaining({ code }));
    await expect(failure).rejects.toThrow(/^.+$/);
    // Asking takes 5 s at least, and this runner waits for a server that is starting.
    if (stub.trouble === 'silent-server') await expect(failure).rejects.toThrow('within 5.25s');
  });

  it('ends at the first failed request, and counts what was out', async () => {
    const result = await benchmark(
      { threads: 2, workers: 6 },
      { trouble: 'error', troubleWorker: 1, delayMs: 5 },
    );
    expectSound(result);
    expect(result.outcome).toEqual({
      kind: 'failed',
      reason: 'the server has had enough',
      code: 'AIBENCH_SERVER',
    });
    expect(result.counts).toMatchObject({ failed: 1, cutOff: 0 });
    expect(result.counts.answered).toBeGreaterThanOrEqual(6);
    expect(result.counts.sent).toBeLessThan(fileRows);
  });

  it('goes on where errors are passed over, and tells how many of each kind', async () => {
    const result = await benchmark(
      { threads: 2, workers: 4, ignoreErrors: true, maxQueries: 400 },
      { trouble: 'error', troubleWorker: 3 },
    );
    expectSound(result);
    expect(result.outcome.kind).toBe('completed');
    expect(result.counts.sent).toBe(400);
    expect(result.counts.failures).toEqual([
      expect.objectContaining({ code: 'AIBENCH_SERVER', firstMessage: 'the server has had enough' }),
    ]);
  });

  it('opens a lost session again where errors are passed over', async () => {
    const result = await benchmark(
      { threads: 2, workers: 4, ignoreErrors: true },
      { trouble: 'lost-connection' },
    );
    expectSound(result);
    expect(result.counts).toMatchObject({ sent: fileRows, reconnects: result.counts.failed });
    expect(result.counts.failed).toBeGreaterThanOrEqual(1);
  });

  it.each([
    ['exits', 'exit', /^load thread 1 ended without a word$/],
    ['throws where nobody waits', 'stray-throw', /^load thread 1 failed: a stray error \(this is a bug/],
    ['rejects where nobody waits', 'stray-rejection', /^load thread 1 failed: a stray rejection \(this is/],
  ])('is told apart when a runner %s in its thread', async (_, trouble, reason) => {
    const result = await benchmark(
      { threads: 2, workers: 4, durationMs: 60_000 },
      { trouble, troubleWorker: 3, troubleRequest: 50, delayMs: 1 },
    );
    expectSound(result);
    expect(result.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_THREAD' });
    expect(result.outcome.reason).toMatch(reason);
    // What the thread had done until then is there.
    expect(result.counts.answered).toBeGreaterThanOrEqual(49);
    // Only the thread that is gone for good has books that nobody can read.
    const { unchecked, littlesLaw } = result.conservation;
    expect(unchecked ?? []).toHaveLength(trouble === 'exit' ? 1 : 0);
    expect(littlesLaw?.holds).toBe(trouble === 'exit' ? undefined : true);
  });

  it('throws when a thread dies before the load begins', async () => {
    // The thread dies some milliseconds after it opened its session; a run that has begun by then fails.
    const end = await benchmark(
      { threads: 2, workers: 2 },
      { trouble: 'die-before-start', delayMs: 20 },
    ).catch((error: unknown) => error);
    const code = (end as { code?: string }).code ?? (end as RunResult).outcome.code;
    expect(code).toBe('AIBENCH_THREAD');
  });

  it('names an error of no kind by its message, in one line', async () => {
    const { outcome } = await benchmark({ workers: 2 }, { trouble: 'bug' });
    expect(outcome).toEqual({ kind: 'failed', reason: 'a bug in infer', code: 'AIBENCH_UNKNOWN' });
  });

  it('fails on a cut stream, and says at which row', async () => {
    const cut = (rows: number) =>
      Readable.from([rowsWithIds(rows), Buffer.alloc(100)], { objectMode: false });
    // Found out before anything is sent.
    await expect(benchmark({ file: '', workers: 2 }, {}, { stdin: cut(10) })).rejects.toThrow(
      expect.objectContaining({ code: 'AIBENCH_INPUT', message: expect.stringContaining('within row 10') }),
    );
    const load = { file: '', workers: 2, threads: 2 };
    const result = await benchmark(load, { delayMs: 1 }, { stdin: cut(1_200) });
    expectSound(result);
    expect(result.outcome).toMatchObject({
      kind: 'failed',
      code: 'AIBENCH_INPUT',
      reason: expect.stringContaining('within row 1200'),
    });
  });

  it('fails on an empty stream', async () => {
    // However busy the machine is, the run is over within this period.
    const result = await benchmark({ file: '', workers: 2, reportingPeriodMs: 600_000 });
    expectSound(result);
    expect(result.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_INPUT' });
    expect(result.windows).toMatchObject([{ answered: 0, failed: 0 }]);
  });

  it('fails where every answer is wrong, but not before they are counted', async () => {
    // The stub echoes the row's number, which is no probability.
    const result = await benchmark({ workers: 2, verify: true, ignoreErrors: true, maxQueries: 50 });
    expectSound(result);
    expect(result.counts).toMatchObject({ verified: 50, mismatched: 50 });
    expect(result.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_MISMATCH' });
  });

  it.each<[string, Partial<Load>, string]>([
    ['a burn-in above the number of queries', { burnIn: 10, maxQueries: 10 }, 'AIBENCH_USAGE'],
    ['a burn-in above the number of rows', { burnIn: 2_000 }, 'AIBENCH_USAGE'],
    ['more threads than workers', { threads: 3, workers: 2 }, 'AIBENCH_USAGE'],
    ['a use case that there is not', { useCase: 'none' }, 'AIBENCH_USAGE'],
    ['a file that there is not', { file: '/nowhere/rows.dat' }, 'AIBENCH_INPUT'],
    ['a profile that cannot be written', { cpuprofile: '/nowhere/x.cpuprofile' }, 'AIBENCH_OUTPUT'],
  ])('rejects %s', async (_, load, code) => {
    await expect(benchmark(load)).rejects.toThrow(expect.objectContaining({ code }));
  });
});

describe('an answer that never comes', () => {
  it('is cut off after the drain limit when the run is ended by another', async () => {
    const abort = new AbortController();
    const result = await benchmark(
      { threads: 2, workers: 4, durationMs: 60_000, reportingPeriodMs: 20 },
      { trouble: 'silent', delayMs: 1 },
      {
        signal: abort.signal,
        drainLimitMs: 100,
        onWindow: (_, total) => {
          if (total > 400) abort.abort();
        },
      },
    );
    expectSound(result);
    expect(result.counts).toMatchObject({ cutOff: 1, failed: 0 });
    expect(result.outcome.kind).toBe('interrupted');
  });

  it('is a timeout that ends the run', async () => {
    const result = await benchmark(
      { threads: 2, workers: 4, requestTimeoutMs: 150 },
      { trouble: 'silent', delayMs: 1 },
    );
    expectSound(result);
    expect(result.outcome.code).toBe('AIBENCH_TIMEOUT');
    expect(result.counts).toMatchObject({ failed: 1, cutOff: 0 });
  });

  it('does not keep the run from its end, even if the runner never lets go of its thread', async () => {
    const abort = new AbortController();
    const result = await benchmark(
      { threads: 2, workers: 2, durationMs: 60_000, reportingPeriodMs: 50, printResponses: true },
      { trouble: 'endless-loop', delayMs: 1 },
      { signal: abort.signal, drainLimitMs: 50, onAnswers: () => abort.abort() },
    );
    expectSound(result);
    expect(result.counts.answered).toBeGreaterThan(0);
  });
});

describe('an interrupt', () => {
  it('before the load ends it without a result, though sessions are still being opened', async () => {
    const abort = new AbortController();
    const interrupted = expect.objectContaining({ code: 'AIBENCH_INTERRUPTED' });
    const running = benchmark({ workers: 2 }, { trouble: 'connect-silent' }, { signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await expect(running).rejects.toThrow(interrupted);
    await expect(benchmark({}, {}, { signal: abort.signal })).rejects.toThrow(interrupted);
  });

  it('during the load gives the result so far', async () => {
    const abort = new AbortController();
    const result = await benchmark(
      { threads: 2, workers: 4, durationMs: 60_000, reportingPeriodMs: 50 },
      { delayMs: 2 },
      { signal: abort.signal, onWindow: () => abort.abort() },
    );
    expectSound(result);
    expect(result.outcome).toEqual({
      kind: 'interrupted',
      reason: 'interrupted',
      code: 'AIBENCH_INTERRUPTED',
    });
    expect(result.counts.answered).toBeGreaterThan(0);
    expect(result.counts.cutOff).toBe(0);
  });

  it('ends a run that waits for a stream that says nothing', async () => {
    const abort = new AbortController();
    const stdin = new Readable({ read: () => undefined });
    stdin.push(rowsWithIds(3));
    const result = await benchmark(
      { file: '', workers: 2, reportingPeriodMs: 50 },
      {},
      { signal: abort.signal, stdin, onWindow: () => abort.abort() },
    );
    expectSound(result);
    expect(result.outcome.kind).toBe('interrupted');
    expect(result.counts.answered).toBe(3);
  });
});

describe("the server's own statistics", () => {
  it('are read each period and at the end', async () => {
    const result = await benchmark({ workers: 2, durationMs: 350, reportingPeriodMs: 100 }, { delayMs: 1 });
    expect(result.serverStats.length).toBeGreaterThanOrEqual(2);
    const reads = result.serverStats.map(({ servers }) => servers['stub:1']?.['reads']);
    expect(reads).toEqual(reads.map((_, i) => i + 1));
    expect((await benchmark({ workers: 2, maxQueries: 10 })).serverStats).toHaveLength(1);
  });

  it.each([
    ['cannot be opened', 'stats-refused', /are left out: no statistics here/],
    ['cannot be read', 'stats-fail', /could not be read: statistics are gone/],
    ['do not come', 'stats-silent', /could not be read: no answer/],
  ])('are a warning, once, where they %s', async (_, trouble, line) => {
    const warnings: string[] = [];
    const result = await benchmark(
      { workers: 2, durationMs: 250, reportingPeriodMs: 50 },
      { trouble, delayMs: 1, troubleWorker: 99 },
      { onWarning: (warning) => warnings.push(warning) },
    );
    expectSound(result);
    expect(result.outcome.kind).toBe('completed');
    expect(warnings).toEqual([expect.stringMatching(line)]);
    expect(result.serverStats).toEqual([]);
  });
});

describe('the rest of a result', () => {
  it('is the whole record of the run', async () => {
    const result = await benchmark(
      { workers: 2, maxQueries: 20, description: 'words', metadataAutobatching: 4 },
      { trouble: 'busy' },
    );
    expect(result).toMatchObject({
      suiteVersion: '1.2.3',
      description: 'words',
      runner: 'stub',
      useCase: 'creditcard-fraud',
      server: { product: 'stub' },
      load: { workers: 2, threads: 1, maxQueries: 20, metadataAutobatching: 4 },
    });
    expect(result.endedAtMs).toBeGreaterThanOrEqual(result.startedAtMs);
    expect(result.client.cpuUserMs).toBeGreaterThan(0);
    expect(result.platform.node).toBe(process.version);
  });

  it('goes with profiles of the first load thread, whole files', async () => {
    const profiles = mkdtempSync(join(folder, 'profiles-'));
    const cpuprofile = join(profiles, 'x.cpuprofile');
    const memprofile = join(profiles, 'x.heapprofile');
    const result = await benchmark({ threads: 2, workers: 2, cpuprofile, memprofile });
    expectSound(result);
    expect(readdirSync(profiles).sort()).toEqual(['x.cpuprofile', 'x.heapprofile']);
    expect(JSON.parse(readFileSync(cpuprofile, 'utf8'))).toMatchObject({ nodes: expect.any(Array) });
    expect(JSON.parse(readFileSync(memprofile, 'utf8'))).toMatchObject({ head: expect.any(Object) });
  });

  it('does not wait for sessions that take too long to close', async () => {
    const result = await benchmark({ workers: 2, maxQueries: 10 }, { closeMs: 60_000 });
    expectSound(result);
    expect(result.outcome.kind).toBe('completed');
  });
});
