import { loadFlags, type Runner, type RunResult, runBenchmark } from '@aibench/harness';
import { defaultValues, type FlagValues } from '@aibench/harness/cli';
import { runner as existsRunner } from './exists-runner.js';
import { runner as noServerRunner } from './no-server-runner.js';

const runners = {
  exists: { runner: existsRunner, module: './exists-runner.js' },
  'no-server': { runner: noServerRunner, module: './no-server-runner.js' },
} as const;

/**
 * Runs the engine with one of the benchmarks' own sessions.
 *
 * @param name `exists` sends what a RedisAI session does to a plain Redis, `no-server` asks nobody
 * @param host of the Redis; not used without a server
 * @param load flags that differ from their defaults
 */
export function runEngine(
  name: keyof typeof runners,
  host: string,
  load: Partial<FlagValues<typeof loadFlags>>,
): Promise<RunResult> {
  const { runner, module } = runners[name];
  return runBenchmark({
    runner: runner as Runner,
    runnerUrl: new URL(module, import.meta.url).href,
    runnerFlags: { host },
    load: { ...defaultValues(loadFlags), ...load },
    recordedFlags: {},
    suiteVersion: '0',
    stdin: process.stdin,
    signal: new AbortController().signal,
  });
}
