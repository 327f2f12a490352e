import { AibenchError } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { defaultValues } from '../cli/flags.js';
import { loadFlags } from '../engine/load-flags.js';
import { searchJson, searchLine, searchText } from '../report/search-report.js';
import type { RunResult } from '../result/run-result.js';
import { exampleRun } from './example-runs.test.fixture.js';
import { planSearch } from './search-plan.js';
import { type SearchPoint, type SearchRunsOptions, searchRuns } from './search-runs.js';

const load = { ...defaultValues(loadFlags), file: 'rows.dat', findMaxRate: 'p99<50ms', maxRate: 100_000 };
const plan = planSearch(load, new Set(['find-max-rate']))!;

/** A server that answers so many a second. */
function server(capacityPerSecond: number, change: (result: RunResult) => RunResult = (result) => result) {
  return async ({ rate, durationMs }: typeof load) =>
    change(exampleRun({ ratePerSecond: rate!, durationMs, capacityPerSecond }));
}

function search(run: (each: typeof load) => Promise<RunResult>, options: Partial<SearchRunsOptions> = {}) {
  const signal = new AbortController().signal;
  return searchRuns({ plan, load, signal, run: run as SearchRunsOptions['run'], ...options });
}

describe('searchRuns', () => {
  it('finds what the server can do, keeps every run and shows the curve', async () => {
    const seen: SearchPoint[] = [];
    const found = await search(server(1_000), { onMeasured: (point) => seen.push(point) });
    expect(found.search.verdict).toBe('found');
    expect(found.search.answerPerSecond).toBeGreaterThan(970);
    expect(found.search.answerPerSecond).toBeLessThan(1_030);
    expect(found.client).toEqual({ clientBound: false, reasons: [] });
    expect(found.results).toHaveLength(found.search.curve.length);
    expect(seen).toHaveLength(found.results.length);
    expect(searchLine(seen[0]!)).toMatch(/ holds$/);

    const text = searchText(found);
    expect(text).toMatch(/^Max rate {4}\d+(\.\d+)?\/s \(found\)$/m);
    expect(text.match(/ yes │| no │/g)).toHaveLength(found.results.length);

    const json = JSON.parse(searchJson(found));
    expect(json.Search).toMatchObject({
      verdict: 'found',
      conditions: ['response p99 < 50ms', 'errors <= 0%'],
    });
    for (const point of json.Search.curve) {
      const { schedule } = json.Results[point.result].Result.load;
      expect(schedule.ratePerSecond).toBe(point.ratePerSecond);
    }
  });

  it('says that the client was the limit at the edge', async () => {
    const found = await search(async ({ rate, durationMs }) =>
      exampleRun({
        ...{ ratePerSecond: rate!, durationMs, capacityPerSecond: 1_000, clientBound: rate! > 1_000 },
      }),
    );
    expect(found.client.clientBound).toBe(true);
    expect(found.client.reasons[0]).toMatch(/^at 1\d{3}(\.\d+)?\/s load thread 0 was busy \(and 1 more\)$/);
    expect(searchText(found)).toContain('CLIENT-BOUND at 1');
    // Where it was the limit far from the edge only, it was not of the answer.
    const far = await search(async ({ rate, durationMs }) =>
      exampleRun({
        ...{ ratePerSecond: rate!, durationMs, capacityPerSecond: 1_000, clientBound: rate! > 1_500 },
      }),
    );
    expect(far.client.clientBound).toBe(false);
  });

  it('says that workers were the limit', async () => {
    const found = await search(
      server(1_000, (result) => ({ ...result, counts: { ...result.counts, late: result.counts.sent } })),
    );
    expect(found.notes.join()).toMatch(/100 % of the requests waited for a free worker/);
  });

  it('takes a rate at which nothing is answered in time for one that does not hold', async () => {
    const nothing = { kind: 'failed', reason: 'no answer was measured', code: 'AIBENCH_INPUT' } as const;
    const found = await search(async ({ rate, durationMs }) => {
      const result = exampleRun({ ratePerSecond: rate!, durationMs });
      if (rate! < 300) return result;
      return { ...result, outcome: nothing, counts: { ...result.counts, measured: 0 }, windows: [] };
    });
    expect(found.search.verdict).toBe('found');
    expect(found.search.answerPerSecond).toBeLessThan(300);
  });

  it('ends with what there is when a run fails, and keeps that run', async () => {
    const found = await search(async ({ rate, durationMs }) => {
      const result = exampleRun({ ratePerSecond: rate!, durationMs });
      const outcome = { kind: 'failed', reason: 'row 7 is wrong', code: 'AIBENCH_MISMATCH' } as const;
      return rate! > 500 ? { ...result, outcome } : result;
    });
    expect(found.search).toMatchObject({ verdict: 'ended', code: 'AIBENCH_MISMATCH' });
    expect(found.search.reason).toContain('row 7 is wrong');
    expect(found.results).toHaveLength(found.search.curve.length + 1);
    expect(() => searchText(found)).not.toThrow();
  });

  it('fails as the first run does, where nothing was measured', async () => {
    const refused = new AibenchError('AIBENCH_CONNECTION', 'nobody listens');
    await expect(search(() => Promise.reject(refused))).rejects.toBe(refused);
  });
});
