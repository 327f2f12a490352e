import { AibenchError } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { defaultValues, type FlagValues, flag } from '../cli/flags.js';
import { loadFlags } from '../engine/load-flags.js';
import { sweepJson, sweepLine, sweepText } from '../report/sweep-report.js';
import type { RunResult } from '../result/run-result.js';
import { exampleRun } from './example-runs.test.fixture.js';
import { planSweep } from './sweep-plan.js';
import { type SweepRunsOptions, sweepRuns } from './sweep-runs.js';

const runnerSet = {
  pipeline: flag.integer({ default: 0, min: 0, describe: 'Requests joined' }),
  host: flag.string({ default: '', describe: 'Where' }),
};
const load = { ...defaultValues(loadFlags), file: 'rows.dat' };

function plan(
  sweep: string,
  given: readonly string[] = [],
  changes: Partial<FlagValues<typeof loadFlags>> = {},
) {
  const flags = { load: { ...load, sweep, ...changes }, runnerFlags: { pipeline: 0, host: 'a' } };
  return planSweep({ ...flags, given: new Set(['sweep', ...given]) }, runnerSet);
}

describe('planSweep', () => {
  it('is none where none is asked for', async () => {
    expect(await planSweep({ load, runnerFlags: {}, given: new Set() }, runnerSet)).toBeUndefined();
  });

  it('varies a flag of every runner, or a number of this one', async () => {
    const workers = await plan('workers=1,2..8');
    expect(workers?.variable).toBe('workers');
    expect(workers?.runs.map((run) => run.load.workers)).toEqual([1, 2, 4, 8]);
    const limits = await plan('limit-rps=100..300:100');
    expect(limits?.runs.map((run) => run.load.limitRps)).toEqual([100, 200, 300]);
    const pipelines = await plan('pipeline=0,4');
    expect(pipelines?.runs.map((run) => run.runnerFlags)).toEqual([
      { pipeline: 0, host: 'a' },
      { pipeline: 4, host: 'a' },
    ]);
  });

  it.each<[string, readonly string[], Partial<FlagValues<typeof loadFlags>>, string]>([
    ['workers=1', ['find-max-rate'], {}, 'two ways'],
    ['workers=1', ['workers'], {}, '--workers is given'],
    ['workers=1', [], { file: '' }, 'stdin gives them once'],
    ['workers=1', ['memprofile'], {}, '--memprofile is for a single run'],
    ['host=1', [], {}, '"host" cannot be swept'],
    ['rate=0,1', [], {}, '--rate: 0 is not above 0'],
    ['threads=1,2,16', [], {}, '--threads 16 is above the 8 workers'],
    ['rate=10', [], { limitRps: 5 }, '--limit-rps'],
  ])('refuses %s with %j %j before anything is run', async (sweep, given, changes, words) => {
    const error = await plan(sweep, given, changes).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'AIBENCH_USAGE' });
    expect((error as AibenchError).message).toContain(words);
  });
});

describe('sweepRuns', () => {
  const example = (rate: number, outcome?: RunResult['outcome']): RunResult => {
    const result = exampleRun({ ratePerSecond: rate, durationMs: 1_000, clientBound: rate === 200 });
    return outcome === undefined ? result : { ...result, outcome };
  };

  async function sweep(run: (rate: number) => RunResult, options: Partial<SweepRunsOptions> = {}) {
    const signal = new AbortController().signal;
    const made = (await plan('rate=100,200,300'))!;
    return sweepRuns({ plan: made, signal, run: async (each) => run(each.load.rate!), ...options });
  }

  it('makes one result for each value, in order', async () => {
    const lines: string[] = [];
    const swept = await sweep(example, { onPoint: (point) => lines.push(sweepLine('rate', point)) });
    expect(swept.outcome.kind).toBe('completed');
    expect(lines.map((line) => line.split(':')[0])).toEqual(['rate=100', 'rate=200', 'rate=300']);
    expect(lines[1]).toContain('[CLIENT-BOUND]');
    expect(sweepText(swept)).toContain('CLIENT-BOUND at rate=200 load thread 0 was busy (and 1 more)');
    const { Sweep, Results } = JSON.parse(sweepJson(swept));
    expect(Sweep.values).toEqual([100, 200, 300]);
    expect(Sweep.points.map(({ clientBound }: { clientBound: boolean }) => clientBound)).toEqual([
      ...[false, true, false],
    ]);
    for (const { value, result } of Sweep.points) {
      expect(Results[result].Result.load.schedule.ratePerSecond).toBe(value);
    }
  });

  it('ends at a run that does not complete, which is kept', async () => {
    const failed = { kind: 'failed', reason: 'it is full', code: 'AIBENCH_SERVER' } as const;
    const swept = await sweep((rate) => example(rate, rate === 200 ? failed : undefined));
    expect(swept.points.map(({ value }) => value)).toEqual([100, 200]);
    expect(swept.outcome).toEqual({ ...failed, reason: 'at rate=200: it is full' });
    expect(sweepText(swept)).toContain('2 of 3 values');
  });

  it('ends where the server is gone, with what there is; at once where there is nothing', async () => {
    const gone = new AibenchError('AIBENCH_CONNECTION', 'nobody listens');
    const swept = await sweep((rate) => {
      if (rate > 100) throw gone;
      return example(rate);
    });
    expect(swept.points).toHaveLength(1);
    expect(swept.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_CONNECTION' });
    const nothing = sweep(() => {
      throw gone;
    });
    await expect(nothing).rejects.toBe(gone);
  });

  it('ends when it is interrupted between two runs', async () => {
    const abort = new AbortController();
    const swept = await sweep(example, { signal: abort.signal, onPoint: () => abort.abort() });
    expect(swept.points).toHaveLength(1);
    expect(swept.outcome).toMatchObject({ kind: 'interrupted', reason: 'interrupted before rate=200' });
  });
});
