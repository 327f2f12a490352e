import type { Readable } from 'node:stream';
import { AibenchError, errorLine } from '@aibench/core';
import { loadUseCase, type UseCase } from '@aibench/usecases';
import type { FlagSet, FlagValues } from '../cli/flags.js';
import { summarizeLatency } from '../result/latency-summary.js';
import { describePlatform } from '../result/platform.js';
import {
  type Outcome,
  type RunResult,
  resultFormatVersion,
  type ServerStatsResult,
  type WindowResult,
} from '../result/run-result.js';
import type { Runner, RunnerContext, ServerDescription, ServerStatsReader } from '../runner.js';
import { Aggregator } from './aggregator.js';
import { SystemClock } from './clock.js';
import type { loadFlags } from './load-flags.js';
import { LoadThreads, type SharedThreadOptions } from './load-threads.js';
import { openRowInput, type RowInput } from './row-input.js';
import { failedCount, mergeTallies, type Tally } from './tally.js';
import type { PrintedAnswer } from './thread-messages.js';

/** One run, as the command line or a plan asks for it. */
export interface BenchmarkOptions {
  readonly runner: Runner;
  /** URL of the module that exports it; load threads import it. */
  readonly runnerUrl: string;
  /** The runner's own flags. */
  readonly runnerFlags: Readonly<Record<string, unknown>>;
  readonly load: FlagValues<typeof loadFlags>;
  /** Every flag by its name, for the record. */
  readonly recordedFlags: Readonly<Record<string, unknown>>;
  readonly suiteVersion: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Aborted to end the run early; what was measured so far is the result. */
  readonly signal: AbortSignal;
  /** Who answers, told before the load starts. */
  onServer?(server: ServerDescription): void;
  /** Each reporting period, as it ends. */
  onWindow?(window: WindowResult, totalAnswered: number): void;
  onAnswers?(answers: readonly PrintedAnswer[]): void;
  /** Something that the user should know and that does not end the run. */
  onWarning?(line: string): void;
}

/** Time for threads to get the word before the first request is due. */
const leadTimeUs = 20_000;

/** How long a run that was told to end waits for answers that are still out. */
const drainLimitMs = 5_000;

/**
 * Runs a benchmark. Fails by throwing only while nothing has been sent; from
 * then on there is a result, whose outcome says how it ended.
 *
 * @throws AIBENCH_USAGE, AIBENCH_INPUT, AIBENCH_CONNECTION, AIBENCH_SERVER before the load has begun
 */
