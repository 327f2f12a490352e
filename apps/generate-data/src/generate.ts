import { AibenchError, formatCount } from '@aibench/core';
import { type CommandContext, createProgress, startCpuProfile } from '@aibench/harness/cli';
import {
  defaultThreads,
  loadUseCase,
  manifestVersion,
  type RowSource,
  type UseCase,
} from '@aibench/usecases';
import { AnswerModel } from './answer-model.js';
import { type DataOutput, openDataOutput } from './data-output.js';
import type { commonFlags } from './flags.js';
import { peakMemoryBytes } from './peak-memory.js';
import { type ChosenOptions, chooseOptions } from './use-case-flags.js';

type Context = CommandContext<typeof commonFlags>;

/** Parts of the input that were left out and are named on stderr; the manifest names all of them. */
const namedParts = 20;

/**
 * Makes a use case's rows and writes them to a file or to stdout.
 *
 * @throws AIBENCH_USAGE, AIBENCH_INPUT, AIBENCH_OUTPUT; AIBENCH_INTERRUPTED when the signal was aborted
 */
export async function generate(context: Context): Promise<void> {
  const { flags, signal } = context;
  checkGroups(flags.interleavedGenerationGroupId, flags.interleavedGenerationGroups);
  const chosen = chooseOptions(await loadUseCase(flags.useCase), flags, context.given);
  const { useCase } = chosen;
  checkExpected(context, useCase);
  const profiling = flags.profileFile !== '';
  const seed = flags.seed === 0 ? Date.now() : flags.seed;
  const threads = profiling ? 0 : flags.threads === 0 ? defaultThreads() : flags.threads;
  const { say, debug } = printers(context);
  const inputPath = inputOf(context, chosen);
  const leftOut: string[] = [];
  const onLeftOut = (name: string, reason: string) => {
    if (leftOut.push(name) <= namedParts) say(`left out ${name}: ${reason}`);
  };

  const output = await openDataOutput({
    path: flags.outputFile,
    stdout: context.stdout,
    withExpected: flags.withExpected,
  });
  let source: RowSource | undefined;
  let model: AnswerModel | undefined;
  try {
    const startMs = performance.now();
    const startCpu = process.cpuUsage();
    const opening = useCase.openSource({
      inputPath,
      seed,
      rowLimit: flags.maxTransactions,
      threads,
      groupId: flags.interleavedGenerationGroupId,
      groupCount: flags.interleavedGenerationGroups,
      onLeftOut,
      ...(chosen.values === undefined ? {} : { values: chosen.values }),
    });
    source = await unlessAborted(opening, signal);
    if (flags.withExpected) {
      model = await unlessAborted(AnswerModel.open(useCase, flags.modelFile), signal);
    }
    tellSeed(context, seed, source.description, useCase, say);
    debug(1, `node ${process.version}, ${threads} threads, source ${source.description}, seed ${seed}`);

    const stopProfile = profiling ? await startCpuProfile(flags.profileFile) : undefined;
    const sizeBytes = await writeRows(context, { source, useCase, output, model, debug });
    await stopProfile?.();
    const rows = sizeBytes / useCase.row.sizeBytes;
    await output.commit({
      manifestVersion,
      suiteVersion: context.version,
      useCase: useCase.name,
      ...(useCase.settings === undefined ? {} : { settings: useCase.settings }),
      format: flags.format,
      rows,
      rowSizeBytes: useCase.row.sizeBytes,
      seed,
      source: source.description,
      ...(chosen.values === undefined ? {} : { sourceOptions: chosen.values }),
      ...(leftOut.length === 0 ? {} : { leftOut }),
      maxTransactions: flags.maxTransactions,
      group: { id: flags.interleavedGenerationGroupId, count: flags.interleavedGenerationGroups },
      ...(model === undefined ? {} : { expected: model.description }),
    });
    if (leftOut.length > 0) say(`${formatCount(leftOut.length)} files left out`);
    say(summary(rows, sizeBytes, (performance.now() - startMs) / 1000));
    tellLeftover(rows, flags.batchSize, say);
    const { user, system } = process.cpuUsage(startCpu);
    debug(1, `CPU time ${((user + system) / 1e6).toFixed(2)} s, all threads`);
    debug(1, `peak resident memory ${Math.ceil(peakMemoryBytes() / 1e6)} MB`);
  } finally {
    await output.discard();
    await source?.close();
    await model?.close();
  }
}

