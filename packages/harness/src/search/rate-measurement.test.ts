import { describe, expect, it } from 'vitest';
import { leastAchievedShare } from './condition.js';
import { type ExampleRun, exampleRun } from './example-runs.test.fixture.js';
import { rateMeasurement } from './rate-measurement.js';

const times = { durationMs: 10_000, burnInMs: 1_000 };

function measure(run: Partial<ExampleRun>) {
  return rateMeasurement(exampleRun({ ratePerSecond: 1_000, ...times, ...run }), times, 3);
}

/** As a search judges it. */
function isReached({ achievedPerSecond, chancePerSecond = 0, offeredPerSecond }: ReturnType<typeof measure>) {
  return (achievedPerSecond + chancePerSecond) / offeredPerSecond >= leastAchievedShare;
}

describe('rateMeasurement', () => {
  it('counts what fell due and what came back after the burn-in', () => {
    const measurement = measure({});
    expect(measurement).toMatchObject({ offeredPerSecond: 1_000, errorShare: 0, droppedShare: 0, run: 3 });
    expect(measurement.achievedPerSecond).toBeCloseTo(1_000, -1);
    expect(isReached(measurement)).toBe(true);
  });

  it('calls a long latency no shortfall', () => {
    expect(isReached(measure({ latencyMs: 800 }))).toBe(true);
    expect(isReached(measure({ latencyMs: 800, ratePerSecond: 2 }))).toBe(true);
  });

  it.each([true, false])('calls a queue that grows one, also where it drains at the end (%s)', (drains) => {
    const measurement = measure({ capacityPerSecond: 700, drains });
    expect(measurement.achievedPerSecond).toBeCloseTo(700, -1);
    expect(isReached(measurement)).toBe(false);
    expect(measurement.droppedShare > 0.2).toBe(!drains);
  });

  it('allows one request more or less at a low rate', () => {
    expect(isReached(measure({ ratePerSecond: 1, latencyMs: 950 }))).toBe(true);
  });

  it('counts failures, and takes the latencies from the histograms', () => {
    const measurement = measure({ failedShare: 0.1 });
    expect(measurement.errorShare).toBeCloseTo(0.1, 9);
    expect(isReached(measurement)).toBe(false);
    expect(measurement.response.quantileUs(0.5)).toBeCloseTo(5_000, -2);
  });

  it('measures nothing in a run that nothing came of', () => {
    const empty = { ...exampleRun({ ratePerSecond: 10, ...times }), windows: [] };
    expect(rateMeasurement(empty, times, 0)).toMatchObject({ offeredPerSecond: 0, achievedPerSecond: 0 });
  });
});
