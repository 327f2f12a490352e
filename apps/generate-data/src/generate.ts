import { AibenchError, formatCount } from '@aibench/core';
import { type CommandContext, createProgress, startCpuProfile } from '@aibench/harness/cli';
import { defaultThreads, loadUseCase, type RowSource } from '@aibench/usecases';
import { openDataOutput } from './data-output.js';
import type { flags as flagSet } from './flags.js';
import { manifestVersion } from './manifest.js';
import { peakMemoryBytes } from './peak-memory.js';

type Context = CommandContext<typeof flagSet>;

/**
 * Makes a use case's rows and writes them to a file or to stdout.
 *
 * @throws AIBENCH_USAGE, AIBENCH_INPUT, AIBENCH_OUTPUT; AIBENCH_INTERRUPTED when the signal was aborted
 */
export async function generate(context: Context): Promise<void> {
  const { flags } = context;
  checkGroups(flags.interleavedGenerationGroupId, flags.interleavedGenerationGroups);
  const useCase = await loadUseCase(flags.useCase);
  const rowSizeBytes = useCase.row.sizeBytes;
  const profiling = flags.profileFile !== '';
  const seed = flags.seed === 0 ? Date.now() : flags.seed;
  const threads = profiling ? 0 : flags.threads === 0 ? defaultThreads() : flags.threads;
  const { say, debug } = printers(context);

  const output = await openDataOutput(flags.outputFile, context.stdout);
  let source: RowSource | undefined;
  try {
    const startMs = performance.now();
    const opening = useCase.openSource({
      inputPath: flags.inputFile === '' ? undefined : flags.inputFile,
      seed,
      rowLimit: flags.maxTransactions,
      threads,
      groupId: flags.interleavedGenerationGroupId,
      groupCount: flags.interleavedGenerationGroups,
    });
    source = await unlessAborted(opening, context.signal);
    tellSeed(context, seed, source.description, say);
    debug(1, `node ${process.version}, ${threads} threads, source ${source.description}, seed ${seed}`);

    const stopProfile = profiling ? await startCpuProfile(flags.profileFile) : undefined;
    const sizeBytes = await writeRows(context, source, rowSizeBytes, output.write.bind(output), debug);
    await stopProfile?.();
    const rows = sizeBytes / rowSizeBytes;
    await output.commit({
      manifestVersion,
      suiteVersion: context.version,
      useCase: useCase.name,
      format: flags.format,
      rows,
      rowSizeBytes,
      seed,
      source: source.description,
      maxTransactions: flags.maxTransactions,
      group: { id: flags.interleavedGenerationGroupId, count: flags.interleavedGenerationGroups },
    });
    say(summary(rows, sizeBytes, (performance.now() - startMs) / 1000));
    debug(1, `peak resident memory ${Math.ceil(peakMemoryBytes() / 1e6)} MB`);
  } finally {
    await output.discard();
    await source?.close();
  }
}

async function writeRows(
  { flags, signal, stderr }: Context,
  source: RowSource,
  rowSizeBytes: number,
  write: (chunk: Uint8Array) => Promise<void>,
  debug: (level: number, line: string) => void,
): Promise<number> {
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
      await unlessAborted(write(chunk), signal);
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

function checkGroups(id: number, count: number): void {
  if (id < count) return;
  throw new AibenchError(
    'AIBENCH_USAGE',
    `--interleaved-generation-group-id ${id} is not below the number of groups, ${count}`,
    { hint: 'groups are counted from 0; see --interleaved-generation-groups' },
  );
}

/** Says what a user needs to make the same data again. */
function tellSeed({ flags }: Context, seed: number, source: string, say: (line: string) => void): void {
  const from =
    source === 'synthetic' ? 'drawing rows with the statistics of the Kaggle data set' : `reading ${source}`;
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
