import { judgeClient } from '../client/client-verdict.js';
import { type ScenarioResult, scenarioMetric } from '../load-model/scenario.js';
import type { SteadyStateVerdict } from '../load-model/steady-state.js';
import { summarizeLatency } from '../result/latency-summary.js';
import type {
  ClientCost,
  Conservation,
  LoadSettings,
  Outcome,
  RecordedSchedule,
  RunCounts,
  RunRates,
  RunResult,
  ServerStatsResult,
  WindowResult,
} from '../result/run-result.js';
import type { Aggregator } from './aggregator.js';
import { balanceBooks } from './balance-books.js';
import type { BenchmarkOptions } from './benchmark-options.js';
import type { LoadPlan } from './load-plan.js';
import { judgeWindows } from './steady-windows.js';
import { failedCount, mergeTallies, type Tally } from './tally.js';
import type { ThreadEnd, ThreadStatus } from './thread-messages.js';

/** What is left of a run when its load is over: all that its part of the result is made from. */
export interface EndedRun {
  readonly load: BenchmarkOptions['load'];
  readonly plan: LoadPlan;
  /** Rows of the data file; undefined for stdin. */
  readonly datasetSamples: number | undefined;
  /** What ended it before its natural end; `completed` where nothing did. */
  readonly outcome: Outcome;
  /** Unix time of the start of the load. */
  readonly startedAtMs: number;
  /** From there until the last thread was done. */
  readonly durationUs: number;
  /** Of the whole process in that time. */
  readonly cpu: NodeJS.CpuUsage;
  /** All of its windows closed. */
  readonly aggregator: Aggregator;
  readonly windows: readonly WindowResult[];
  readonly serverStats: readonly ServerStatsResult[];
  /** The last look at the windows; undefined where there was none. */
  readonly steadyState: SteadyStateVerdict | undefined;
  /** By the threads' numbers: what each last told, undefined for one that told nothing. */
  readonly statuses: readonly (ThreadStatus | undefined)[];
  /** What each told at its end, undefined for one that died. */
  readonly ends: readonly (ThreadEnd | undefined)[];
}

/** What a run finds out; the rest of a result is known beforehand. */
export type Measured = Pick<
  RunResult,
  | 'outcome'
  | 'load'
  | 'startedAtMs'
  | 'endedAtMs'
  | 'counts'
  | 'rates'
  | 'serviceTime'
  | 'responseTime'
  | 'sendDelay'
  | 'queryTime'
  | 'stages'
  | 'windows'
  | 'serverStats'
  | 'client'
  | 'conservation'
  | 'steadyState'
  | 'scenario'
>;

/** Draws up what a run found out, and checks that its figures agree. */
export function measuredOf(run: EndedRun): Measured {
  const { aggregator, plan, startedAtMs, durationUs, windows, serverStats } = run;
  const { distributions } = aggregator;
  const tally = tallyOf(run.statuses);
  const counts = countsOf(run, tally);
  const conservation = conservationOf(run, counts);
  return {
    outcome: outcomeOf(run, tally, conservation),
    load: settingsOf(run),
    startedAtMs,
    endedAtMs: startedAtMs + durationUs / 1_000,
    counts,
    rates: ratesOf(aggregator.rates(), counts),
    ...distributions.latencies(),
    sendDelay: summarizeLatency(distributions.sendDelay),
    queryTime: plan.samplesPerQuery > 1 ? summarizeLatency(distributions.queryTime) : undefined,
    stages: distributions.stages(),
    windows,
    serverStats,
    client: clientCostOf(run, counts),
    conservation,
    steadyState: steadyStateOf(run),
    scenario: scenarioOf(run, counts),
  };
}

/** A request of a batch counts as many times as it has rows; where the last of the data had fewer, that is an average. */
function ratesOf(
  rates: Omit<RunRates, 'measuredRowsPerSecond'>,
  { answered, answeredRows }: RunCounts,
): RunRates {
  const rowsPerRequest = answered === 0 ? 0 : answeredRows / answered;
  return { ...rates, measuredRowsPerSecond: rates.measuredPerSecond * rowsPerRequest };
}

/** What became of the requests of all threads, as far as they have told. */
export function tallyOf(statuses: readonly (ThreadStatus | undefined)[]): Tally {
  return mergeTallies(statuses.flatMap((status) => (status === undefined ? [] : [status.tally])));
}

/** A run that ended before its first window was looked at is not steady either. */
function steadyStateOf({ plan, steadyState }: EndedRun): SteadyStateVerdict | undefined {
  const { untilStable } = plan;
  return steadyState ?? (untilStable === undefined ? undefined : judgeWindows([], untilStable));
}

function outcomeOf(run: EndedRun, tally: Tally, conservation: Conservation): Outcome {
  const outcome =
    run.outcome.kind === 'completed' ? naturalOutcome(run.aggregator.measured, tally) : run.outcome;
  if (outcome.kind !== 'completed' || conservation.holds) return outcome;
  return { kind: 'failed', reason: conservation.violations[0], code: 'AIBENCH_CONSERVATION' };
}

