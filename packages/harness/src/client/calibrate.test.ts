import { describe, expect, it } from 'vitest';
import { defaultValues } from '../cli/flags.js';
import { loadFlags } from '../engine/load-flags.js';
import { runner as stubRunner } from '../engine/stub-runner.test.fixture.js';
import type { RunResult } from '../result/run-result.js';
import type { Runner } from '../runner.js';
import { exampleRun } from '../search/example-runs.test.fixture.js';
import { Calibrator, calibrationLoad, checkCalibration, withCalibration } from './calibrate.js';

const load = { ...defaultValues(loadFlags), file: 'rows.dat' };

/** A runner whose null server is counted. */
function countingRunner() {
  const seen = { started: 0, stopped: 0 };
  const runner: Runner = {
    ...(stubRunner as unknown as Runner),
    async startNullServer() {
      seen.started += 1;
      return {
        flags: { host: 'null' },
        async stop() {
          seen.stopped += 1;
        },
      };
    },
  };
  return { runner, seen };
}

describe('calibrationLoad', () => {
  it('bears the same load for three seconds at most', () => {
    const user = { ...load, workers: 64, threads: 2, rate: 500, maxQueries: 10, burnIn: 5, verify: true };
    expect(calibrationLoad(user)).toMatchObject({
      ...{ workers: 64, threads: 2, rate: 500, maxQueries: 0, burnIn: 0, verify: false },
      ...{ durationMs: 3_000, burnInDurationMs: 900 },
    });
    expect(calibrationLoad({ ...load, durationMs: 1_000 }).durationMs).toBe(1_000);
    expect(calibrationLoad({ ...load, durationMs: 60_000 }).durationMs).toBe(3_000);
  });

  it('takes stages at their highest rate', () => {
    const stages = calibrationLoad({ ...load, stages: '10s:100,30s:500,5s:0' });
    expect(stages).toMatchObject({ stages: '', rate: 500 });
    expect(calibrationLoad({ ...load, stages: '10s:100', rate: 900 }).rate).toBe(900);
  });
});

describe('Calibrator', () => {
  it('measures each load once, on one null server', async () => {
    const { runner, seen } = countingRunner();
    const runs: unknown[] = [];
    const calibrator = new Calibrator({
      runner,
      signal: new AbortController().signal,
      async run(each, flags) {
        runs.push([each.rate, flags]);
        return exampleRun({ ratePerSecond: each.rate!, durationMs: each.durationMs, latencyMs: 1 });
      },
    });
    const flags = { host: 'real', model: 'm' };
    const first = await calibrator.calibrate({ ...load, rate: 100 }, flags);
    expect(await calibrator.calibrate({ ...load, rate: 100, verify: true }, flags)).toBe(first);
    await calibrator.calibrate({ ...load, rate: 200 }, flags);
    const onNull = { host: 'null', model: 'm' };
    expect(runs).toEqual([
      [100, onNull],
      [200, onNull],
    ]);
    expect(first.serviceTime.count).toBe(300);
    await calibrator.stop();
    await calibrator.stop();
    expect(seen).toEqual({ started: 1, stopped: 1 });
  });

  it('fails where the null server does', async () => {
    const { runner } = countingRunner();
    const outcome = { kind: 'failed', reason: 'it broke', code: 'AIBENCH_SERVER' } as const;
    const calibrator = new Calibrator({
      runner,
      signal: new AbortController().signal,
      run: async () => ({ ...exampleRun({ ratePerSecond: 1, durationMs: 1_000 }), outcome }),
    });
    await expect(calibrator.calibrate(load, {})).rejects.toMatchObject({
      code: 'AIBENCH_SERVER',
      message: 'the calibration ended early: it broke',
    });
  });
});

describe('checkCalibration', () => {
  it('refuses a runner without a null server, and rows that come once', () => {
    const { runner } = countingRunner();
    expect(() => checkCalibration(runner, load)).not.toThrow();
    expect(() => checkCalibration(runner, { ...load, file: '' })).toThrow(/stdin/);
    const { startNullServer: _, ...without } = runner;
    expect(() => checkCalibration(without, load)).toThrow(/has no null server/);
  });
});

describe('withCalibration', () => {
  const result = exampleRun({ ratePerSecond: 100, durationMs: 10_000, latencyMs: 10 });
  const quiet: RunResult = { ...result, client: { ...result.client, threads: [] } };

  it.each([
    [2, false],
    [8, true],
  ])('judges a client that takes %i of 10 ms', (latencyMs, clientBound) => {
    const { serviceTime } = exampleRun({ ratePerSecond: 100, durationMs: 1_000, latencyMs });
    const calibration = { serviceTime, cpuPerRequestUs: 20, answeredPerSecond: 100 };
    const { client } = withCalibration(quiet, calibration);
    expect(client.calibration).toBe(calibration);
    expect(client.verdict.clientBound).toBe(clientBound);
    expect(client.verdict.reasons.join().includes('the client alone takes')).toBe(clientBound);
  });
});
