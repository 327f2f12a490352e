import { availableParallelism } from 'node:os';
import { AibenchError, formatDurationMs } from '@aibench/core';
import type { FlagValues } from '../cli/flags.js';
import { type ArrivalSchedule, type ArrivalSpacing, arrivalPacer } from '../load-model/arrival-schedule.js';
import { readArrivalTrace } from '../load-model/arrival-trace.js';
import { parseRateStages } from '../load-model/rate-stages.js';
import { type ScenarioName, scenarios } from '../load-model/scenario.js';
import type { loadFlags } from './load-flags.js';
import type { StableRule } from './steady-windows.js';

/** How the load is made, as the flags ask for it, checked and with defaults resolved. Plain data. */
export interface LoadPlan {
  readonly scenario: ScenarioName | undefined;
  /** When requests are due, in the open loop; undefined in the closed one. */
  readonly schedule: ArrivalSchedule | undefined;
  readonly workers: number;
  readonly threads: number;
  /** Rows of one request. */
  readonly batchSize: number;
  /** Whether the rows that are left at the end of the data are a request of their own. */
  readonly sendPartial: boolean;
  /** Requests sent together; 1 for requests on their own. */
  readonly samplesPerQuery: number;
  /** Closed loop: most requests a second; 0 for no limit. */
  readonly limitRps: number;
  /** Open loop: most requests out or waiting for a worker; Infinity for no bound. */
  readonly maxOutstanding: number;
  /** Infinity for none. */
  readonly durationUs: number;
  /** 0 for as many as there are rows. */
  readonly maxQueries: number;
  /** Whether time or a schedule ends the run, so that input that ends sooner starts over. */
  readonly timed: boolean;
  readonly burnIn: number;
  readonly burnInUs: number;
  /** Of the Poisson arrivals; drawn from the clock where the user gave none. */
  readonly seed: number;
  readonly untilStable: StableRule | undefined;
  /** What the scenario's latency is held to; undefined where it is not. */
  readonly latencyBoundUs: number | undefined;
}

type LoadValues = FlagValues<typeof loadFlags>;

/**
 * Works out how the load is to be made.
 *
 * @throws AIBENCH_USAGE for flags that contradict one another, AIBENCH_INPUT for an unreadable arrival trace
 */
export async function planLoad(load: LoadValues): Promise<LoadPlan> {
  checkCombination(load);
  const seed = load.seed === 0 ? Date.now() : load.seed;
  const scenario = load.scenario === 'none' ? undefined : scenarios[load.scenario];
  const schedule = await scheduleOf(load, seed);
  if (schedule !== undefined) checkSchedule(load, schedule);
  const maxOutstanding = load.maxOutstanding > 0 ? load.maxOutstanding : Number.POSITIVE_INFINITY;
  const samplesPerQuery = load.scenario === 'multi-stream' ? load.samplesPerQuery : 1;
  const workers = workersOf(load, samplesPerQuery, maxOutstanding);
  const scheduleEnds = schedule !== undefined && schedule.kind !== 'rate' && schedule.kind !== 'burst';
  return {
    scenario: scenario?.name,
    schedule,
    workers,
    threads: threadsOf(load, workers, samplesPerQuery),
    batchSize: load.batchSize,
    sendPartial: load.partialBatch === 'send',
    samplesPerQuery,
    limitRps: load.limitRps,
    maxOutstanding,
    durationUs: load.durationMs > 0 ? load.durationMs * 1_000 : Number.POSITIVE_INFINITY,
    maxQueries: load.maxQueries,
    timed: load.durationMs > 0 || scheduleEnds || load.untilStable,
    burnIn: load.burnIn,
    burnInUs: load.burnInDurationMs * 1_000,
    seed,
    untilStable: load.untilStable ? stableRule(load) : undefined,
    latencyBoundUs: load.latencyBoundMs > 0 ? load.latencyBoundMs * 1_000 : scenario?.latencyBoundUs,
  };
}

function checkCombination(load: LoadValues): void {
  const { rate, stages, arrivalTrace, scenario, limitRps, durationMs, burnInDurationMs, maxQueries, burnIn } =
    load;
  if (load.latencyBoundMs > 0 && scenario !== 'server') {
    throw usage('--latency-bound is the bound of --scenario server', 'leave out --latency-bound');
  }
  const schedules = [
    rate !== undefined && stages === '' && '--rate',
    stages !== '' && '--stages',
    arrivalTrace !== '' && '--arrival-trace',
  ];
  const given = schedules.filter((name) => name !== false);
  if (given.length > 1) throw usage(`${given.join(' and ')} are two schedules`, 'keep one of them');
  if (given.length > 0 && limitRps > 0) {
    throw usage(
      `--limit-rps slows a closed loop, and ${given[0]} makes an open one`,
      'leave out --limit-rps',
    );
  }
  if (scenario === 'server' && given[0] !== '--rate') {
    throw usage(
      '--scenario server needs the rate of its Poisson arrivals',
      given[0] === undefined ? 'pass --rate' : `pass --rate in place of ${given[0]}`,
    );
  }
  if (load.arrivals === 'poisson' && (given.length === 0 || arrivalTrace !== '')) {
    throw usage('--arrivals poisson lies along a rate', 'pass --rate or --stages, or leave out --arrivals');
  }
  if (scenario !== 'none' && scenario !== 'server' && (given.length > 0 || limitRps > 0)) {
    throw usage(
      `--scenario ${scenario} sends as answers come in, not at a rate`,
      `leave out ${given[0] ?? '--limit-rps'}`,
    );
  }
  if (load.maxOutstanding > 0 && given.length === 0) {
    throw usage('--max-outstanding bounds an open loop', 'pass --rate, --stages or --arrival-trace');
  }
  if (durationMs > 0 && burnInDurationMs >= durationMs) {
    const text = `--burn-in-duration ${formatDurationMs(burnInDurationMs)} leaves none of --duration ${formatDurationMs(durationMs)}`;
    throw usage(`${text} to measure`, 'lower --burn-in-duration or raise --duration');
  }
  if (maxQueries > 0 && burnIn >= maxQueries) {
    throw usage(
      `--burn-in ${burnIn} leaves none of --max-queries ${maxQueries} to measure`,
      'lower --burn-in or raise --max-queries',
    );
  }
}