interface Work {
  readonly source: RowSource;
  readonly useCase: UseCase;
  readonly output: DataOutput;
  /** Undefined where no answers are wanted. */
  readonly model: AnswerModel | undefined;
  readonly debug: (level: number, line: string) => void;
}

async function writeRows(
  { flags, signal, stderr }: Context,
  { source, useCase, output, model, debug }: Work,
): Promise<number> {
  const rowSizeBytes = useCase.row.sizeBytes;
  const inputSize = source.progress()?.totalBytes;
  const byInput = source.rowCount === undefined && inputSize !== undefined;
  const progress = createProgress({
    label: byInput ? 'reading' : 'generating',
    unit: byInput ? 'KiB' : 'rows',
    total: byInput ? Math.ceil(inputSize / 1024) : source.rowCount,
    stream: stderr,
    quiet: flags.quiet,
  });
  let sizeBytes = 0;
  try {
    const chunks = source.chunks()[Symbol.asyncIterator]();
    for (;;) {
      const { done, value: chunk } = await unlessAborted(chunks.next(), signal);
      if (done === true) break;
      const written = output.write(chunk);
      const answered = model?.answer(chunk).then((answers) => output.writeExpected(answers));
      await unlessAborted(Promise.all([written, answered]), signal);
      sizeBytes += chunk.byteLength;
      const readBytes = source.progress()?.doneBytes;
      progress.update(
        byInput && readBytes !== undefined ? Math.ceil(readBytes / 1024) : sizeBytes / rowSizeBytes,
      );
      debug(2, `${sizeBytes / rowSizeBytes} rows`);
    }
  } finally {
    progress.finish();
  }
  return sizeBytes;
}

/** Which of the user's flags names the input depends on the use case. */
function inputOf({ flags }: Context, { useCase, input }: ChosenOptions): string | undefined {
  const { inputOption, name } = useCase;
  if (inputOption === undefined) return flags.inputFile === '' ? undefined : flags.inputFile;
  if (flags.inputFile === '') return input;
  throw new AibenchError('AIBENCH_USAGE', `--input-file is not for ${name}`, {
    hint: `its input is named by --${inputOption}`,
  });
}

function checkExpected({ flags }: Context, { name, storesAnswers }: UseCase): void {
  if (flags.withExpected && storesAnswers !== true) {
    throw new AibenchError('AIBENCH_USAGE', `the answers of ${name} are not stored`, {
      hint: 'leave --with-expected out: --verify computes them from the rows',
    });
  }
  if (flags.modelFile !== '' && !flags.withExpected) {
    throw new AibenchError('AIBENCH_USAGE', '--model-file says which model computes the expected answers', {
      hint: 'pass --with-expected as well',
    });
  }
}

function checkGroups(id: number, count: number): void {
  if (id < count) return;
  throw new AibenchError(
    'AIBENCH_USAGE',
    `--interleaved-generation-group-id ${id} is not below the number of groups, ${count}`,
    { hint: 'groups are counted from 0; see --interleaved-generation-groups' },
  );
}

/** Says what a user needs to make the same data again. */
function tellSeed(
  { flags }: Context,
  seed: number,
  source: string,
  { drawn }: UseCase,
  say: (line: string) => void,
): void {
  const from = source === 'synthetic' ? `drawing ${drawn}` : `reading ${source}`;
  if (flags.seed !== 0) {
    say(`${from}, seed ${seed}`);
    return;
  }
  say(`${from}, seed ${seed} from the clock (pass --seed ${seed} for the same data)`);
  if (flags.interleavedGenerationGroups > 1) {
    say('groups made with seeds of their own do not fit together (pass the same --seed to each)');
  }
}

function summary(rows: number, sizeBytes: number, seconds: number): string {
  const rate = Math.round(rows / Math.max(seconds, 1e-3));
  return `${formatCount(rows)} rows, ${formatCount(sizeBytes)} bytes in ${seconds.toFixed(2)} s (${formatCount(rate)} rows/s)`;
}

function tellLeftover(rows: number, batchSize: number, say: (line: string) => void): void {
  const left = rows % batchSize;
  if (left === 0) return;
  say(
    `the last ${formatCount(left)} rows make no whole batch of ${batchSize} (--max-transactions sets their number)`,
  );
}

function printers({ flags, stderr }: Context) {
  const print = (line: string) => void stderr.write(`aibench-generate-data: ${line}\n`);
  return {
    say: (line: string) => {
      if (!flags.quiet) print(line);
    },
    debug: (level: number, line: string) => {
      if (flags.debug >= level) print(line);
    },
  };
}

/** Waits for a promise, but not past an interrupt: a pipe without a writer may never open. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
