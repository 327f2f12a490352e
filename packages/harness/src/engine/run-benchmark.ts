import { AibenchError, errorLine, formatDurationMs } from '@aibench/core';
import type { FlagSet, FlagValues } from '../cli/flags.js';
import { describePlatform } from '../result/platform.js';
import { type RunResult, resultFormatVersion } from '../result/run-result.js';
import type { RunnerContext, ServerDescription, ServerStatsReader } from '../runner.js';
import type { BenchmarkOptions } from './benchmark-options.js';
import { planLoad } from './load-plan.js';
import { openRowInput } from './row-input.js';
import { Run } from './run.js';
import { chooseRunData, openRunData } from './run-data.js';
import { setUpLimitMs, unlessAborted, within } from './time-limit.js';

/**
 * Runs a benchmark. Fails by throwing only while nothing has been sent; from
 * then on there is a result, whose outcome says how it ended.
 *
 * @throws AIBENCH_USAGE, AIBENCH_INPUT, AIBENCH_CONNECTION, AIBENCH_SERVER, AIBENCH_TIMEOUT,
 *   AIBENCH_INTERRUPTED before the load has begun
 */
export async function runBenchmark(options: BenchmarkOptions): Promise<RunResult> {
  const { runner, load, signal } = options;
  const plan = await planLoad(load);
  const data = await chooseRunData(load);
  const { useCase, task, close } = await openRunData(data);
  // The threads open the stored answers for themselves.
  close();
  const context: RunnerContext = {
    flags: options.runnerFlags as FlagValues<FlagSet>,
    task,
    requestTimeoutMs: load.requestTimeoutMs,
    signal,
  };
  runner.validate?.(context.flags);
  const rows = await openRowInput({
    path: load.file,
    requests: { ...plan, rowSizeBytes: useCase.row.sizeBytes },
    maxQueries: plan.maxQueries,
    timed: plan.timed,
    allowTruncated: load.allowTruncated,
    stdin: options.stdin,
  });
  if (load.burnIn >= rows.limit) {
    throw new AibenchError(
      'AIBENCH_USAGE',
      `a burn-in of ${load.burnIn} leaves none of ${rows.limit} requests to measure`,
      {
        hint: 'lower --burn-in or raise --max-queries',
      },
    );
  }
  const [platform, server] = await Promise.all([describePlatform(), describeServer(options, context)]);
  options.onServer?.(server);
  const stats = await unlessAborted(openStats(options, context), signal);
  const measured = await new Run(options, plan, data, rows, server, stats).execute();
  return {
    formatVersion: resultFormatVersion,
    suiteVersion: options.suiteVersion,
    description: load.description,
    runner: runner.name,
    server,
    useCase: useCase.name,
    rowNoun: task.hasBatches ? useCase.rowNoun : undefined,
    dataSettings: data.settings,
    flags: options.recordedFlags,
    platform,
    ...measured,
  };
}

/** A server that accepts and says nothing must not hold up the run. */
function describeServer(
  { runner, load, signal }: BenchmarkOptions,
  context: RunnerContext,
): Promise<ServerDescription> {
  const limitMs = setUpLimitMs(load.requestTimeoutMs) + (runner.readyLimitMs?.(context.flags) ?? 0);
  const description = within(
    runner.describeServer(context),
    limitMs,
    () =>
      new AibenchError(
        'AIBENCH_TIMEOUT',
        `the server did not say who it is within ${formatDurationMs(limitMs)}`,
        { hint: 'see --request-timeout' },
      ),
  );
  return unlessAborted(description, signal);
}

async function openStats(
  { runner, load, onWarning }: BenchmarkOptions,
  context: RunnerContext,
): Promise<ServerStatsReader | undefined> {
  try {
    if (runner.openServerStats === undefined) return undefined;
    return await within(
      runner.openServerStats(context),
      setUpLimitMs(load.requestTimeoutMs),
      () => new AibenchError('AIBENCH_TIMEOUT', 'no answer in time'),
    );
  } catch (error) {
    onWarning?.(`the server's statistics are left out: ${errorLine(error)}`);
    return undefined;
  }
}