/** A schedule of which nothing would be measured is found out before anything is opened. */
function checkSchedule(load: LoadValues, schedule: ArrivalSchedule): void {
  const endUs = load.durationMs > 0 ? load.durationMs * 1_000 : Number.POSITIVE_INFINITY;
  const pacer = arrivalPacer(schedule, endUs);
  if (pacer.dueUs(0) === Number.POSITIVE_INFINITY) {
    throw usage('the schedule has no request before --duration is over', 'raise --duration or --rate');
  }
  if (pacer.dueUs(load.burnIn) === Number.POSITIVE_INFINITY) {
    throw usage(
      `--burn-in ${load.burnIn} leaves none of the schedule's requests to measure`,
      'lower --burn-in or make the schedule longer',
    );
  }
  if (load.burnInDurationMs * 1_000 >= scheduleEndUs(schedule)) {
    throw usage(
      `--burn-in-duration ${formatDurationMs(load.burnInDurationMs)} leaves none of the schedule to measure`,
      'lower --burn-in-duration or make the schedule longer',
    );
  }
}

/** From when on nothing is due; Infinity where a schedule has no end of its own. */
function scheduleEndUs(schedule: ArrivalSchedule): number {
  switch (schedule.kind) {
    case 'stages':
      return schedule.stages.reduce((sum, { durationUs }) => sum + durationUs, 0);
    case 'trace':
      // The last one may be due in the very moment in which the burn-in ends.
      return (schedule.timesUs.at(-1) ?? 0) + 1;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

async function scheduleOf(load: LoadValues, seed: number): Promise<ArrivalSchedule | undefined> {
  const { rate, stages, arrivalTrace, scenario } = load;
  const poisson = load.arrivals === 'poisson' || scenario === 'server';
  const spacing: ArrivalSpacing = poisson ? { kind: 'poisson', seed } : { kind: 'constant' };
  if (stages !== '') {
    const startPerSecond = rate ?? 0;
    return { kind: 'stages', startPerSecond, stages: parseRateStages(stages, startPerSecond), spacing };
  }
  if (arrivalTrace !== '') return { kind: 'trace', timesUs: await readArrivalTrace(arrivalTrace) };
  // How many that are is known only with the rows; whatever is beyond them is never due.
  if (scenario === 'offline') return { kind: 'burst', count: Number.MAX_SAFE_INTEGER };
  return rate === undefined ? undefined : { kind: 'rate', ratePerSecond: rate, spacing };
}

function workersOf(load: LoadValues, samplesPerQuery: number, maxOutstanding: number): number {
  if (load.scenario === 'single-stream') return 1;
  if (load.scenario === 'multi-stream') return samplesPerQuery;
  return Math.min(load.workers, maxOutstanding);
}

/** Sixteen workers keep a thread busy; half of the cores are left to the server and the rest of the system. */
function threadsOf(load: LoadValues, workers: number, samplesPerQuery: number): number {
  if (samplesPerQuery > 1) return 1;
  if (load.threads > workers && load.scenario !== 'single-stream') {
    const cut = workers < load.workers ? ` that --max-outstanding ${load.maxOutstanding} leaves` : '';
    throw usage(
      `--threads ${load.threads} is above the ${workers} workers${cut}`,
      'every thread needs at least one worker',
    );
  }
  const automatic = Math.min(Math.max(1, Math.floor(availableParallelism() / 2)), Math.ceil(workers / 16));
  return Math.min(load.threads > 0 ? load.threads : automatic, workers);
}

function stableRule(load: LoadValues): StableRule {
  const leastMs = load.stableWindows * load.reportingPeriodMs + load.burnInDurationMs;
  const limits = [
    ['--stable-timeout', load.stableTimeoutMs],
    ['--duration', load.durationMs > 0 ? load.durationMs : Number.POSITIVE_INFINITY],
  ] as const;
  for (const [name, limitMs] of limits) {
    if (limitMs >= leastMs) continue;
    throw usage(
      `${name} ${formatDurationMs(limitMs)} ends before ${load.stableWindows} windows can be alike`,
      `raise ${name}, or lower --stable-windows or --reporting-period`,
    );
  }
  return {
    windows: load.stableWindows,
    rateTolerance: load.stableTolerance,
    quantileTolerance: load.stableTolerance,
    mostTimeUs: load.stableTimeoutMs * 1_000,
    quantile: load.stableQuantile,
  };
}

function usage(message: string, hint: string): AibenchError {
  return new AibenchError('AIBENCH_USAGE', message, { hint });
}
