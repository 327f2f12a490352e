import { AibenchError } from '@aibench/core';
import type { FlagValues } from '../cli/flags.js';
import type { loadFlags } from '../engine/load-flags.js';
import { type Condition, parseConditions, samplesNeeded } from './condition.js';

type LoadValues = FlagValues<typeof loadFlags>;

/** A search as the flags ask for it, checked. */
export interface SearchPlan {
  /** What a rate must hold: what the user asks for and, unless that limits errors, that none occur. */
  readonly conditions: readonly Condition[];
  readonly minPerSecond: number;
  readonly maxPerSecond: number;
  /** The first rate tried: one that gives enough answers to tell the highest quantile. */
  readonly startPerSecond: number;
  readonly resolution: number;
  readonly repeats: number;
  readonly maxMeasurements: number;
  /** Length of one measurement, burn-in included. */
  readonly durationMs: number;
  readonly burnInMs: number;
}

/** Share of a measurement that is burn-in where the user says nothing else. */
const burnInShare = 0.1;

/** Windows of a measurement: as many as let its burn-in end with one of them. */
const windowsEach = 20;

/** Flags that only a search reads. */
const searchFlags = [
  'min-rate',
  'max-rate',
  'search-resolution',
  'search-duration',
  'search-repeats',
  'search-measurements',
] as const;

/** Flags that say what a search finds out, or when its measurements end. */
const contrary = ['rate', 'stages', 'arrival-trace', 'limit-rps', 'max-queries', 'until-stable'] as const;

/** Flags for what only a single run writes. */
const singleRunFlags = ['output-file-stats-hdr-response-latency-hist', 'cpuprofile', 'memprofile'] as const;

/**
 * Reads the flags of a search.
 *
 * @param given names of the flags that the user gave
 * @returns undefined where none was asked for
 * @throws AIBENCH_USAGE for a condition that does not parse, and for flags that don't go together
 */
export function planSearch(load: LoadValues, given: ReadonlySet<string>): SearchPlan | undefined {
  if (!given.has('find-max-rate')) {
    const lone = searchFlags.find((name) => given.has(name));
    if (lone !== undefined) {
      throw usage(`--${lone} is for a search`, "pass --find-max-rate 'p99<10ms' too, or leave it out");
    }
    return undefined;
  }
  const asked = parseConditions(load.findMaxRate);
  const limitsErrors = asked.some((condition) => condition.kind === 'share' && condition.of === 'errors');
  const conditions = limitsErrors ? asked : [...asked, ...parseConditions('errors<=0%')];
  const clash = contrary.find((name) => given.has(name));
  if (clash !== undefined) {
    const why = clash.startsWith('max') || clash.startsWith('until') ? 'ends a run' : 'sets a rate';
    throw usage(`--${clash} ${why}, which --find-max-rate does by itself`, `leave out --${clash}`);
  }
  if (load.scenario !== 'none' && load.scenario !== 'server') {
    throw usage(`--scenario ${load.scenario} has no rate to be found`, 'only --scenario server has one');
  }
  if (given.has('duration') && given.has('search-duration')) {
    throw usage('--duration and --search-duration say the same in a search', 'keep one of them');
  }
  if (load.searchRepeats % 2 === 0) {
    throw usage(`--search-repeats ${load.searchRepeats} has no majority`, 'take an odd number, such as 3');
  }
  if (!(load.minRate > 0)) throw usage(`--min-rate ${load.minRate} is not above 0`, 'the default is 1');
  if (load.minRate > load.maxRate) {
    throw usage(
      `--min-rate ${load.minRate} is above --max-rate ${load.maxRate}`,
      'lower the one or raise the other',
    );
  }
  checkSeveralRuns('--find-max-rate', load, given);
  return withTimes(load, given, conditions);
}

/**
 * Checks what a search and a sweep have in common: several runs on the same input.
 *
 * @param what the flag that asks for them
 * @throws AIBENCH_USAGE
 */
export function checkSeveralRuns(what: string, load: LoadValues, given: ReadonlySet<string>): void {
  if (load.file === '') {
    throw usage(`${what} needs the rows again for every run, and stdin gives them once`, 'pass --file');
  }
  const single = singleRunFlags.find((name) => given.has(name));
  if (single !== undefined) {
    throw usage(`--${single} is for a single run, ${what} makes several`, `leave out --${single}`);
  }
}

function withTimes(
  load: LoadValues,
  given: ReadonlySet<string>,
  conditions: readonly Condition[],
): SearchPlan {
  const durationMs = given.has('duration') ? load.durationMs : load.searchDurationMs;
  if (!(durationMs > 0)) throw usage('--duration 0s leaves nothing to measure', 'see --search-duration');
  const burnInMs = given.has('burn-in-duration') ? load.burnInDurationMs : durationMs * burnInShare;
  if (burnInMs >= durationMs) {
    throw usage('--burn-in-duration leaves none of a measurement', 'lower it or raise --search-duration');
  }
  const enough = (samplesNeeded(conditions) * 1_000) / (durationMs - burnInMs);
  const { minRate, maxRate } = load;
  return {
    conditions,
    minPerSecond: minRate,
    maxPerSecond: maxRate,
    startPerSecond: Math.min(Math.max(100, minRate, Math.ceil(enough)), maxRate),
    resolution: load.searchResolution,
    repeats: load.searchRepeats,
    maxMeasurements: load.searchMeasurements,
    durationMs,
    burnInMs,
  };
}

/**
 * The load of one measurement. Requests that fail are counted, for the
 * conditions to judge, and don't end it.
 */
export function measurementLoad(load: LoadValues, plan: SearchPlan, ratePerSecond: number): LoadValues {
  const { durationMs, burnInMs } = plan;
  return {
    ...load,
    ...{ rate: ratePerSecond, durationMs, burnInDurationMs: burnInMs, ignoreErrors: true },
    reportingPeriodMs: durationMs / windowsEach,
  };
}

function usage(message: string, hint: string): AibenchError {
  return new AibenchError('AIBENCH_USAGE', message, { hint });
}
