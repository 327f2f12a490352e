import { parentPort, workerData } from 'node:worker_threads';
import { AibenchError, errorLine, type Tensor } from '@aibench/core';
import type { InferenceTask, UseCase } from '@aibench/usecases';
import { startCpuProfile, startHeapProfile } from '../cli/profile.js';
import { ClientWatch, totalBacklogBytes } from '../client/client-watch.js';
import { arrivalPacer } from '../load-model/arrival-schedule.js';
import { OutstandingQueue } from '../load-model/outstanding-queue.js';
import type { Runner, Session, SessionContext } from '../runner.js';
import { SystemClock } from './clock.js';
import { deferred } from './deferred.js';
import { ClosedDispatcher, type Dispatcher } from './dispatcher.js';
import { FileRows } from './file-rows.js';
import { LoadLoop } from './load-loop.js';
import { constantRate, firstRequests, unpaced } from './pacer.js';
import { QueuedRows } from './queued-rows.js';
import type { RowCursor } from './row-cursor.js';
import { openRunData } from './run-data.js';
import { SampleBuffer } from './samples.js';
import type {
  FromThread,
  PlainError,
  PrintedAnswer,
  ThreadEnd,
  ThreadOptions,
  ThreadStatus,
  ToThread,
} from './thread-messages.js';
import { setUpLimitMs, within } from './time-limit.js';

/** How often overdue requests are looked for. */
const overdueCheckMs = 100;

const options = workerData as ThreadOptions;
const { plan } = options;
const port = parentPort!;

