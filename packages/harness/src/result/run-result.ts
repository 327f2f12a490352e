import type { ClientVerdict } from '../client/client-verdict.js';
import type { ClientObservation } from '../client/client-watch.js';
import type { LittlesLawResult } from '../client/conservation.js';
import type { Stage } from '../engine/stages.js';
import type { Tally } from '../engine/tally.js';
import type { ArrivalSchedule } from '../load-model/arrival-schedule.js';
import type { ScenarioResult } from '../load-model/scenario.js';
import type { SteadyStateVerdict } from '../load-model/steady-state.js';
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
  /** What its rows are, where a request may have several: `images`; undefined where each has one. */
  readonly rowNoun: string | undefined;
  /** How its rows were made, where the use case has choices; undefined where it has none. */
  readonly dataSettings: Readonly<Record<string, string | number>> | undefined;
  readonly load: LoadSettings;
  /** Every flag of the run by its name, with what it was set to; passwords left out. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Unix time, milliseconds. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly counts: RunCounts;
  readonly rates: RunRates;
  /** From the send of a request to its answer in memory; measured requests only, as all that follows. */
  readonly serviceTime: LatencySummary;
  /** From the due time of a request to its answer; in a closed loop the same as service time. */
  readonly responseTime: LatencySummary;
  /** From the due time of a request to its send: what the client, or the lack of a free worker, added. */
  readonly sendDelay: LatencySummary;
  /** Queries of several samples, from the send to the last answer; undefined where requests are on their own. */
  readonly queryTime: LatencySummary | undefined;
  /** The parts of service time, those that occurred. */
  readonly stages: Readonly<Partial<Record<Stage, LatencySummary>>>;
  readonly windows: readonly WindowResult[];
  readonly serverStats: readonly ServerStatsResult[];
  readonly client: ClientCost;
  /** Whether no request was lost or made up, and whether times and counts agree. */
  readonly conservation: Conservation;
  /**
   * Whether the load was steady at the end; undefined where that was not asked. Its `firstWindow` is a place in
   * `windows`; where it was steady, `--stable-windows` of them from there on are what was measured.
   */
  readonly steadyState: SteadyStateVerdict | undefined;
  /** MLPerf's figure; undefined where the load was no scenario of MLPerf's. */
  readonly scenario: ScenarioResult | undefined;
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
  readonly model: 'closed-loop' | 'open-loop';
  /** Open loop: when requests fall due; a trace by its length alone. */
  readonly schedule: RecordedSchedule | undefined;
  readonly workers: number;
  readonly threads: number;
  /** Closed loop: requests a second over all workers; 0 for no limit. */
  readonly limitRps: number;
  /** Open loop: 0 for no bound. */
  readonly maxOutstanding: number;
  readonly burnIn: number;
  readonly burnInDurationMs: number;
  /** Of whatever was drawn at random. */
  readonly seed: number;
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

/** A schedule as results keep it. */
export type RecordedSchedule =
  | Exclude<ArrivalSchedule, { readonly kind: 'trace' } | { readonly kind: 'burst' }>
  | { readonly kind: 'burst' }
  | { readonly kind: 'trace'; readonly count: number };

/** What became of the requests; sent = answered + failed + cut off. */
export interface RunCounts extends Tally {
  /** Requests that failed, all ways together. */
  readonly failed: number;
  /** Still out when the run gave up on them. */
  readonly cutOff: number;
  /** Answered requests that are in the statistics. */
  readonly measured: number;
  /** Answered requests that are not: those of the burn-in, and those before the windows that were kept. */
  readonly burnIn: number;
  /** Open loop: requests dropped because `--max-outstanding` were out or waiting. */
  readonly dropped: number;
  /** Open loop: requests that had come due at the end and that no worker was free to send. */
  readonly unsent: number;
}

/** Requests a second. */
export interface RunRates {
  /** Measured answers over the time in which they were measured. */
  readonly measuredPerSecond: number;
  /** The same in rows, of which a batch has several. */
  readonly measuredRowsPerSecond: number;
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
  /** Of its measured requests. */
  readonly serviceTime: LatencySummary;
  readonly responseTime: LatencySummary;
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
  /** CPU time of the load threads spent polling for the next due time with nothing else to do. */
  readonly polledMs: number;
  /** CPU time a request answered, polling left out. */
  readonly cpuPerRequestUs: number;
  readonly peakRssBytes: number;
  /** What each load thread saw of itself; a thread that died tells nothing. */
  readonly threads: readonly ClientObservation[];
  /** Whether the client was the limit, and why. */
  readonly verdict: ClientVerdict;
  /** The same load against a null server on this machine, where `--calibrate` measured it. */
  readonly calibration: CalibrationResult | undefined;
}

/** What the client needs by itself: the run's load against a server that answers at once. */
export interface CalibrationResult {
  readonly serviceTime: LatencySummary;
  readonly cpuPerRequestUs: number;
  readonly answeredPerSecond: number;
}

/** The books of a run. */
export interface Conservation {
  /** Whether all that could be checked is right. */
  readonly holds: boolean;
  /** A line each; empty where it holds. */
  readonly violations: readonly string[];
  /** What could not be checked, and why, a line each: the books of load threads that died, or had to be ended. Left out where all was. */
  readonly unchecked?: readonly string[];
  /** Undefined where it could not be checked: it is about every request of the run, and no other. */
  readonly littlesLaw: LittlesLawResult | undefined;
}
