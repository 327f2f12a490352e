import { AibenchError, type ErrorCode, errorLine } from '@aibench/core';
import type { Outcome, RunResult } from '../result/run-result.js';
import type { SweepPlan, SweepRun } from './sweep-plan.js';

/** One run of a sweep, made. */
export interface SweepPoint {
  readonly value: number;
  readonly result: RunResult;
}

/** What a sweep gave. */
export interface SweepRunsResult {
  readonly variable: string;
  /** All that were asked for. */
  readonly values: readonly number[];
  /** How the sweep ended: completed where every run did. */
  readonly outcome: Outcome;
  /** One for each value that was run, in order. */
  readonly points: readonly SweepPoint[];
}

/** How a sweep is made. */
export interface SweepRunsOptions {
  readonly plan: SweepPlan;
  /** Makes one run. */
  run(run: SweepRun): Promise<RunResult>;
  readonly signal: AbortSignal;
  onPoint?(point: SweepPoint): void;
}

/**
 * Makes the runs of a sweep, one after the other, until one does not complete:
 * what comes after it would be measured on a server in no known state.
 *
 * @throws the first run's error where nothing was measured at all
 */
export async function sweepRuns({ plan, run, signal, onPoint }: SweepRunsOptions): Promise<SweepRunsResult> {
  const { variable, runs } = plan;
  const values = runs.map(({ value }) => value);
  const points: SweepPoint[] = [];
  const ended = (outcome: Outcome): SweepRunsResult => ({ variable, values, outcome, points });
  for (const each of runs) {
    const where = `at ${variable}=${each.value}`;
    if (signal.aborted) {
      return ended({
        kind: 'interrupted',
        reason: `interrupted before ${where.slice(3)}`,
        code: 'AIBENCH_INTERRUPTED',
      });
    }
    let result: RunResult;
    try {
      result = await run(each);
    } catch (error) {
      if (points.length === 0) throw error;
      const code: ErrorCode = error instanceof AibenchError ? error.code : 'AIBENCH_UNKNOWN';
      const kind = code === 'AIBENCH_INTERRUPTED' ? 'interrupted' : 'failed';
      return ended({ kind, reason: `${where}: ${errorLine(error)}`, code });
    }
    const point = { value: each.value, result };
    points.push(point);
    onPoint?.(point);
    const { kind, reason, code } = result.outcome;
    if (kind !== 'completed') return ended({ kind, reason: `${where}: ${reason ?? kind}`, code });
  }
  return ended({ kind: 'completed', reason: undefined, code: undefined });
}
