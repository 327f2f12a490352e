import { AibenchError, type ErrorCode, exitCode, float32View } from '@aibench/core';
import type { FlagSet, FlagValues } from './cli/flags.js';
import { valueKey } from './cli/flags.js';
import { type OutputFile, openOutputFile } from './cli/output.js';
import { type CommandContext, runCli } from './cli/run-cli.js';
import { loadFlags } from './engine/load-flags.js';
import { runBenchmark } from './engine/run-benchmark.js';
import type { PrintedAnswer } from './engine/thread-messages.js';
import { hdrText } from './report/hdr-text.js';
import { resultJson } from './report/json.js';
import { liveTableHeader, liveTableLine } from './report/live-table.js';
import { summaryText } from './report/summary.js';
import { recordFlags } from './result/record-flags.js';
import type { RunResult } from './result/run-result.js';
import type { Runner } from './runner.js';

/**
 * The main function of a runner's binary: reads the flags of every runner and
 * of this one, runs the benchmark, writes the reports, ends the process.
 *
 * @param runnerUrl URL of the module that exports `runner`; load threads import it too
 */
export async function runInferenceCli(runnerUrl: URL): Promise<never> {
  const { runner } = (await import(runnerUrl.href)) as { runner: Runner };
  return runCli({
    name: `aibench-run-inference-${runner.name}`,
    summary: runner.summary,
    packageUrl: runnerUrl.href,
    flags: { ...runner.flags, ...loadFlags },
    examples: runner.examples ?? [],
    run: (context) => run(runner, runnerUrl, context),
  });
}

type AllFlags = FlagSet & typeof loadFlags;

async function run(runner: Runner, runnerUrl: URL, context: CommandContext<AllFlags>): Promise<number> {
  const { stderr, stdout, version, signal } = context;
  const load = context.flags as unknown as FlagValues<typeof loadFlags>;
  const jsonFile = await openReport(load.jsonOutFile);
  const hdrFile = await openReport(load.outputFileStatsHdrResponseLatencyHist);
  const live = new LiveOutput(stderr, load);
  try {
    const result = await runBenchmark({
      runner,
      runnerUrl: runnerUrl.href,
      runnerFlags: pickValues(runner.flags, context.flags),
      load,
      recordedFlags: recordFlags({ ...runner.flags, ...loadFlags }, context.flags),
      suiteVersion: version,
      stdin: process.stdin,
      signal,
      onServer: (server) => live.debug(`the server is ${server.product} ${server.version}`),
      onWindow: (window, total) => live.window(liveTableLine(window, total)),
      onAnswers: (answers) => stdout.write(answers.map(answerLine).join('')),
      onWarning: (line) => stderr.write(`aibench-run-inference-${runner.name}: ${line}\n`),
    });
    // The reports come first: whoever reads stdout may have gone.
    await writeReport(jsonFile, resultJson(result));
    await writeReport(hdrFile, hdrText(result));
    stdout.write(summaryText(result));
    return finish(result);
  } finally {
    await jsonFile?.discard();
    await hdrFile?.discard();
  }
}

/** @throws the reason, as an error, where the run did not complete */
function finish({ outcome }: RunResult): number {
  if (outcome.kind === 'completed') return exitCode.ok;
  throw new AibenchError((outcome.code ?? 'AIBENCH_SERVER') as ErrorCode, outcome.reason ?? outcome.kind);
}

function openReport(path: string): Promise<OutputFile | undefined> {
  return path === '' ? Promise.resolve(undefined) : openOutputFile(path);
}

async function writeReport(file: OutputFile | undefined, text: string): Promise<void> {
  await file?.write(text);
  await file?.commit();
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

/** What a user sees while the load runs. */
class LiveOutput {
  readonly #stderr: NodeJS.WriteStream;
  readonly #quiet: boolean;
  readonly #debug: boolean;
  #lines = 0;

  constructor(stderr: NodeJS.WriteStream, load: FlagValues<typeof loadFlags>) {
    this.#stderr = stderr;
    this.#quiet = load.quiet;
    this.#debug = load.debug > 0;
  }

  debug(line: string): void {
    if (this.#debug) this.#stderr.write(`${line}\n`);
  }

  window(line: string): void {
    if (this.#quiet) return;
    if (this.#lines === 0) this.#stderr.write(`${liveTableHeader()}\n`);
    this.#lines += 1;
    this.#stderr.write(`${line}\n`);
  }
}
