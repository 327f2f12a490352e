import { LatencyHistogram } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { defaultSteadyStateRule } from '../load-model/steady-state.js';
import { summarizeLatency } from '../result/latency-summary.js';
import type { WindowResult } from '../result/run-result.js';
import { judgeWindows } from './steady-windows.js';

const rule = { ...defaultSteadyStateRule, quantile: 0.9 };

/** A window of a second with answers that all took as long, of which some belong to the burn-in. */
function window(answered: number, latencyUs = 1_000, burnIn = 0): WindowResult {
  const histogram = new LatencyHistogram();
  for (let i = burnIn; i < answered; i++) histogram.record(latencyUs);
  const summary = summarizeLatency(histogram);
  return {
    endMs: 1_000,
    endedAtMs: 0,
    durationMs: 1_000,
    answered,
    answeredPerSecond: answered,
    failed: 0,
    serviceTime: summary,
    responseTime: summary,
  };
}

describe('judgeWindows', () => {
  it('looks at the last windows, and tells their places', () => {
    const windows = [window(50), window(100), window(101), window(102)];
    expect(judgeWindows(windows, rule)).toMatchObject({ steady: true, firstWindow: 1 });
    expect(judgeWindows(windows.slice(0, 3), rule)).toMatchObject({ kind: 'rate-moves', firstWindow: 0 });
  });

  it('passes over the burn-in, also where it ends within a window', () => {
    const burnIn = [window(100, 1_000, 100), window(100, 1_000, 40)];
    const two = [...burnIn, window(100), window(100)];
    expect(judgeWindows(two, rule)).toMatchObject({ kind: 'too-few-windows', firstWindow: 2 });
    expect(judgeWindows([...two, window(100)], rule)).toMatchObject({ steady: true, firstWindow: 2 });
  });

  it('does not pass over a window in which the server stood still', () => {
    const windows = [window(100), window(100), window(0), window(100)];
    expect(judgeWindows(windows, rule).kind).toBe('idle');
    expect(judgeWindows([...windows, window(100), window(100)], rule).steady).toBe(true);
  });

  it('looks at the quantile that the rule names', () => {
    const moving = [window(100, 1_000), window(100, 2_000), window(100, 1_000)];
    expect(judgeWindows(moving, rule).kind).toBe('quantile-moves');
  });

  it('is undecided of nothing', () => {
    expect(judgeWindows([], rule)).toMatchObject({ kind: 'too-few-windows', steady: false, firstWindow: 0 });
  });
});
