import { LatencyHistogram } from '@aibench/core';
import { type SteadyStateRule, type SteadyStateVerdict, steadyState } from '../load-model/steady-state.js';
import type { WindowResult } from '../result/run-result.js';

/** When a run may end because its load is steady. */
export interface StableRule extends SteadyStateRule {
  /** The quantile of response time that must hold still, 0 to 1. */
  readonly quantile: number;
}

/**
 * Whether the last windows of a run are alike. Those before the first in which
 * every answer was measured are burn-in; from there on each counts, also one in
 * which nothing was answered.
 *
 * @param windows all of the run so far
 * @returns the verdict; its `firstWindow` is a place in `windows`
 */
export function judgeWindows(windows: readonly WindowResult[], rule: StableRule): SteadyStateVerdict {
  const whole = ({ answered, responseTime }: WindowResult) => answered > 0 && responseTime.count === answered;
  const afterBurnIn = windows.findIndex(whole);
  const judged = afterBurnIn < 0 ? [] : windows.slice(afterBurnIn).slice(-rule.windows);
  const summaries = judged.map(({ answeredPerSecond, responseTime }) => ({
    ratePerSecond: answeredPerSecond,
    quantileUs: LatencyHistogram.decode(responseTime.encodedHistogram).quantileUs(rule.quantile),
  }));
  return { ...steadyState(summaries, rule), firstWindow: windows.length - judged.length };
}
