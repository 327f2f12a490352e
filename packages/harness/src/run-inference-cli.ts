import { float32View } from '@aibench/core';
import { type Bench, statusOf } from './bench.js';
import type { FlagSet, FlagValues } from './cli/flags.js';
import { valueKey } from './cli/flags.js';
import { type CommandContext, runCli } from './cli/run-cli.js';
import { Calibrator, checkCalibration, withCalibration } from './client/calibrate.js';
import type { BenchmarkOptions } from './engine/benchmark-options.js';
import { loadFlags } from './engine/load-flags.js';
import { runBenchmark } from './engine/run-benchmark.js';
import type { PrintedAnswer } from './engine/thread-messages.js';
import { hdrText } from './report/hdr-text.js';
import { resultJson } from './report/json.js';
import { liveTableHeader, liveTableLine } from './report/live-table.js';
import { openReport, writeReport } from './report/report-file.js';
import { summaryText } from './report/summary.js';
import { recordFlags } from './result/record-flags.js';
import type { Runner } from './runner.js';
import { runSearch } from './search/search-command.js';
import { planSearch } from './search/search-plan.js';
import { runSweep } from './search/sweep-command.js';
import { planSweep } from './search/sweep-plan.js';

/**
 * The main function of a runner's binary: reads the flags of every runner and
 * of this one, runs the benchmark, writes the reports, ends the process.
 *
 * @param runnerUrl URL of the module that exports `runner`; load threads import it too
 * @param defaults of flags, where they differ from those of every runner
 */
export async function runInferenceCli(
  runnerUrl: URL,
  defaults: { readonly useCase?: string } = {},
): Promise<never> {
  const { runner } = (await import(runnerUrl.href)) as { runner: Runner };
  return runCli({
    name: `aibench-run-inference-${runner.name}`,
    summary: runner.summary,
    packageUrl: runnerUrl.href,
    flags: { ...runner.flags, ...loadFlags, ...useCaseFlag(defaults.useCase) },
    examples: runner.examples ?? [],
    run: (context) => run(runner, runnerUrl, context),
  });
}

function useCaseFlag(useCase: string | undefined): Pick<typeof loadFlags, 'use-case'> | undefined {
  if (useCase === undefined) return undefined;
  return { 'use-case': { ...loadFlags['use-case'], defaultText: useCase } };
}

type AllFlags = FlagSet & typeof loadFlags;
type LoadValues = FlagValues<typeof loadFlags>;

async function run(runner: Runner, runnerUrl: URL, context: CommandContext<AllFlags>): Promise<number> {
  const { stderr, stdout, version, signal, given } = context;
  const load = context.flags as unknown as LoadValues;
  const runnerFlags = pickValues(runner.flags, context.flags);
  const search = planSearch(load, given);
  const sweep = await planSweep({ load, runnerFlags, given }, runner.flags);
  if (load.calibrate) checkCalibration(runner, load);
  const say = (line: string) => void stderr.write(`aibench-run-inference-${runner.name}: ${line}\n`);
  const debug = (line: string) => load.debug > 0 && stderr.write(`${line}\n`);

  const runOnce = (each: LoadValues, flags: Readonly<Record<string, unknown>>, events: RunEvents) =>
    runBenchmark({
      runner,
      runnerUrl: runnerUrl.href,
      runnerFlags: flags,
      load: each,
      recordedFlags: recordFlags({ ...runner.flags, ...loadFlags }, { ...each, ...flags }),
      suiteVersion: version,
      stdin: process.stdin,
      signal,
      onServer: (server) => void debug(`the server is ${server.product} ${server.version}`),
      onAnswers: (answers) => stdout.write(answers.map(answerLine).join('')),
      onWarning: say,
      ...events,
    });
  const calibrator = new Calibrator({ runner, signal, run: (each, flags) => runOnce(each, flags, {}) });
  const bench: Bench = {
    ...{ load, runnerFlags, runnerSet: runner.flags, given, signal, stdout, say },
    progress: (line) => void (load.quiet || stderr.write(`${line}\n`)),
    async run(each, flags, events = {}) {
      if (!load.calibrate) return runOnce(each, flags, events);
      debug('calibrating: the same load on a null server');
      const calibration = await calibrator.calibrate(each, flags);
      return withCalibration(await runOnce(each, flags, events), calibration);
    },
  };
  try {
    if (search !== undefined) return await runSearch(bench, search);
    if (sweep !== undefined) return await runSweep(bench, sweep);
    return await runSingle(bench);
  } finally {
    await calibrator.stop();
  }
}

type RunEvents = Pick<BenchmarkOptions, 'onWindow'>;

async function runSingle(bench: Bench): Promise<number> {
  const { load, stdout } = bench;
  const jsonFile = await openReport(load.jsonOutFile);
  const hdrFile = await openReport(load.outputFileStatsHdrResponseLatencyHist);
  let lines = 0;
  try {
    const result = await bench.run(load, bench.runnerFlags, {
      onWindow(window, total) {
        if (lines === 0) bench.progress(liveTableHeader(load.batchSize));
        lines += 1;
        bench.progress(liveTableLine(window, total));
      },
    });
    // The reports come first: whoever reads stdout may have gone.
    await writeReport(jsonFile, resultJson(result));
    await writeReport(hdrFile, hdrText(result));
    stdout.write(summaryText(result));
    return statusOf({ outcome: result.outcome, client: result.client.verdict }, load.failIfClientBound);
  } finally {
    await jsonFile?.discard();
    await hdrFile?.discard();
  }
}

/** The values of some flags out of those of all. */
function pickValues(flags: FlagSet, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const keys = Object.entries(flags).map(([name, definition]) => valueKey(name, definition));
  return Object.fromEntries(keys.map((key) => [key, values[key]]));
}

/** One answer as a line: `row 17: output[1,2] = 0.998, 0.002`. */
function answerLine({ requestId, outputs }: PrintedAnswer): string {
  const tensors = outputs.map(({ name, dtype, shape, data }) => {
    const values =
      dtype === 'float32' ? [...float32View(data)].map((value) => value.toPrecision(7)) : [...data];
    return `${name}[${shape.join(',')}] = ${values.join(', ')}`;
  });
  return `row ${requestId}: ${tensors.join('; ')}\n`;
}
