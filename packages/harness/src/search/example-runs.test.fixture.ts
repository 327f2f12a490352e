import { LatencyHistogram } from '@aibench/core';
import { exampleResult } from '../report/example-result.test.fixture.js';
import { summarizeLatency } from '../result/latency-summary.js';
import type { RunResult } from '../result/run-result.js';

/** What an example run is like; shares are of the requests due. */
export interface ExampleRun {
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** Answers a second at most; the others wait. */
  readonly capacityPerSecond?: number;
  /** How long an answer takes where there is no queue, ms. */
  readonly latencyMs?: number;
  readonly failedShare?: number;
  /** Whether what is left in the queue at the end is answered after it; otherwise it was never sent. */
  readonly drains?: boolean;
  readonly clientBound?: boolean;
}

/** The result that a run at a constant rate against a server of such a capacity would have, 20 windows long. */
export function exampleRun(run: ExampleRun): RunResult {
  const { ratePerSecond, durationMs, latencyMs = 5, failedShare = 0, drains = false } = run;
  const due = Math.round((ratePerSecond * durationMs) / 1_000);
  const perSecond = Math.min(run.capacityPerSecond ?? Number.POSITIVE_INFINITY, ratePerSecond);
  const answeredBy = (ms: number) =>
    Math.min(due, Math.max(0, Math.floor((perSecond * (ms - latencyMs)) / 1_000)));
  const failed = Math.round(due * failedShare);
  const answered = (drains || perSecond === ratePerSecond ? due : answeredBy(durationMs)) - failed;
  const periodMs = durationMs / 20;
  const histogram = new LatencyHistogram();
  for (let i = 0; i < answered; i++) {
    histogram.record((latencyMs + (i / perSecond - i / ratePerSecond) * 1_000) * 1_000);
  }
  const ends = Array.from({ length: 20 }, (_, i) => (i + 1) * periodMs);
  const windows = [...ends, durationMs * 2].map((endMs, i) => {
    const upTo = i < 20 ? Math.round(answeredBy(endMs) * (1 - failedShare)) : answered;
    const before = i === 0 ? 0 : Math.round(answeredBy(ends[i - 1]!) * (1 - failedShare));
    return { ...exampleResult.windows[0]!, endMs, answered: Math.max(0, upTo - before) };
  });
  const { client, counts } = exampleResult;
  const clientBound = run.clientBound ?? false;
  const reasons = clientBound ? ['load thread 0 was busy', 'it was late'] : [];
  return {
    ...exampleResult,
    outcome: { kind: 'completed', reason: undefined, code: undefined },
    load: {
      ...exampleResult.load,
      model: 'open-loop',
      schedule: { kind: 'rate', ratePerSecond, spacing: { kind: 'constant' } },
    },
    counts: {
      ...counts,
      ...{ sent: answered + failed, answered, failed, cutOff: 0, measured: answered, burnIn: 0 },
      ...{ dropped: 0, unsent: due - answered - failed, late: 0, lateByClient: 0 },
    },
    responseTime: summarizeLatency(histogram),
    serviceTime: summarizeLatency(histogram),
    windows,
    client: { ...client, verdict: { clientBound, reasons, trustedUpTo: 1, notes: [] } },
  };
}