function settingsOf({ load, plan }: EndedRun): LoadSettings {
  return {
    model: plan.schedule === undefined ? 'closed-loop' : 'open-loop',
    schedule: recordSchedule(plan),
    workers: plan.workers,
    threads: plan.threads,
    limitRps: plan.limitRps,
    maxOutstanding: Number.isFinite(plan.maxOutstanding) ? plan.maxOutstanding : 0,
    burnIn: plan.burnIn,
    burnInDurationMs: plan.burnInUs / 1_000,
    seed: plan.seed,
    maxQueries: plan.maxQueries,
    durationMs: load.durationMs,
    withReference: load.enableReferenceDataRedis,
    verify: load.verify,
    batchSize: plan.batchSize,
    metadataAutobatching: load.metadataAutobatching,
  };
}

function countsOf(run: EndedRun, tally: Tally): RunCounts {
  const failed = failedCount(tally);
  const ends = toldEnds(run);
  const { measured } = run.aggregator;
  return {
    ...tally,
    failed,
    cutOff: tally.sent - tally.answered - failed,
    measured,
    burnIn: tally.answered - measured,
    dropped: ends.reduce((sum, { dropped }) => sum + dropped, 0),
    unsent: ends.reduce((sum, { unsent }) => sum + unsent, 0),
  };
}

function toldEnds({ ends }: EndedRun): readonly ThreadEnd[] {
  return ends.filter((end) => end !== undefined);
}

function conservationOf(
  { statuses, ends, aggregator, durationUs }: EndedRun,
  counts: RunCounts,
): Conservation {
  const { answered, serviceSumUs } = aggregator;
  const threads = ends.map((end, thread) => {
    const status = statuses[thread];
    return status === undefined || end === undefined
      ? undefined
      : { tally: status.tally, concurrency: end.concurrency };
  });
  return balanceBooks({ threads, counts, durationUs, samples: { count: answered, serviceSumUs } });
}

function clientCostOf(run: EndedRun, counts: RunCounts): ClientCost {
  const { cpu, plan } = run;
  const threads = toldEnds(run).map(({ client }) => client);
  const { serviceTime } = run.aggregator.distributions;
  const open = plan.schedule !== undefined && plan.schedule.kind !== 'burst';
  const due = counts.sent + counts.dropped + counts.unsent;
  const polledMs = threads.reduce((sum, thread) => sum + thread.polledMs, 0);
  return {
    cpuUserMs: cpu.user / 1_000,
    cpuSystemMs: cpu.system / 1_000,
    polledMs,
    cpuPerRequestUs: counts.answered === 0 ? 0 : (cpu.user + cpu.system - polledMs * 1_000) / counts.answered,
    peakRssBytes: process.resourceUsage().maxRSS * 1_024,
    threads,
    verdict: judgeClient({
      threads,
      serviceTime: serviceTime.count === 0 ? undefined : summarizeLatency(serviceTime),
      ...(open ? { sends: { due, late: counts.lateByClient, lost: counts.dropped + counts.unsent } } : {}),
    }),
    calibration: undefined,
  };
}

function scenarioOf(
  { plan, aggregator, datasetSamples }: EndedRun,
  counts: RunCounts,
): ScenarioResult | undefined {
  const { scenario, samplesPerQuery, latencyBoundUs } = plan;
  if (scenario === undefined) return undefined;
  const { distributions } = aggregator;
  const { lastDueUs, lastAnswerUs } = aggregator.span();
  return scenarioMetric(
    scenario,
    {
      queryLatency: samplesPerQuery > 1 ? distributions.queryTime : distributions.responseTime,
      samplesAnswered: counts.measured,
      samplesLost: counts.failed + counts.cutOff + counts.dropped + counts.unsent,
      samplesPerQuery,
      lastQueryUs: lastDueUs,
      lastAnswerUs,
    },
    { latencyBoundUs, datasetSamples },
  );
}

/** A trace is the user's own file, and long. */
function recordSchedule({ schedule }: LoadPlan): RecordedSchedule | undefined {
  if (schedule?.kind === 'trace') return { kind: 'trace', count: schedule.timesUs.length };
  return schedule?.kind === 'burst' ? { kind: 'burst' } : schedule;
}

/** What a run that came to its natural end amounts to. */
function naturalOutcome(measured: number, { mismatched, verified }: Tally): Outcome {
  if (mismatched > 0) {
    const reason = `${mismatched} of ${verified} answers are wrong`;
    return { kind: 'failed', reason, code: 'AIBENCH_MISMATCH' };
  }
  if (measured === 0) {
    const reason =
      'no answer was measured: the input ended, or every request failed, before the burn-in was over';
    return { kind: 'failed', reason, code: 'AIBENCH_INPUT' };
  }
  return { kind: 'completed', reason: undefined, code: undefined };
}
