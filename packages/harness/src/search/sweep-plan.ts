import { AibenchError } from '@aibench/core';
import { type FlagSet, type FlagValues, parseFlag, valueKey } from '../cli/flags.js';
import { loadFlags } from '../engine/load-flags.js';
import { planLoad } from '../engine/load-plan.js';
import { checkSeveralRuns } from './search-plan.js';
import { parseSweep, type SweepVariable } from './sweep.js';

type LoadValues = FlagValues<typeof loadFlags>;
type FlagMap = Readonly<Record<string, unknown>>;

/** One run of a sweep, before it is made. */
export interface SweepRun {
  readonly value: number;
  readonly load: LoadValues;
  readonly runnerFlags: FlagMap;
}

/** A sweep as the flags ask for it, checked. */
export interface SweepPlan {
  /** The flag that is varied, without dashes. */
  readonly variable: string;
  readonly runs: readonly SweepRun[];
}

/** What a command line says. */
export interface GivenFlags {
  readonly load: LoadValues;
  readonly runnerFlags: FlagMap;
  /** Names of the flags that the user gave. */
  readonly given: ReadonlySet<string>;
}

/** The flags of every runner that can be varied. */
const loadVariables = ['workers', 'threads', 'rate', 'limit-rps', 'max-outstanding'] as const;

/**
 * Reads `--sweep`, and checks the load of each of its runs, so that the tenth
 * does not turn out impossible after nine.
 *
 * @param runnerSet the runner's own flags; those that are numbers can be varied too
 * @returns undefined where no sweep was asked for
 * @throws AIBENCH_USAGE
 */
export async function planSweep(flags: GivenFlags, runnerSet: FlagSet): Promise<SweepPlan | undefined> {
  const { load, given } = flags;
  if (!given.has('sweep')) return undefined;
  if (given.has('find-max-rate')) {
    throw usage('--sweep and --find-max-rate are two ways to choose loads', 'keep one of them');
  }
  const all: FlagSet = { ...runnerSet, ...loadFlags };
  const { name, values } = parseSweep(load.sweep, variablesOf(runnerSet));
  if (given.has(name))
    throw usage(`--${name} is given, and swept by --sweep ${load.sweep}`, `leave out --${name}`);
  checkSeveralRuns('--sweep', load, given);
  const key = valueKey(name, all[name]!);
  const runs = values.map((value): SweepRun => {
    const change = { [key]: parseFlag(name, all[name]!, String(value)) };
    if (Object.hasOwn(loadFlags, name)) {
      return { value, load: { ...load, ...change } as LoadValues, runnerFlags: flags.runnerFlags };
    }
    return { value, load, runnerFlags: { ...flags.runnerFlags, ...change } };
  });
  for (const run of runs) await planLoad(run.load);
  return { variable: name, runs };
}

function variablesOf(runnerSet: FlagSet): Record<string, SweepVariable> {
  const own = Object.entries(runnerSet).filter(([, { kind }]) => kind === 'integer' || kind === 'number');
  const all: [string, { readonly kind: string }][] = [
    ...loadVariables.map((name): [string, { readonly kind: string }] => [name, loadFlags[name]]),
    ...own,
  ];
  return Object.fromEntries(
    all.map(([name, { kind }]) => [name, { kind: kind === 'integer' ? 'integer' : 'number' }]),
  );
}

function usage(message: string, hint: string): AibenchError {
  return new AibenchError('AIBENCH_USAGE', message, { hint });
}
