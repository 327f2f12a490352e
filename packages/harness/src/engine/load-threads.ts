import { Worker } from 'node:worker_threads';
import { AibenchError, type ErrorCode } from '@aibench/core';
import type { RowStream } from './row-stream.js';
import type {
  FromThread,
  PlainError,
  PrintedAnswer,
  ThreadOptions,
  ThreadStatus,
  ToThread,
} from './thread-messages.js';

/** What the load threads tell as the run goes on. */
export interface LoadThreadsEvents {
  onSamples(samples: Float64Array): void;
  onAnswers(answers: readonly PrintedAnswer[]): void;
  /** The first error that ends the run. */
  onFatal(error: AibenchError): void;
}

/** What the threads share; the rest of {@link ThreadOptions} tells them apart. */
export type SharedThreadOptions = Omit<ThreadOptions, 'thread'>;

interface LoadThread {
  readonly worker: Worker;
  readonly ready: PromiseWithResolvers<void>;
  readonly done: PromiseWithResolvers<void>;
  flushed: PromiseWithResolvers<void> | undefined;
  status: ThreadStatus | undefined;
  /** Whether the thread has said goodbye, so that its exit is no accident. */
  finished: boolean;
}

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
    this.#threads = Array.from({ length: options.threads }, (_, thread) =>
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
        thread.flushed ??= promiseWithResolvers();
        thread.worker.postMessage({ kind: 'flush' } satisfies ToThread);
        return Promise.race([thread.flushed.promise, thread.done.promise]);
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

  /** Settles when every thread is done; never rejects. */
  async done(): Promise<void> {
    await Promise.all(this.#threads.map(({ done }) => done.promise));
  }

  /** Where each thread stood when it was last heard of; undefined for one that never got so far. */
  get statuses(): readonly (ThreadStatus | undefined)[] {
    return this.#threads.map(({ status }) => status);
  }

  /** Ends the threads, whatever they do. */
  async terminate(): Promise<void> {
    for (const thread of this.#threads) thread.finished = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #spawn(options: ThreadOptions): LoadThread {
    const worker = new Worker(new URL('./load-thread.js', import.meta.url), { workerData: options });
    const thread: LoadThread = {
      worker,
      ready: promiseWithResolvers(),
      done: promiseWithResolvers(),
      flushed: undefined,
      status: undefined,
      finished: false,
    };
    // Nobody may be waiting when a thread fails before its sessions are open.
    thread.ready.promise.catch(() => undefined);
    worker.on('message', (message: FromThread) => this.#receive(thread, message));
    worker.on('error', (cause) => this.#died(thread, options.thread, cause));
    worker.on('exit', () => this.#died(thread, options.thread, undefined));
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
        this.#events.onSamples(message.samples);
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
        thread.finished = true;
        thread.done.resolve();
        break;
    }
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

  #died(thread: LoadThread, number: number, cause: Error | undefined): void {
    if (!thread.finished) {
      const reason = cause === undefined ? 'without a word' : `: ${cause.message}`;
      this.#fail(
        thread,
        new AibenchError('AIBENCH_THREAD', `load thread ${number} ended ${reason}`, { cause }),
      );
    }
    thread.finished = true;
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

function reviveError({ code, message, hint }: PlainError): AibenchError {
  return new AibenchError(code as ErrorCode, message, { hint });
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** ES2024's Promise.withResolvers, which Node 20 lacks. */
function promiseWithResolvers(): PromiseWithResolvers<void> {
  let resolve: () => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
