import { LatencyHistogram } from '@aibench/core';
import type { ClientObservation } from '../client/client-watch.js';
import { type LatencySummary, summarizeLatency } from '../result/latency-summary.js';
import type { RunResult, WindowResult } from '../result/run-result.js';

/** Latencies in us of an example run. */
export const exampleLatenciesUs = [1_000, 2_000, 2_000, 3_000, 8_000];

function summaryOf(latenciesUs: readonly number[]): LatencySummary {
  const histogram = new LatencyHistogram();
  for (const latencyUs of latenciesUs) histogram.record(latencyUs);
  return summarizeLatency(histogram);
}

function window(endMs: number, latenciesUs: readonly number[]): WindowResult {
  return {
    endMs,
    endedAtMs: 1_700_000_000_000 + endMs,
    durationMs: 1_000,
    answered: latenciesUs.length,
    answeredPerSecond: latenciesUs.length,
    failed: 0,
    serviceTime: summaryOf(latenciesUs),
    responseTime: summaryOf(latenciesUs),
  };
}

function thread(eventLoopUtilization: number, polledMs: number): ClientObservation {
  const noPauses = { count: 0, totalMs: 0, longestMs: 0 };
  return {
    durationMs: 1_000,
    eventLoopUtilization,
    polledMs,
    cpu: undefined,
    timerLateness: summaryOf([500]),
    wakeLateness: summaryOf([]),
    gc: { ...noPauses, byKind: {} },
    backlog: undefined,
    rss: { startBytes: 9e7, endBytes: 1e8, mostBytes: 1e8 },
  };
}

/** A result with something in each of its parts. */
export const exampleResult: RunResult = {
  formatVersion: '1.0',
  suiteVersion: '1.2.3',
  description: 'an example',
  outcome: { kind: 'completed', reason: undefined, code: undefined },
  runner: 'redisai',
  server: {
    product: 'RedisAI',
    version: '1.2.7',
    isReference: false,
    details: { host: 'a:6379', shards: 3 },
  },
  useCase: 'creditcard-fraud',
  rowNoun: undefined,
  dataSettings: undefined,
  load: {
    model: 'closed-loop',
    schedule: undefined,
    workers: 8,
    threads: 2,
    limitRps: 500,
    maxOutstanding: 0,
    burnIn: 3,
    burnInDurationMs: 0,
    seed: 7,
    maxQueries: 10,
    durationMs: 0,
    withReference: true,
    verify: false,
    batchSize: 1,
    metadataAutobatching: 4,
  },
  flags: { workers: 8 },
  startedAtMs: 1_700_000_000_000.25,
  endedAtMs: 1_700_000_002_900.75,
  counts: {
    sent: 10,
    answered: 8,
    answeredRows: 8,
    failures: [{ code: 'AIBENCH_SERVER', count: 1, firstMessage: 'no' }],
    verified: 0,
    mismatched: 0,
    reconnects: 2,
    late: 0,
    lateByClient: 0,
    failed: 1,
    cutOff: 1,
    measured: 5,
    burnIn: 3,
    dropped: 0,
    unsent: 0,
  },
  rates: {
    measuredPerSecond: 2.5,
    measuredRowsPerSecond: 2.5,
    measuredDurationMs: 2_000,
    includingBurnInPerSecond: 3,
    includingBurnInDurationMs: 2_666.6,
  },
  serviceTime: summaryOf(exampleLatenciesUs),
  responseTime: summaryOf(exampleLatenciesUs),
  sendDelay: summaryOf(exampleLatenciesUs.map(() => 0)),
  queryTime: undefined,
  stages: { wait: summaryOf([900, 1_900]) },
  windows: [window(1_000, []), window(2_000, [1_000, 2_000]), window(2_000.5, [2_000, 3_000, 8_000])],
  serverStats: [{ readAtMs: 1_700_000_001_001, servers: { 'a:6379': { calls: 12 } } }],
  client: {
    cpuUserMs: 1,
    cpuSystemMs: 1,
    polledMs: 250,
    cpuPerRequestUs: 250,
    peakRssBytes: 1e8,
    threads: [thread(0.75, 250), thread(0.25, 0)],
    verdict: { clientBound: false, reasons: [], trustedUpTo: 1, notes: [] },
    calibration: undefined,
  },
  conservation: {
    holds: true,
    violations: [],
    littlesLaw: {
      holds: true,
      meanConcurrency: 0.01,
      ratePerSecond: 3,
      meanTimeUs: 3_200,
      difference: 0,
      violation: undefined,
    },
  },
  steadyState: undefined,
  scenario: undefined,
  platform: {
    cpu: 'a CPU',
    logicalCores: 2,
    physicalCores: 1,
    memoryBytes: 8e9,
    os: 'an OS',
    kernel: '6',
    architecture: 'x64',
    virtual: true,
    node: 'v20',
  },
};
