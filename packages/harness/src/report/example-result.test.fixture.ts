import { LatencyHistogram } from '@aibench/core';
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
  load: {
    model: 'closed-loop',
    workers: 8,
    threads: 2,
    limitRps: 500,
    burnIn: 3,
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
    failures: [{ code: 'AIBENCH_SERVER', count: 1, firstMessage: 'no' }],
    verified: 0,
    mismatched: 0,
    reconnects: 2,
    failed: 1,
    cutOff: 1,
    measured: 5,
    burnIn: 3,
  },
  rates: {
    measuredPerSecond: 2.5,
    measuredDurationMs: 2_000,
    includingBurnInPerSecond: 3,
    includingBurnInDurationMs: 2_666.6,
  },
  serviceTime: summaryOf(exampleLatenciesUs),
  stages: { wait: summaryOf([900, 1_900]) },
  windows: [window(1_000, []), window(2_000, [1_000, 2_000]), window(2_000.5, [2_000, 3_000, 8_000])],
  serverStats: [{ readAtMs: 1_700_000_001_001, servers: { 'a:6379': { calls: 12 } } }],
  client: {
    cpuUserMs: 1,
    cpuSystemMs: 1,
    cpuPerRequestUs: 250,
    peakRssBytes: 1e8,
    eventLoopUtilization: [0.5, 0.25],
  },
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
