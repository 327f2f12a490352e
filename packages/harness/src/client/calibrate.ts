import { AibenchError, type ErrorCode } from '@aibench/core';
import type { FlagSet, FlagValues } from '../cli/flags.js';
import type { loadFlags } from '../engine/load-flags.js';
import { chooseRunData, openRunData } from '../engine/run-data.js';
import { parseRateStages } from '../load-model/rate-stages.js';
import type { CalibrationResult, RunResult } from '../result/run-result.js';
import type { NullServer, Runner } from '../runner.js';
import { judgeClient } from './client-verdict.js';

type LoadValues = FlagValues<typeof loadFlags>;
type FlagMap = Readonly<Record<string, unknown>>;

/** Longest calibration: the client's own time settles within it, and a search has many of them. */
export const longestCalibrationMs = 3_000;

/** Share of a calibration that is burn-in: code is compiled and connections warm up within it. */
const burnInShare = 0.3;

/** What a {@link Calibrator} works with. */
export interface CalibratorOptions {
  readonly runner: Runner;
  readonly signal: AbortSignal;
  /** Runs a load: `runBenchmark` with the rest of its options. */
  run(load: LoadValues, runnerFlags: FlagMap): Promise<RunResult>;
}

/** Measures loads against the runner's null server, which starts with the first of them. */
export class Calibrator {
  readonly #options: CalibratorOptions;
  readonly #results = new Map<string, CalibrationResult>();
  #server: NullServer | undefined;

  constructor(options: CalibratorOptions) {
    this.#options = options;
  }

  /**
   * What the client needs by itself for a load. The same load is measured once.
   *
   * @throws AIBENCH_USAGE, AIBENCH_INTERRUPTED, or why the null server could not be measured
   */
  async calibrate(load: LoadValues, runnerFlags: FlagMap): Promise<CalibrationResult> {
    const calibration = calibrationLoad(load);
    const key = JSON.stringify([calibration, runnerFlags]);
    const known = this.#results.get(key);
    if (known !== undefined) return known;
    this.#server ??= await this.#start(load, runnerFlags);
    const run = await this.#options.run(calibration, { ...runnerFlags, ...this.#server.flags });
    const { outcome, client, serviceTime, rates } = run;
    if (outcome.kind !== 'completed') {
      const code = (outcome.code ?? 'AIBENCH_SERVER') as ErrorCode;
      throw new AibenchError(code, `the calibration ended early: ${outcome.reason ?? outcome.kind}`);
    }
    const result = {
      serviceTime,
      cpuPerRequestUs: client.cpuPerRequestUs,
      answeredPerSecond: rates.measuredPerSecond,
    };
    this.#results.set(key, result);
    return result;
  }

  /** Ends the null server. */
  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  async #start(load: LoadValues, runnerFlags: FlagMap): Promise<NullServer> {
    const { runner, signal } = this.#options;
    if (runner.startNullServer === undefined) throw noNullServer(runner);
    const { task, close } = await openRunData(await chooseRunData({ ...load, verify: false }));
    close();
    return runner.startNullServer({
      flags: runnerFlags as FlagValues<FlagSet>,
      task,
      requestTimeoutMs: load.requestTimeoutMs,
      signal,
    });
  }
}

/**
 * Checks that a load can be calibrated.
 *
 * @throws AIBENCH_USAGE
 */
export function checkCalibration(runner: Runner, load: LoadValues): void {
  if (runner.startNullServer === undefined) throw noNullServer(runner);
  if (load.file === '') {
    throw new AibenchError(
      'AIBENCH_USAGE',
      '--calibrate cannot read its rows from stdin, which the run needs',
      {
        hint: 'pass --file',
      },
    );
  }
}

/**
 * The load that a calibration of some load bears: the same workers, threads and
 * rate for a few seconds at most, stages at their highest rate.
 */
export function calibrationLoad(load: LoadValues): LoadValues {
  const { durationMs, stages, rate } = load;
  const shortMs = Math.min(durationMs > 0 ? durationMs : longestCalibrationMs, longestCalibrationMs);
  const peak =
    stages === ''
      ? rate
      : Math.max(rate ?? 0, ...parseRateStages(stages, rate).map(({ targetPerSecond }) => targetPerSecond));
  return {
    ...load,
    ...{ durationMs: shortMs, maxQueries: 0, burnIn: 0, burnInDurationMs: shortMs * burnInShare },
    ...{ stages: '', rate: peak, untilStable: false, reportingPeriodMs: 1_000 },
    // The null server's answers are no answers.
    ...{ verify: false, printResponses: false, ignoreErrors: false, cpuprofile: '', memprofile: '' },
  };
}

/** A result with what the client needed by itself, and judged by that too. */
export function withCalibration(result: RunResult, calibration: CalibrationResult): RunResult {
  const { client, counts, serviceTime, load } = result;
  const due = counts.sent + counts.dropped + counts.unsent;
  const isPaced = load.model === 'open-loop' && load.schedule?.kind !== 'burst';
  const verdict = judgeClient({
    threads: client.threads,
    serviceTime: serviceTime.count === 0 ? undefined : serviceTime,
    ...(isPaced ? { sends: { due, late: counts.lateByClient, lost: counts.dropped + counts.unsent } } : {}),
    ...(calibration.serviceTime.count === 0 ? {} : { calibration: calibration.serviceTime }),
  });
  return { ...result, client: { ...client, verdict, calibration } };
}

function noNullServer({ name }: Runner): AibenchError {
  return new AibenchError('AIBENCH_USAGE', `--calibrate: the ${name} runner has no null server`, {
    hint: 'leave out --calibrate',
  });
}
