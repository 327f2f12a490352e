import { type AibenchError, errorLine } from '@aibench/core';
import type { SteadyStateVerdict } from '../load-model/steady-state.js';
import type { Outcome } from '../result/run-result.js';
import type { ServerDescription, ServerStatsReader } from '../runner.js';
import { Aggregator } from './aggregator.js';
import type { BenchmarkOptions } from './benchmark-options.js';
import { SystemClock } from './clock.js';
import { type Measured, measuredOf, tallyOf } from './ended-run.js';
import type { LoadPlan } from './load-plan.js';
import { LoadThreads } from './load-threads.js';
import type { RowInput } from './row-input.js';
import type { RunData } from './run-data.js';
import { ServerStatistics } from './server-statistics.js';
import { judgeWindows } from './steady-windows.js';
import { failedCount } from './tally.js';
import { unlessAborted } from './time-limit.js';
import { WindowCutter } from './window-cutter.js';

/** Time for threads to get the word before the first request is due. */
const leadTimeUs = 20_000;

/** Default of `BenchmarkOptions.drainLimitMs`. */
const defaultDrainLimitMs = 5_000;

/** How long threads that were told to give up may take before they are ended from outside. */
const killDelayMs = 2_000;

/** A run under way: starts the threads, cuts windows, ends it all. */
export class Run {
  readonly #options: BenchmarkOptions;
  readonly #plan: LoadPlan;
  readonly #threads: LoadThreads;
  readonly #serverStatistics: ServerStatistics;
  readonly #aggregator: Aggregator;
  readonly #clock = new SystemClock();
  readonly #periodUs: number;
  /** Rows of the data file; undefined for stdin. */
  readonly #datasetSamples: number | undefined;
  readonly #cutter: WindowCutter;
  #startedAtMs = 0;
  #outcome: Outcome = { kind: 'completed', reason: undefined, code: undefined };
  #fatal: AibenchError | undefined;
  #drainTimer: NodeJS.Timeout | undefined;
  #steadyState: SteadyStateVerdict | undefined;
  /** Whether the steady state was reached, or the time for it is over. */
  #judged = false;
  /** Whether the threads are done. */
  #over = false;
  #endPause: () => void = () => undefined;

