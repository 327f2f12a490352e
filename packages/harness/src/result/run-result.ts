import type { Stage } from '../engine/stages.js';
import type { Tally } from '../engine/tally.js';
import type { ServerDescription } from '../runner.js';
import type { LatencySummary } from './latency-summary.js';
import type { Platform } from './platform.js';

/** Version of {@link RunResult}'s form; raised when a field changes its meaning or goes. */
export const resultFormatVersion = '1.0';

/** The record of one run: all that any report is made from. */
export interface RunResult {
  readonly formatVersion: string;
  /** The suite's version. */
  readonly suiteVersion: string;
  /** The user's own words for the run, `--description`. */
  readonly description: string;
  readonly outcome: Outcome;
  /** The runner's token, `redisai`. */
  readonly runner: string;
  readonly server: ServerDescription;
  readonly useCase: string;
  readonly load: LoadSettings;
  /** Every flag of the run by its name, with what it was set to; passwords left out. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Unix time, milliseconds. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly counts: RunCounts;
  readonly rates: RunRates;
  /** From the send of a request to its answer in memory; measured requests only. */
  readonly serviceTime: LatencySummary;
  /** The parts of service time, those that occurred. */
  readonly stages: Readonly<Partial<Record<Stage, LatencySummary>>>;
  readonly windows: readonly WindowResult[];
  readonly serverStats: readonly ServerStatsResult[];
  readonly client: ClientCost;
  readonly platform: Platform;
}

/** How a run ended. */
export interface Outcome {
  readonly kind: 'completed' | 'failed' | 'interrupted';
  /** One line, where it did not simply complete. */
  readonly reason: string | undefined;
  /** AIBENCH_* code of that reason. */
  readonly code: string | undefined;
}

/** How the load was made. */
export interface LoadSettings {
  readonly model: 'closed-loop';
  readonly workers: number;
  readonly threads: number;
  /** Requests a second over all workers; 0 for no limit. */
  readonly limitRps: number;
  readonly burnIn: number;
  /** 0 for all rows. */
  readonly maxQueries: number;
  /** 0 for no limit. */
  readonly durationMs: number;
  readonly withReference: boolean;
  readonly verify: boolean;
  /** Rows in one request. */
  readonly batchSize: number;
  /** As the user recorded it; -1 for unknown. */
  readonly metadataAutobatching: number;
}

/** What became of the requests; sent = answered + failed + cut off. */
export interface RunCounts extends Tally {
  /** Requests that failed, all ways together. */
  readonly failed: number;
  /** Still out when the run gave up on them. */
  readonly cutOff: number;
  /** Answered requests that are in the statistics. */
  readonly measured: number;
  /** Answered requests of the burn-in, which are not. */
  readonly burnIn: number;
}

/** Requests a second. */
export interface RunRates {
  /** Measured answers over the time in which they were measured. */
  readonly measuredPerSecond: number;
  /** That time: from the send of the first measured request to the last answer. */
  readonly measuredDurationMs: number;
  /** All answers over the whole load. */
  readonly includingBurnInPerSecond: number;
  readonly includingBurnInDurationMs: number;
}

/** One reporting period. */
export interface WindowResult {
  /** Its end, in ms after the start of the load. */
  readonly endMs: number;
  /** Unix time of its end, ms. */
  readonly endedAtMs: number;
  readonly durationMs: number;
  /** Answers in it, burn-in included. */
  readonly answered: number;
  readonly answeredPerSecond: number;
  /** Requests that failed in it. */
  readonly failed: number;
  /** Service time of its measured requests. */
  readonly serviceTime: LatencySummary;
}

/** The server's own statistics at the end of one period. */
export interface ServerStatsResult {
  /** Unix time, ms. */
  readonly readAtMs: number;
  /** `host:port` -> name -> value. */
  readonly servers: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
}

/** What the client itself cost, from the start of the load to its end, all its threads together. */
export interface ClientCost {
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
  /** CPU time a request answered. */
  readonly cpuPerRequestUs: number;
  readonly peakRssBytes: number;
  /** Share of the time in which each load thread's event loop was busy, 0 to 1. */
  readonly eventLoopUtilization: readonly number[];
}
