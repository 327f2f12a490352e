import { AibenchError, errorLine } from '@aibench/core';
import type { UseCase } from '@aibench/usecases';
import { summarizeLatency } from '../result/latency-summary.js';
import type {
  LoadSettings,
  Outcome,
  RunCounts,
  RunResult,
  ServerStatsResult,
  WindowResult,
} from '../result/run-result.js';
import type { ServerDescription, ServerStatsReader } from '../runner.js';
import { Aggregator } from './aggregator.js';
import { SystemClock } from './clock.js';
import { LoadThreads } from './load-threads.js';
import type { RowInput } from './row-input.js';
import type { BenchmarkOptions } from './run-benchmark.js';
import { failedCount, mergeTallies, type Tally } from './tally.js';
import { unlessAborted, within } from './time-limit.js';

/** Time for threads to get the word before the first request is due. */
const leadTimeUs = 20_000;

/** Default of `BenchmarkOptions.drainLimitMs`. */
const defaultDrainLimitMs = 5_000;

/** How long threads that were told to give up may take before they are ended from outside. */
const killDelayMs = 2_000;

/** How long the end of a run waits for the server's own statistics. */
const lastStatsLimitMs = 2_000;

/** A rest of a period in which nothing came back is passed over below this share of the period. */
const smallestRest = 0.1;

/** What a {@link Run} finds out; the rest of a result is known beforehand. */
export type Measured = Pick<
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
export class Run {
  readonly #options: BenchmarkOptions;
  readonly #threads: LoadThreads;
  readonly #stats: ServerStatsReader | undefined;
  readonly #aggregator: Aggregator;
  readonly #clock = new SystemClock();
  readonly #periodUs: number;
  readonly #windows: WindowResult[] = [];
  readonly #serverStats: ServerStatsResult[] = [];
  #startedAtMs = 0;
  #outcome: Outcome = { kind: 'completed', reason: undefined, code: undefined };
  #fatal: AibenchError | undefined;
  #failedInWindows = 0;
  #statsRead: Promise<void> | undefined;
  #statsWarned = false;
  #drainTimer: NodeJS.Timeout | undefined;
  /** Whether the threads are done. */
  #over = false;
  #endPause: () => void = () => undefined;

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
    this.#periodUs = load.reportingPeriodMs * 1_000;
    this.#aggregator = new Aggregator(this.#periodUs);
    const shared = {
      runnerUrl: options.runnerUrl,
      runnerFlags: options.runnerFlags,
      server,
      useCase: useCase.name,
      withReference: load.enableReferenceDataRedis,
      threads: load.threads,
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
      this.#closeRest(endUs);
      await this.#readLastStats();
      return this.#measured(endUs, cpu);
    } finally {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(this.#drainTimer);
      await Promise.all([this.#threads.terminate(), this.#closeStats()]);
    }
  }

  /** Ends each reporting period until the threads are done. */
  async #tick(startUs: number): Promise<void> {
    for (let number = 1; ; number++) {
      await this.#pauseUntil(startUs + number * this.#periodUs);
      if (this.#over) return;
      await this.#threads.flush();
      if (this.#over) return;
      this.#closeWindow(number * this.#periodUs);
      // Not waited for: a server that is slow to tell must not hold up the windows.
      void this.#readStats();
    }
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

  /** Ends the windows that are over, which are several where the main thread was held up, and the one that is not. */
  #closeRest(endUs: number): void {
    while ((this.#windows.length + 1) * this.#periodUs <= endUs)
      this.#closeWindow((this.#windows.length + 1) * this.#periodUs);
    const restUs = endUs - this.#windows.length * this.#periodUs;
    const mayBePassedOver = this.#windows.length > 0 && restUs < this.#periodUs * smallestRest;
    this.#closeWindow(endUs, mayBePassedOver);
  }

  #closeWindow(endUs: number, passOverIfEmpty = false): void {
    const failed = failedCount(this.#tally());
    const failedIn = failed - this.#failedInWindows;
    const endedAtMs = this.#startedAtMs + endUs / 1_000;
    const window = this.#aggregator.closeWindow(endUs, endedAtMs, failedIn);
    if (passOverIfEmpty && window.answered === 0 && failedIn === 0) return;
    this.#failedInWindows = failed;
    this.#windows.push(window);
    this.#options.onWindow?.(window, this.#aggregator.measured + this.#aggregator.burnIn);
  }

  /** One read at a time; a server that is slower than the period is asked less often. */
  #readStats(): Promise<void> {
    this.#statsRead ??= this.#readStatsOnce().finally(() => {
      this.#statsRead = undefined;
    });
    return this.#statsRead;
  }

  async #readStatsOnce(): Promise<void> {
    if (this.#stats === undefined) return;
    try {
      const servers = await this.#stats.read();
      this.#serverStats.push({ readAtMs: Date.now(), servers });
    } catch (error) {
      this.#warnOfStats(errorLine(error));
    }
  }

  /** What the server says at the end, which is all that it says of a run shorter than a period. */
  async #readLastStats(): Promise<void> {
    if (this.#stats === undefined || this.#outcome.kind !== 'completed') return;
    const reads = (async () => {
      await this.#statsRead;
      await this.#readStats();
    })();
    const tooLate = () => new AibenchError('AIBENCH_TIMEOUT', 'no answer');
    await within(reads, lastStatsLimitMs, tooLate).catch((error: unknown) =>
      this.#warnOfStats(errorLine(error)),
    );
  }

  #warnOfStats(reason: string): void {
    if (this.#statsWarned) return;
    this.#statsWarned = true;
    this.#options.onWarning?.(`the server's statistics could not be read: ${reason}`);
  }

  async #closeStats(): Promise<void> {
    const stats = this.#stats;
    if (stats === undefined) return;
    const tooLate = () => new AibenchError('AIBENCH_TIMEOUT', 'no answer');
    await within((async () => stats.close())(), lastStatsLimitMs, tooLate).catch(() => undefined);
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

  #tally(): Tally {
    return mergeTallies(
      this.#threads.statuses.flatMap((status) => (status === undefined ? [] : [status.tally])),
    );
  }

  #measured(endUs: number, cpu: NodeJS.CpuUsage): Measured {
    const tally = this.#tally();
    const aggregator = this.#aggregator;
    return {
      outcome:
        this.#outcome.kind === 'completed' ? naturalOutcome(aggregator.measured, tally) : this.#outcome,
      load: this.#settings(),
      startedAtMs: this.#startedAtMs,
      endedAtMs: this.#startedAtMs + endUs / 1_000,
      counts: this.#counts(tally),
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

  #settings(): LoadSettings {
    const { load } = this.#options;
    return {
      model: 'closed-loop',
      workers: load.workers,
      threads: load.threads,
      limitRps: load.limitRps,
      burnIn: load.burnIn,
      maxQueries: load.maxQueries,
      durationMs: load.durationMs,
      withReference: load.enableReferenceDataRedis,
      verify: load.verify,
      batchSize: 1,
      metadataAutobatching: load.metadataAutobatching,
    };
  }

  #counts(tally: Tally): RunCounts {
    const failed = failedCount(tally);
    return {
      ...tally,
      failed,
      cutOff: tally.sent - tally.answered - failed,
      measured: this.#aggregator.measured,
      burnIn: this.#aggregator.burnIn,
    };
  }
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
