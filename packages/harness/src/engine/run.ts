import { AibenchError, errorLine } from '@aibench/core';
import type { UseCase } from '@aibench/usecases';
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
  RunResult,
  ServerStatsResult,
  WindowResult,
} from '../result/run-result.js';
import type { ServerDescription, ServerStatsReader } from '../runner.js';
import { Aggregator } from './aggregator.js';
import { balanceBooks } from './balance-books.js';
import { SystemClock } from './clock.js';
import type { LoadPlan } from './load-plan.js';
import { LoadThreads } from './load-threads.js';
import type { RowInput } from './row-input.js';
import type { BenchmarkOptions } from './run-benchmark.js';
import { judgeWindows } from './steady-windows.js';
import { failedCount, mergeTallies, type Tally } from './tally.js';
import type { ThreadEnd } from './thread-messages.js';
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

/** A run under way: starts the threads, cuts windows, ends it all. */
export class Run {
  readonly #options: BenchmarkOptions;
  readonly #plan: LoadPlan;
  readonly #threads: LoadThreads;
  readonly #stats: ServerStatsReader | undefined;
  readonly #aggregator: Aggregator;
  readonly #clock = new SystemClock();
  readonly #periodUs: number;
  /** Rows of the data file; undefined for stdin. */
  readonly #datasetSamples: number | undefined;
  readonly #windows: WindowResult[] = [];
  readonly #serverStats: ServerStatsResult[] = [];
  #startedAtMs = 0;
  #outcome: Outcome = { kind: 'completed', reason: undefined, code: undefined };
  #fatal: AibenchError | undefined;
  #failedInWindows = 0;
  #statsRead: Promise<void> | undefined;
  #statsWarned = false;
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
    useCase: UseCase,
    { input, limit, stream }: RowInput,
    server: ServerDescription,
    stats: ServerStatsReader | undefined,
  ) {
    const { load } = options;
    this.#options = options;
    this.#plan = plan;
    this.#stats = stats;
    this.#periodUs = load.reportingPeriodMs * 1_000;
    this.#datasetSamples = input.kind === 'file' ? input.rowCount : undefined;
    this.#aggregator = new Aggregator(this.#periodUs, plan.untilStable?.windows);
    const shared = {
      runnerUrl: options.runnerUrl,
      runnerFlags: options.runnerFlags,
      server,
      useCase: useCase.name,
      withReference: load.enableReferenceDataRedis,
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
      this.#lookForSteadyState(number * this.#periodUs);
      // Not waited for: a server that is slow to tell must not hold up the windows.
      void this.#readStats();
    }
  }

  /** Ends a run that is to end when it is steady, or that has had its time to become so. */
  #lookForSteadyState(nowUs: number): void {
    const rule = this.#plan.untilStable;
    // Windows after the end of the load say nothing of it.
    if (rule === undefined || this.#judged || this.#outcome.kind !== 'completed') return;
    this.#steadyState = judgeWindows(this.#windows, rule);
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

  /** Ends the windows that are over, which are several where the main thread was held up, and the one that is not. */
  #closeRest(endUs: number): void {
    while ((this.#windows.length + 1) * this.#periodUs <= endUs)
      this.#closeWindow((this.#windows.length + 1) * this.#periodUs);
    const restUs = endUs - this.#windows.length * this.#periodUs;
    const mayBePassedOver = this.#windows.length > 0 && restUs < this.#periodUs * smallestRest;
    this.#closeWindow(endUs, true, mayBePassedOver);
  }

  #closeWindow(endUs: number, isLast = false, passOverIfEmpty = false): void {
    const failed = failedCount(this.#tally());
    const failedIn = failed - this.#failedInWindows;
    const endedAtMs = this.#startedAtMs + endUs / 1_000;
    const window = this.#aggregator.closeWindow(endUs, endedAtMs, failedIn, isLast);
    if (passOverIfEmpty && window.answered === 0 && failedIn === 0) return;
    this.#failedInWindows = failed;
    this.#windows.push(window);
    this.#options.onWindow?.(window, this.#aggregator.answered);
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
      // A copy: a value cut out of a server's answer keeps all of its text in memory.
      const servers = structuredClone(await this.#stats.read());
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
    const { distributions } = aggregator;
    const counts = this.#counts(tally);
    const conservation = this.#conservation(endUs, counts);
    return {
      outcome: this.#finalOutcome(tally, conservation),
      load: this.#settings(),
      startedAtMs: this.#startedAtMs,
      endedAtMs: this.#startedAtMs + endUs / 1_000,
      counts,
      rates: aggregator.rates(),
      ...distributions.latencies(),
      sendDelay: summarizeLatency(distributions.sendDelay),
      queryTime: this.#plan.samplesPerQuery > 1 ? summarizeLatency(distributions.queryTime) : undefined,
      stages: distributions.stages(),
      windows: this.#windows,
      serverStats: this.#serverStats,
      client: this.#clientCost(cpu, counts),
      conservation,
      steadyState: this.#finalSteadyState(),
      scenario: this.#scenario(counts),
    };
  }

  /** A run that ended before its first window was looked at is not steady either. */
  #finalSteadyState(): SteadyStateVerdict | undefined {
    const { untilStable } = this.#plan;
    return this.#steadyState ?? (untilStable === undefined ? undefined : judgeWindows([], untilStable));
  }

  #finalOutcome(tally: Tally, conservation: Conservation): Outcome {
    const outcome =
      this.#outcome.kind === 'completed' ? naturalOutcome(this.#aggregator.measured, tally) : this.#outcome;
    if (outcome.kind !== 'completed' || conservation.holds) return outcome;
    return { kind: 'failed', reason: conservation.violations[0], code: 'AIBENCH_CONSERVATION' };
  }

  #settings(): LoadSettings {
    const { load } = this.#options;
    const plan = this.#plan;
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
      batchSize: 1,
      metadataAutobatching: load.metadataAutobatching,
    };
  }

  #counts(tally: Tally): RunCounts {
    const failed = failedCount(tally);
    const ends = this.#ends();
    const measured = this.#aggregator.measured;
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

  /** What the threads told at their ends; those that died told nothing. */
  #ends(): readonly ThreadEnd[] {
    return this.#threads.ends.filter((end) => end !== undefined);
  }

  #conservation(durationUs: number, counts: RunCounts): Conservation {
    const { statuses, ends } = this.#threads;
    const { answered, serviceSumUs } = this.#aggregator;
    const threads = ends.map((end, thread) => {
      const status = statuses[thread];
      return status === undefined || end === undefined
        ? undefined
        : { tally: status.tally, concurrency: end.concurrency };
    });
    return balanceBooks({ threads, counts, durationUs, samples: { count: answered, serviceSumUs } });
  }

  #clientCost(cpu: NodeJS.CpuUsage, counts: RunCounts): ClientCost {
    const threads = this.#ends().map(({ client }) => client);
    const { serviceTime } = this.#aggregator.distributions;
    const open = this.#plan.schedule !== undefined && this.#plan.schedule.kind !== 'burst';
    const due = counts.sent + counts.dropped + counts.unsent;
    const polledMs = threads.reduce((sum, thread) => sum + thread.polledMs, 0);
    return {
      cpuUserMs: cpu.user / 1_000,
      cpuSystemMs: cpu.system / 1_000,
      polledMs,
      cpuPerRequestUs:
        counts.answered === 0 ? 0 : (cpu.user + cpu.system - polledMs * 1_000) / counts.answered,
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

  #scenario(counts: RunCounts): ScenarioResult | undefined {
    const { scenario, samplesPerQuery, latencyBoundUs } = this.#plan;
    if (scenario === undefined) return undefined;
    const { distributions } = this.#aggregator;
    const { lastDueUs, lastAnswerUs } = this.#aggregator.span();
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
      { latencyBoundUs, datasetSamples: this.#datasetSamples },
    );
  }
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
