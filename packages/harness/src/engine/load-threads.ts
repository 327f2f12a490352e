import { Worker } from 'node:worker_threads';
import { AibenchError, type ErrorCode } from '@aibench/core';
import { type Deferred, deferred } from './deferred.js';
import type { RowStream } from './row-stream.js';
import type {
  FromThread,
  PlainError,
  PrintedAnswer,
  ThreadEnd,
  ThreadOptions,
  ThreadStatus,
  ToThread,
} from './thread-messages.js';
import { within } from './time-limit.js';

/** What the load threads tell as the run goes on. */
export interface LoadThreadsEvents {
  /** @param samples to be read now: they are gone afterwards */
  onSamples(samples: Float64Array): void;
  onAnswers(answers: readonly PrintedAnswer[]): void;
  /** The first error that ends the run. */
  onFatal(error: AibenchError): void;
}

/** What the threads share; the rest of {@link ThreadOptions} tells them apart. */
export type SharedThreadOptions = Omit<ThreadOptions, 'thread'>;

interface LoadThread {
  readonly number: number;
  readonly worker: Worker;
  readonly ready: Deferred<void>;
  /** Settles when nothing more will come of the thread's load. */
  readonly done: Deferred<void>;
  readonly exited: Deferred<void>;
  flushed: Deferred<void> | undefined;
  status: ThreadStatus | undefined;
  end: ThreadEnd | undefined;
  /** Whether its end, if it comes, is no accident. */
  finished: boolean;
}

/** How long a thread that is done may take to close its sessions. */
const closeLimitMs = 1_000;

/** The load threads as the main thread sees them. */
export class LoadThreads {
  readonly #threads: readonly LoadThread[];
  readonly #events: LoadThreadsEvents;
  readonly #stream: RowStream | undefined;
  #failed = false;

  /** @param stream where rows come from when threads don't read a file themselves */
  constructor(options: SharedThreadOptions, stream: RowStream | undefined, events: LoadThreadsEvents) {
    this.#events = events;
    this.#stream = stream;
    this.#threads = Array.from({ length: options.plan.threads }, (_, thread) =>
      this.#spawn({ ...options, thread }),
    );
  }

  /** Settles when every session of every thread is open; rejects with the error that kept one from it. */
  async ready(): Promise<void> {
    await Promise.all(this.#threads.map(({ ready }) => ready.promise));
  }

  /** @param startUs on the clock that all threads share */
  start(startUs: number): void {
    this.#post({ kind: 'start', startUs });
  }

  /** Settles when all samples and counts up to now have arrived. */
  async flush(): Promise<void> {
    const running = this.#threads.filter(({ finished }) => !finished);
    await Promise.all(
      running.map((thread) => {
        thread.flushed ??= deferred();
        thread.worker.postMessage({ kind: 'flush' } satisfies ToThread);
        return thread.flushed.promise;
      }),
    );
  }

  /** Sends no more requests. */
  stop(): void {
    this.#post({ kind: 'stop' });
  }

  /** Gives up on answers that are still out. */
  abandon(): void {
    this.#post({ kind: 'abandon' });
  }

  /** Ends threads that don't even hear {@link abandon}: a runner that computes without end keeps its thread from it. */
  kill(): void {
    for (const { worker, finished } of this.#threads) if (!finished) void worker.terminate();
  }

  /** Settles when every thread is done; never rejects. */
  async done(): Promise<void> {
    await Promise.all(this.#threads.map(({ done }) => done.promise));
  }

  /** Where each thread stood when it was last heard of; undefined for one that never got so far. */
  get statuses(): readonly (ThreadStatus | undefined)[] {
    return this.#threads.map(({ status }) => status);
  }

  /** What each thread told at its end; undefined for one that never came to it. */
  get ends(): readonly (ThreadEnd | undefined)[] {
    return this.#threads.map(({ end }) => end);
  }

  /** Ends the threads: those that are done after they have closed their sessions, the others at once. */
  async terminate(): Promise<void> {
    await Promise.all(
      this.#threads.map(async (thread) => {
        const { worker, exited, finished } = thread;
        thread.finished = true;
        const tooLate = () => new AibenchError('AIBENCH_TIMEOUT', 'sessions take too long to close');
        if (finished) await within(exited.promise, closeLimitMs, tooLate).catch(() => undefined);
        await worker.terminate();
      }),
    );
  }

  #spawn(options: ThreadOptions): LoadThread {
    const worker = new Worker(new URL('./load-thread.js', import.meta.url), { workerData: options });
    const thread: LoadThread = {
      number: options.thread,
      worker,
      ready: deferred(),
      done: deferred(),
      exited: deferred(),
      flushed: undefined,
      status: undefined,
      end: undefined,
      finished: false,
    };
    // Nobody may be waiting when a thread fails before its sessions are open.
    thread.ready.promise.catch(() => undefined);
    worker.on('message', (message: FromThread) => this.#receive(thread, message));
    worker.on('error', (cause) => this.#ended(thread, cause));
    worker.on('exit', () => {
      this.#ended(thread, undefined);
      thread.exited.resolve();
    });
    return thread;
  }

  #receive(thread: LoadThread, message: FromThread): void {
    switch (message.kind) {
      case 'ready':
        thread.ready.resolve();
        break;
      case 'needRows':
        void this.#feed(thread);
        break;
      case 'samples':
        thread.status = message.status;
        this.#events.onSamples(message.samples);
        this.#giveBack(thread, message.samples.buffer);
        break;
      case 'answers':
        this.#events.onAnswers(message.answers);
        break;
      case 'flushed':
        thread.status = message.status;
        thread.flushed?.resolve();
        thread.flushed = undefined;
        break;
      case 'fatal':
        this.#fail(thread, reviveError(message.error));
        break;
      case 'done':
        thread.status = message.status;
        thread.end = message.end;
        this.#finish(thread);
        break;
    }
  }

  #giveBack({ worker, finished }: LoadThread, buffer: ArrayBuffer): void {
    if (!finished) worker.postMessage({ kind: 'samplesRead', buffer } satisfies ToThread, [buffer]);
  }

  async #feed(thread: LoadThread): Promise<void> {
    let message: ToThread = { kind: 'endOfRows' };
    try {
      const block = await this.#stream?.next();
      if (block !== undefined) message = { kind: 'rows', block };
    } catch (error) {
      this.#fail(undefined, error as AibenchError);
    }
    thread.worker.postMessage(message, message.kind === 'rows' ? [message.block.rows.buffer] : []);
  }

  #ended(thread: LoadThread, cause: Error | undefined): void {
    if (!thread.finished) {
      const reason = cause === undefined ? 'ended without a word' : `failed: ${cause.message}`;
      this.#fail(
        thread,
        new AibenchError('AIBENCH_THREAD', `load thread ${thread.number} ${reason}`, { cause }),
      );
    }
    this.#finish(thread);
  }

  #finish(thread: LoadThread): void {
    thread.finished = true;
    thread.flushed?.resolve();
    thread.done.resolve();
  }

  #fail(thread: LoadThread | undefined, error: AibenchError): void {
    thread?.ready.reject(error);
    if (this.#failed) return;
    this.#failed = true;
    this.#events.onFatal(error);
  }

  #post(message: ToThread): void {
    for (const { worker, finished } of this.#threads) if (!finished) worker.postMessage(message);
  }
}

function reviveError({ code, message, hint, stack }: PlainError): AibenchError {
  const error = new AibenchError(code as ErrorCode, message, { hint });
  if (stack !== undefined) error.stack = stack;
  return error;
}