  constructor(
    options: BenchmarkOptions,
    plan: LoadPlan,
    data: RunData,
    { input, limit, stream }: RowInput,
    server: ServerDescription,
    stats: ServerStatsReader | undefined,
  ) {
    const { load } = options;
    this.#options = options;
    this.#plan = plan;
    this.#serverStatistics = new ServerStatistics(stats, (warning) => options.onWarning?.(warning));
    this.#periodUs = load.reportingPeriodMs * 1_000;
    this.#datasetSamples = input.kind === 'file' ? input.rowCount : undefined;
    this.#aggregator = new Aggregator(this.#periodUs, plan.untilStable?.windows);
    this.#cutter = new WindowCutter({
      periodUs: this.#periodUs,
      aggregator: this.#aggregator,
      failed: () => failedCount(tallyOf(this.#threads.statuses)),
      onWindow: (window, totalAnswered) => options.onWindow?.(window, totalAnswered),
    });
    const shared = {
      runnerUrl: options.runnerUrl,
      runnerFlags: options.runnerFlags,
      server,
      data,
      plan,
      input,
      limit,
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
      onFatal: (error) => this.#fail(error),
    });
  }

  /** @throws the reason, when the run ends before anything is sent */
  async execute(): Promise<Measured> {
    const { signal } = this.#options;
    const onAbort = () =>
      this.#end({ kind: 'interrupted', reason: 'interrupted', code: 'AIBENCH_INTERRUPTED' });
    try {
      await unlessAborted(this.#threads.ready(), signal);
      if (this.#fatal !== undefined) throw this.#fatal;
      signal.addEventListener('abort', onAbort, { once: true });
      const startUs = this.#clock.nowUs() + leadTimeUs;
      this.#startedAtMs = Date.now() + leadTimeUs / 1_000;
      const cpuAtStart = process.cpuUsage();
      this.#threads.start(startUs);
      const ticking = this.#tick(startUs);
      // It is waited for below; a reporter that throws must not count as unhandled until then.
      ticking.catch(() => undefined);
      await this.#threads.done();
      const endUs = Math.max(0, this.#clock.nowUs() - startUs);
      const cpu = process.cpuUsage(cpuAtStart);
      this.#over = true;
      this.#endPause();
      await ticking;
      this.#cutter.closeRest(endUs, this.#startedAtMs);
      if (this.#outcome.kind === 'completed') await this.#serverStatistics.readLast();
      return this.#measured(endUs, cpu);
    } finally {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(this.#drainTimer);
      await Promise.all([this.#threads.terminate(), this.#serverStatistics.close()]);
    }
  }

  /** Ends each reporting period until the threads are done. */
  async #tick(startUs: number): Promise<void> {
    for (let number = 1; ; number++) {
      await this.#pauseUntil(startUs + number * this.#periodUs);
      if (this.#over) return;
      await this.#threads.flush();
      if (this.#over) return;
      this.#cutter.closeNext(this.#startedAtMs);
      this.#lookForSteadyState(number * this.#periodUs);
      // Not waited for: a server that is slow to tell must not hold up the windows.
      void this.#serverStatistics.read();
    }
  }

  /** Ends a run that is to end when it is steady, or that has had its time to become so. */
  #lookForSteadyState(nowUs: number): void {
    const rule = this.#plan.untilStable;
    // Windows after the end of the load say nothing of it.
    if (rule === undefined || this.#judged || this.#outcome.kind !== 'completed') return;
    this.#steadyState = judgeWindows(this.#cutter.windows, rule);
    const { steady } = this.#steadyState;
    if (!steady && nowUs < rule.mostTimeUs) return;
    this.#judged = true;
    if (steady) this.#aggregator.keepLast();
    this.#threads.stop();
  }

  /** Waits until then or until the threads are done. Unlike the load, the table needs no polling accuracy. */
  async #pauseUntil(dueUs: number): Promise<void> {
    for (;;) {
      // Timers may end some of a millisecond early, before all of the period's answers are in.
      const waitMs = Math.ceil((dueUs - this.#clock.nowUs()) / 1_000);
      if (waitMs <= 0 || this.#over) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(waitMs, 1e9));
        this.#endPause = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #fail(error: AibenchError): void {
    this.#fatal ??= error;
    if (process.env['AIBENCH_DEBUG'] === '1') this.#options.onWarning?.(error.stack ?? error.message);
    this.#end({ kind: 'failed', reason: errorLine(error), code: error.code });
  }

  /** Lets what is out come back, for a while; the first reason to end is the one that counts. */
  #end(outcome: Outcome): void {
    if (this.#outcome.kind !== 'completed' || this.#over) return;
    this.#outcome = outcome;
    this.#threads.stop();
    this.#drainTimer = setTimeout(() => {
      this.#threads.abandon();
      this.#drainTimer = setTimeout(() => this.#threads.kill(), killDelayMs);
    }, this.#options.drainLimitMs ?? defaultDrainLimitMs);
  }

  #measured(durationUs: number, cpu: NodeJS.CpuUsage): Measured {
    const { statuses, ends } = this.#threads;
    return measuredOf({
      load: this.#options.load,
      plan: this.#plan,
      datasetSamples: this.#datasetSamples,
      outcome: this.#outcome,
      startedAtMs: this.#startedAtMs,
      durationUs,
      cpu,
      aggregator: this.#aggregator,
      windows: this.#cutter.windows,
      serverStats: this.#serverStatistics.results,
      steadyState: this.#steadyState,
      statuses,
      ends,
    });
  }
}