function send(message: FromThread, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function plainError(error: unknown): PlainError {
  const stack = error instanceof Error ? error.stack : undefined;
  if (error instanceof AibenchError)
    return { code: error.code, message: error.message, hint: error.hint, stack };
  return { code: 'AIBENCH_UNKNOWN', message: errorLine(error), hint: undefined, stack };
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

/** One load thread: opens its sessions, bears its share of the load, hands over what came of it. */
class LoadThread {
  readonly #watch = new ClientWatch(() => totalBacklogBytes(this.#loop?.sessions ?? []));
  readonly #clock = new SystemClock(this.#watch);
  readonly #abort = new AbortController();
  /** When the load starts; undefined where the run was stopped before. */
  readonly #started = deferred<number | undefined>();
  readonly #abandoned = deferred();
  readonly #printer = new AnswerPrinter();
  readonly #samples = new SampleBuffer((samples) => {
    if (!this.#over) send({ kind: 'samples', samples, status: this.#status() }, [samples.buffer]);
  });
  #rows: RowCursor | undefined;
  #loop: LoadLoop | undefined;
  #dispatcher: Dispatcher | undefined;
  #stopped = false;
  /** Whether the last counts are told: whatever comes in from then on counts no more. */
  #over = false;

  async run(): Promise<void> {
    port.on('message', (message: ToThread) => this.#receive(message));
    const { useCase, task, close: closeData } = await openRunData(options.data);
    const { runner } = (await import(options.runnerUrl)) as { runner: Runner };
    const stopProfiles = await startProfiles();
    const connect = (localWorker: number) => this.#connect(runner, task, localWorker);
    const localWorkers = shareOf(plan.workers);
    const sessions = await Promise.all(Array.from({ length: localWorkers }, (_, worker) => connect(worker)));
    const rows = await openRows(useCase);
    this.#rows = rows;
    send({ kind: 'ready' });

    const startUs = await this.#started.promise;
    if (startUs !== undefined && !this.#stopped) {
      const loop = this.#createLoop(task, rows, sessions, connect, startUs);
      this.#loop = loop;
      this.#watch.start();
      const overdueCheck = setInterval(() => loop.endOverdue(), overdueCheckMs);
      await Promise.race([loop.run(), this.#abandoned.promise]);
      clearInterval(overdueCheck);
    }
    this.handOver();
    this.#over = true;
    const status = this.#status();
    const end = this.#end();
    // A profile that cannot be written must not cost the result.
    await stopProfiles().catch((error: unknown) => send({ kind: 'fatal', error: plainError(error) }));
    send({ kind: 'done', status, end });
    const open = this.#loop?.sessions ?? sessions;
    await Promise.allSettled([...open.map(async (session) => session.close()), rows.close()]);
    closeData();
  }

  /** Gives the main thread all samples, answers and counts up to now. */
  handOver(): void {
    if (this.#over) return;
    this.#samples.flush();
    this.#printer.flush();
    send({ kind: 'flushed', status: this.#status() });
  }

  #receive(message: ToThread): void {
    switch (message.kind) {
      case 'start':
        this.#started.resolve(message.startUs);
        break;
      case 'rows':
        if (this.#rows instanceof QueuedRows) this.#rows.push(message.block);
        break;
      case 'endOfRows':
        if (this.#rows instanceof QueuedRows) this.#rows.end();
        break;
      case 'samplesRead':
        this.#samples.giveBack(message.buffer);
        break;
      case 'flush':
        this.handOver();
        break;
      case 'stop':
        this.#stopped = true;
        this.#started.resolve(undefined);
        this.#loop?.stop();
        void this.#rows?.close().catch(() => undefined);
        break;
      case 'abandon':
        this.#abort.abort();
        this.#abandoned.resolve();
        break;
    }
  }

  #status(): ThreadStatus {
    return { tally: this.#loop?.tally.read() ?? emptyTally };
  }

  #end(): ThreadEnd {
    return {
      client: this.#watch.stop(),
      concurrency: this.#loop?.readConcurrency() ?? emptyConcurrency,
      dropped: this.#dispatcher?.dropped ?? 0,
      unsent: this.#loop?.unsent ?? 0,
    };
  }

  /** Opens the session of one of this thread's workers. A server that accepts and says nothing must not hold up the run. */
  async #connect(runner: Runner, task: InferenceTask, localWorker: number): Promise<Session> {
    const context: SessionContext = {
      flags: options.runnerFlags as SessionContext['flags'],
      task,
      requestTimeoutMs: options.timeoutUs / 1_000,
      signal: this.#abort.signal,
      server: options.server,
      worker: options.thread + localWorker * plan.threads,
      workers: plan.workers,
    };
    const session = runner.connect(context);
    const limitMs = setUpLimitMs(options.timeoutUs / 1_000);
    return within(session, limitMs, () => {
      // It may come yet; nobody wants it then.
      void session.then((late) => late.close()).catch(() => undefined);
      return new AibenchError(
        'AIBENCH_TIMEOUT',
        `worker ${context.worker} got no session within ${limitMs / 1_000} s`,
        { hint: 'see --request-timeout' },
      );
    });
  }

  #createLoop(
    task: InferenceTask,
    rows: RowCursor,
    sessions: readonly Session[],
    reconnect: (worker: number) => Promise<Session>,
    startUs: number,
  ): LoadLoop {
    const dispatcher = createDispatcher();
    this.#dispatcher = dispatcher;
    return new LoadLoop({
      clock: this.#clock,
      dispatcher,
      open: plan.schedule !== undefined,
      rows,
      task,
      samples: this.#samples,
      sessions,
      reconnect,
      startUs,
      durationUs: plan.durationUs,
      burnIn: plan.burnIn,
      burnInUs: plan.burnInUs,
      samplesPerQuery: plan.samplesPerQuery,
      ignoreErrors: options.ignoreErrors,
      verify: options.verify,
      timeoutUs: options.timeoutUs,
      onAnswer: options.printResponses ? this.#printer.add : undefined,
      onFatal: (error) => send({ kind: 'fatal', error: plainError(error) }),
    });
  }
}

const emptyTally: ThreadStatus['tally'] = {
  sent: 0,
  answered: 0,
  answeredRows: 0,
  failures: [],
  verified: 0,
  mismatched: 0,
  reconnects: 0,
  late: 0,
  lateByClient: 0,
};

const emptyConcurrency: ThreadEnd['concurrency'] = {
  inFlightAreaUs: 0,
  inFlight: 0,
  most: 0,
  failedTimeUs: 0,
  cutOffTimeUs: 0,
};

/** This thread's part of something that is spread over all threads. */
function shareOf(total: number): number {
  return Math.ceil((total - options.thread) / plan.threads);
}

/** Rows of a stream go to whoever asks first, so that its end, not a number, ends the load. */
function createDispatcher(): Dispatcher {
  const { thread, input } = options;
  const limit = input.kind === 'stream' ? Number.POSITIVE_INFINITY : options.limit;
  const { schedule, limitRps, maxOutstanding, threads, durationUs } = plan;
  if (schedule === undefined) {
    const pacer = limitRps > 0 ? constantRate(limitRps) : unpaced;
    return new ClosedDispatcher(firstRequests(pacer, limit), thread, threads);
  }
  const pacer = firstRequests(arrivalPacer(schedule, durationUs), limit);
  return new OutstandingQueue({
    pacer,
    maxOutstanding: shareOf(maxOutstanding),
    firstIndex: thread,
    stride: threads,
  });
}

async function openRows(useCase: UseCase): Promise<RowCursor> {
  const { input, limit, thread } = options;
  const { batchSize, sendPartial, threads } = plan;
  const requests = { batchSize, sendPartial, rowSizeBytes: useCase.row.sizeBytes };
  if (input.kind === 'stream') return new QueuedRows(requests, () => send({ kind: 'needRows' }));
  const { path, rowCount } = input;
  return FileRows.open({ ...requests, path, rowCount, limit, thread, threads });
}

/** @returns what writes the profiles that were asked for */
async function startProfiles(): Promise<() => Promise<void>> {
  const { thread, cpuProfile, heapProfile } = options;
  // Load threads all do the same; one profile shows it.
  const stopCpu = thread === 0 && cpuProfile !== '' ? await startCpuProfile(cpuProfile) : undefined;
  const stopHeap = thread === 0 && heapProfile !== '' ? await startHeapProfile(heapProfile) : undefined;
  return async () => {
    await stopCpu?.();
    await stopHeap?.();
  };
}

const thread = new LoadThread();
let finished = false;

// A runner's stray error ends the run, but not before what is out has come back.
process.on('uncaughtException', (error: unknown) => {
  const { message, stack } = plainError(error);
  send({
    kind: 'fatal',
    error: {
      code: 'AIBENCH_THREAD',
      message: `load thread ${options.thread} failed: ${message}`,
      hint: 'this is a bug in the runner; AIBENCH_DEBUG=1 shows where',
      stack,
    },
  });
});
process.on('exit', () => {
  if (!finished) thread.handOver();
});

thread
  .run()
  .catch((error: unknown) => send({ kind: 'fatal', error: plainError(error) }))
  .finally(() => {
    finished = true;
    // Whatever a runner left open must not keep the thread.
    process.exit();
  });