export async function runBenchmark(options: BenchmarkOptions): Promise<RunResult> {
  const { runner, load, signal } = options;
  checkLimits(load);
  const useCase = await loadUseCase(load.useCase);
  const task = useCase.task({ withReference: load.enableReferenceDataRedis });
  const context: RunnerContext = { flags: options.runnerFlags as FlagValues<FlagSet>, task, signal };
  runner.validate?.(context.flags);
  const rows = await openRowInput({
    path: load.file,
    useCase,
    maxQueries: load.maxQueries,
    timed: load.durationMs > 0,
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
  const [platform, server] = await Promise.all([describePlatform(), runner.describeServer(context)]);
  options.onServer?.(server);
  const run = new Run(options, useCase, rows, server, await openStats(options, context));
  const measured = await run.execute();
  return {
    formatVersion: resultFormatVersion,
    suiteVersion: options.suiteVersion,
    description: load.description,
    runner: runner.name,
    server,
    useCase: useCase.name,
    flags: options.recordedFlags,
    platform,
    ...measured,
  };
}

function checkLimits(load: FlagValues<typeof loadFlags>): void {
  if (load.maxQueries > 0 && load.burnIn >= load.maxQueries) {
    throw new AibenchError(
      'AIBENCH_USAGE',
      `--burn-in ${load.burnIn} leaves none of --max-queries ${load.maxQueries} to measure`,
      { hint: 'lower --burn-in or raise --max-queries' },
    );
  }
  if (load.threads > load.workers) {
    throw new AibenchError('AIBENCH_USAGE', `--threads ${load.threads} is above --workers ${load.workers}`, {
      hint: 'every thread needs at least one worker',
    });
  }
}

async function openStats(
  { runner, onWarning }: BenchmarkOptions,
  context: RunnerContext,
): Promise<ServerStatsReader | undefined> {
  try {
    return await runner.openServerStats?.(context);
  } catch (error) {
    onWarning?.(`the server's statistics are left out: ${errorLine(error)}`);
    return undefined;
  }
}

/** What {@link Run} finds out; the rest of a result is known beforehand. */
type Measured = Pick<
  RunResult,
  | 'outcome'
  | 'load'
  | 'startedAtMs'
  | 'endedAtMs'
  | 'counts'
  | 'rates'
  | 'serviceTime'
  | 'stages'
  | 'windows'
  | 'serverStats'
  | 'client'
>;

/** A run under way: starts the threads, cuts windows, ends it all. */
class Run {
  readonly #options: BenchmarkOptions;
  readonly #threads: LoadThreads;
  readonly #threadCount: number;
  readonly #stats: ServerStatsReader | undefined;
  readonly #aggregator: Aggregator;
  readonly #clock = new SystemClock();
  readonly #windows: WindowResult[] = [];
  readonly #serverStats: ServerStatsResult[] = [];
  #outcome: Outcome = { kind: 'completed', reason: undefined, code: undefined };
  #failedInWindows = 0;
  #statsWarned = false;
  #drainTimer: NodeJS.Timeout | undefined;

  constructor(
    options: BenchmarkOptions,
    useCase: UseCase,
    { input, limit, stream }: RowInput,
    server: ServerDescription,
    stats: ServerStatsReader | undefined,
  ) {
    const { load } = options;
    this.#options = options;
    this.#stats = stats;
    this.#threadCount = load.threads;
    this.#aggregator = new Aggregator(load.reportingPeriodMs * 1_000);
    const shared: SharedThreadOptions = {
      runnerUrl: options.runnerUrl,
      runnerFlags: options.runnerFlags,
      server,
      useCase: useCase.name,
      withReference: load.enableReferenceDataRedis,
      threads: this.#threadCount,
      workers: load.workers,
      input,
      limit,
      limitRps: load.limitRps,
      burnIn: load.burnIn,
      durationUs: load.durationMs > 0 ? load.durationMs * 1_000 : Number.POSITIVE_INFINITY,
      timeoutUs: load.requestTimeoutMs * 1_000,
      ignoreErrors: load.ignoreErrors,
      verify: load.verify,
      printResponses: load.printResponses,
      cpuProfile: load.cpuprofile,
      heapProfile: load.memprofile,
    };
    this.#threads = new LoadThreads(shared, stream, {
      onSamples: (samples) => this.#aggregator.add(samples),
      onAnswers: (answers) => options.onAnswers?.(answers),
      onFatal: (error) => this.#end({ kind: 'failed', reason: errorLine(error), code: error.code }),
    });
  }

  async execute(): Promise<Measured> {
    const { signal } = this.#options;
    try {
      await this.#threads.ready();
      signal.throwIfAborted();
      const onAbort = () =>
        this.#end({ kind: 'interrupted', reason: 'interrupted', code: 'AIBENCH_INTERRUPTED' });
      signal.addEventListener('abort', onAbort, { once: true });
      const startUs = this.#clock.nowUs() + leadTimeUs;
      const startedAtMs = Date.now() + leadTimeUs / 1_000;
      const cpuAtStart = process.cpuUsage();
      this.#threads.start(startUs);
      const ticking = this.#tick(startUs);
      await this.#threads.done();
      const endUs = this.#clock.nowUs() - startUs;
      const cpu = process.cpuUsage(cpuAtStart);
      this.#clock.wakeAll();
      await ticking;
      signal.removeEventListener('abort', onAbort);
      this.#closeWindow(endUs);
      return this.#measured(startedAtMs, cpu);
    } finally {
      clearTimeout(this.#drainTimer);
      await this.#threads.terminate();
      await this.#stats?.close().catch(() => undefined);
    }
  }

  /** Ends each reporting period until the threads are done. */
  async #tick(startUs: number): Promise<void> {
    const periodUs = this.#options.load.reportingPeriodMs * 1_000;
    let done = false;
    const end = this.#threads.done().then(() => {
      done = true;
    });
    for (let number = 1; ; number++) {
      // Unlike the load, the table needs no polling accuracy.
      const waitMs = (startUs + number * periodUs - this.#clock.nowUs()) / 1_000;
      await Promise.race([pause(waitMs), end]);
      if (done) return;
      await this.#threads.flush();
      if (done) return;
      this.#closeWindow(number * periodUs);
      await this.#readStats();
    }
  }

  #closeWindow(endUs: number): void {
    const failed = failedCount(this.#tally());
    const window = this.#aggregator.closeWindow(endUs, Date.now(), failed - this.#failedInWindows);
    this.#failedInWindows = failed;
    this.#windows.push(window);
    this.#options.onWindow?.(window, this.#aggregator.measured + this.#aggregator.burnIn);
  }

  async #readStats(): Promise<void> {
    if (this.#stats === undefined) return;
    try {
      this.#serverStats.push({ readAtMs: Date.now(), servers: await this.#stats.read() });
    } catch (error) {
      if (!this.#statsWarned)
        this.#options.onWarning?.(`the server's statistics could not be read: ${errorLine(error)}`);
      this.#statsWarned = true;
    }
  }

  /** Lets what is out come back, for a while; the first reason to end is the one that counts. */
  #end(outcome: Outcome): void {
    if (this.#outcome.kind !== 'completed') return;
    this.#outcome = outcome;
    this.#threads.stop();
    this.#drainTimer = setTimeout(() => this.#threads.abandon(), drainLimitMs);
  }

  #tally() {
    return mergeTallies(
      this.#threads.statuses.flatMap((status) => (status === undefined ? [] : [status.tally])),
    );
  }

  #measured(startedAtMs: number, cpu: NodeJS.CpuUsage): Measured {
    const { load } = this.#options;
    const tally = this.#tally();
    const failed = failedCount(tally);
    const aggregator = this.#aggregator;
    if (this.#outcome.kind === 'completed')
      this.#outcome = finalOutcome(this.#outcome, aggregator.measured, tally);
    return {
      outcome: this.#outcome,
      load: {
        model: 'closed-loop',
        workers: load.workers,
        threads: this.#threadCount,
        limitRps: load.limitRps,
        burnIn: load.burnIn,
        maxQueries: load.maxQueries,
        durationMs: load.durationMs,
        withReference: load.enableReferenceDataRedis,
        verify: load.verify,
        batchSize: 1,
        metadataAutobatching: load.metadataAutobatching,
      },
      startedAtMs,
      endedAtMs: Date.now(),
      counts: {
        ...tally,
        failed,
        cutOff: tally.sent - tally.answered - failed,
        measured: aggregator.measured,
        burnIn: aggregator.burnIn,
      },
      rates: aggregator.rates(),
      serviceTime: summarizeLatency(aggregator.serviceTime),
      stages: aggregator.stages(),
      windows: this.#windows,
      serverStats: this.#serverStats,
      client: {
        cpuUserMs: cpu.user / 1_000,
        cpuSystemMs: cpu.system / 1_000,
        cpuPerRequestUs: tally.answered === 0 ? 0 : (cpu.user + cpu.system) / tally.answered,
        peakRssBytes: process.resourceUsage().maxRSS * 1_024,
        eventLoopUtilization: this.#threads.statuses.map((status) => status?.eventLoopUtilization ?? 0),
      },
    };
  }
}

/** What a run that came to its natural end amounts to. */
function finalOutcome(outcome: Outcome, measured: number, { mismatched, verified }: Tally): Outcome {
  if (mismatched > 0) {
    const reason = `${mismatched} of ${verified} answers are wrong`;
    return { kind: 'failed', reason, code: 'AIBENCH_MISMATCH' };
  }
  if (measured === 0) {
    const reason =
      'no answer was measured: the input ended, or every request failed, before the burn-in was over';
    return { kind: 'failed', reason, code: 'AIBENCH_INPUT' };
  }
  return outcome;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, durationMs)).unref());
}
