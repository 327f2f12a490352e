import { parentPort, workerData } from 'node:worker_threads';
import { AibenchError, type Tensor } from '@aibench/core';
import { type InferenceTask, loadUseCase } from '@aibench/usecases';
import { startCpuProfile, startHeapProfile } from '../cli/profile.js';
import type { Runner, Session, SessionContext } from '../runner.js';
import { SystemClock } from './clock.js';
import { ClosedLoop } from './closed-loop.js';
import { FileRows } from './file-rows.js';
import { constantRate, unpaced } from './pacer.js';
import { QueuedRows } from './queued-rows.js';
import type { RowCursor } from './row-cursor.js';
import { SampleBuffer } from './samples.js';
import type {
  FromThread,
  PlainError,
  PrintedAnswer,
  ThreadOptions,
  ThreadStatus,
  ToThread,
} from './thread-messages.js';

/** How often overdue requests are looked for. */
const overdueCheckMs = 100;

const options = workerData as ThreadOptions;
const port = parentPort!;
const clock = new SystemClock();
const abort = new AbortController();

function send(message: FromThread, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function plainError(error: unknown): PlainError {
  if (error instanceof AibenchError) return { code: error.code, message: error.message, hint: error.hint };
  // A bug in a runner: its stack is what its author needs.
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'AIBENCH_UNKNOWN', message, hint: undefined };
}

async function loadRunner(): Promise<Runner> {
  const { runner } = (await import(options.runnerUrl)) as { runner: Runner };
  return runner;
}

async function openRows(task: { rowSizeBytes: number }): Promise<RowCursor> {
  const { input, limit, thread, threads } = options;
  const { rowSizeBytes } = task;
  if (input.kind === 'stream') return new QueuedRows(rowSizeBytes, () => send({ kind: 'needRows' }));
  const { path, rowCount } = input;
  return FileRows.open({ path, rowCount, rowSizeBytes, limit, thread, threads });
}

/** Gathers answers to print, and hands them over together, so that printing costs few messages. */
class AnswerPrinter {
  #answers: PrintedAnswer[] = [];

  readonly add = (requestId: number, outputs: readonly Tensor[]): void => {
    // The data may be a view on a buffer that the next answer overwrites.
    this.#answers.push({
      requestId,
      outputs: outputs.map((output) => ({ ...output, data: output.data.slice() })),
    });
    if (this.#answers.length >= 256) this.flush();
  };

  flush(): void {
    if (this.#answers.length === 0) return;
    send({ kind: 'answers', answers: this.#answers });
    this.#answers = [];
  }
}

async function main(): Promise<void> {
  const useCase = await loadUseCase(options.useCase);
  const task: InferenceTask = useCase.task({ withReference: options.withReference });
  const runner = await loadRunner();
  // Load threads all do the same; one profile shows it.
  const profiled = options.thread === 0;
  const stopCpuProfile =
    profiled && options.cpuProfile !== '' ? await startCpuProfile(options.cpuProfile) : undefined;
  const stopHeapProfile =
    profiled && options.heapProfile !== '' ? await startHeapProfile(options.heapProfile) : undefined;

  const connect = (localWorker: number): Promise<Session> => {
    const context: SessionContext = {
      flags: options.runnerFlags as SessionContext['flags'],
      task,
      signal: abort.signal,
      server: options.server,
      worker: options.thread + localWorker * options.threads,
      workers: options.workers,
    };
    return runner.connect(context);
  };
  const localWorkers = Math.ceil((options.workers - options.thread) / options.threads);
  const sessions = await Promise.all(Array.from({ length: localWorkers }, (_, worker) => connect(worker)));
  const rows = await openRows({ rowSizeBytes: useCase.row.sizeBytes });

  const started = new Promise<number>((resolve) => {
    port.on('message', (message: ToThread) => {
      if (message.kind === 'start') resolve(message.startUs);
      else if (message.kind === 'rows' && rows instanceof QueuedRows) rows.push(message.block);
      else if (message.kind === 'endOfRows' && rows instanceof QueuedRows) rows.end();
    });
  });
  send({ kind: 'ready' });
  const startUs = await started;

  const samples = new SampleBuffer((chunk) => send({ kind: 'samples', samples: chunk }, [chunk.buffer]));
  const printer = new AnswerPrinter();
  const loop = new ClosedLoop({
    clock,
    pacer: options.limitRps > 0 ? constantRate(options.limitRps) : unpaced,
    rows,
    task,
    samples,
    sessions,
    reconnect: connect,
    startUs,
    durationUs: options.durationUs,
    burnIn: options.burnIn,
    ignoreErrors: options.ignoreErrors,
    verify: options.verify,
    timeoutUs: options.timeoutUs,
    onAnswer: options.printResponses ? printer.add : undefined,
    onFatal: (error) => send({ kind: 'fatal', error: plainError(error) }),
  });
  const utilizationAtStart = performance.eventLoopUtilization();
  const status = (): ThreadStatus => ({
    tally: loop.tally.read(),
    eventLoopUtilization: performance.eventLoopUtilization(utilizationAtStart).utilization,
  });
  const abandoned = new Promise<void>((resolve) => {
    port.on('message', (message: ToThread) => {
      if (message.kind === 'flush') {
        samples.flush();
        printer.flush();
        send({ kind: 'flushed', status: status() });
      } else if (message.kind === 'stop') {
        loop.stop();
        void rows.close().catch(() => undefined);
      } else if (message.kind === 'abandon') {
        abort.abort();
        resolve();
      }
    });
  });
  const overdueCheck = setInterval(() => loop.endOverdue(), overdueCheckMs);
  await Promise.race([loop.run(), abandoned]);
  clearInterval(overdueCheck);
  samples.flush();
  printer.flush();
  const last = status();
  await stopCpuProfile?.();
  await stopHeapProfile?.();
  send({ kind: 'done', status: last });
  await Promise.allSettled([...loop.sessions.map((session) => session.close()), rows.close()]);
  port.close();
}

main().catch((error: unknown) => {
  send({ kind: 'fatal', error: plainError(error) });
  port.close();
});
