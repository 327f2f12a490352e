import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { AibenchError, type ErrorCode } from '@aibench/core';
import type { ChunkMaker, ChunkModule, PoolJob } from './chunk-maker.js';

/** How a {@link RowPool} is set up. */
export interface RowPoolOptions {
  /** Module that exports `createChunkMaker`, see {@link ChunkModule}. */
  readonly moduleUrl: URL;
  /** What `createChunkMaker` is given; crosses threads, so plain data. */
  readonly settings: unknown;
  /** Worker threads; 0 makes the chunks in the calling thread. */
  readonly threads: number;
  /** Largest chunk that a job may fill, in bytes. */
  readonly chunkSizeBytes: number;
}

/** What a thread is told once and with each job. The buffers move with the messages, to and fro. */
export interface ThreadSetup {
  readonly moduleUrl: string;
  readonly settings: unknown;
}
export interface ThreadRequest {
  readonly job: PoolJob;
  readonly output: Uint8Array<ArrayBuffer>;
}
export type ThreadReply = {
  readonly output: Uint8Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
} & ({ readonly filledBytes: number } | { readonly error: PlainError });

/** An AibenchError as it crosses threads; any other error has no code. */
export interface PlainError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

type Result = { readonly chunk: Uint8Array<ArrayBuffer> } | { readonly error: Error };

/** Threads beyond this only wait for the one that writes and hashes. */
const mostUsefulThreads = 6;

/** Worker threads for making rows: one a core, at most 6. */
export function defaultThreads(): number {
  return Math.min(availableParallelism(), mostUsefulThreads);
}

/**
 * Makes chunks of rows on several threads and hands them out in the order of
 * their jobs. At most three chunks a thread are under way, and their buffers
 * are used again, so memory stays the same however many rows there are.
 */
export class RowPool<Job extends PoolJob> {
  readonly #options: RowPoolOptions;
  readonly #threads: ChunkThread[] = [];
  readonly #freeOutputs: ArrayBuffer[] = [];
  readonly #freeInputs: ArrayBuffer[] = [];
  #inlineMaker: ChunkMaker<Job> | undefined;
  #closed = false;

  constructor(options: RowPoolOptions) {
    this.#options = options;
  }

  /**
   * Memory for a job's {@link PoolJob.bytes}, used before where there is some.
   * It moves to the thread with the job: don't touch it afterwards.
   */
  allocateBytes(sizeBytes: number): Uint8Array<ArrayBuffer> {
    const free = this.#freeInputs.pop();
    if (free !== undefined && free.byteLength >= sizeBytes) return new Uint8Array(free, 0, sizeBytes);
    // Rounded up, so that the next one, a little longer, fits as well.
    return new Uint8Array(new ArrayBuffer(Math.ceil(sizeBytes / 65_536) * 65_536), 0, sizeBytes);
  }

  /**
   * The chunks of the jobs, in their order. A chunk is valid until the next one
   * is asked for. An error of a job, or of the jobs' source, comes after all
   * the chunks before it.
   */
  async *run(jobs: AsyncIterable<Job> | Iterable<Job>): AsyncGenerator<Uint8Array, void, undefined> {
    await this.#start();
    const lookAhead = Math.max(1, this.#options.threads * 3);
    const pending: Promise<Result>[] = [];
    const results = this.#submitAll(jobs);
    let ended = false;
    while (!this.#closed) {
      while (!ended && pending.length < lookAhead) {
        const { done, value } = await results.next();
        if (done === true) ended = true;
        else pending.push(value());
      }
      const result = await pending.shift();
      if (result === undefined || this.#closed) return;
      if ('error' in result) throw result.error;
      if (result.chunk.byteLength > 0) yield result.chunk;
      this.#freeOutputs.push(result.chunk.buffer);
    }
  }

  /** Stops the threads; chunks under way are lost. May be called at any time, more than once. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.splice(0).map((thread) => thread.close()));
  }

  async #start(): Promise<void> {
    const { moduleUrl, settings, threads } = this.#options;
    if (threads === 0) {
      const module = (await import(moduleUrl.href)) as ChunkModule<Job>;
      this.#inlineMaker = module.createChunkMaker(settings);
    }
    for (let i = 0; i < threads; i++) {
      this.#threads.push(new ChunkThread({ moduleUrl: moduleUrl.href, settings }));
    }
  }

  /** One thunk a job, so that a job starts when there is room for it; a failure of the source is a last, failed job. */
  async *#submitAll(jobs: AsyncIterable<Job> | Iterable<Job>): AsyncGenerator<() => Promise<Result>> {
    try {
      for await (const job of jobs) yield () => this.#submit(job);
    } catch (error) {
      yield () => Promise.resolve({ error: asError(error) });
    }
  }

  async #submit(job: Job): Promise<Result> {
    const output = new Uint8Array(this.#freeOutputs.pop() ?? new ArrayBuffer(this.#options.chunkSizeBytes));
    if (this.#inlineMaker !== undefined) {
      try {
        const filledBytes = this.#inlineMaker(job, output);
        if (job.bytes !== undefined) this.#freeInputs.push(job.bytes.buffer);
        return { chunk: output.subarray(0, filledBytes) };
      } catch (error) {
        return { error: asError(error) };
      }
    }
    const thread = this.#threads.reduce((least, each) => (each.underWay < least.underWay ? each : least));
    const reply = await thread.make({ job, output });
    if (reply instanceof Error) return { error: reply };
    if (reply.bytes !== undefined) this.#freeInputs.push(reply.bytes.buffer);
    if ('error' in reply) return { error: revive(reply.error) };
    return { chunk: reply.output.subarray(0, reply.filledBytes) };
  }
}

/** One worker thread and the requests that it has not answered yet, in order. */
class ChunkThread {
  readonly #worker: Worker;
  readonly #waiting: ((reply: ThreadReply | Error) => void)[] = [];
  #failure: Error | undefined;

  constructor(setup: ThreadSetup) {
    this.#worker = new Worker(new URL('./chunk-thread.js', import.meta.url), {
      workerData: setup,
      // What a chunk leaves behind is garbage at once; a larger young generation would only keep it longer.
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    });
    this.#worker.on('message', (reply: ThreadReply) => this.#waiting.shift()?.(reply));
    this.#worker.on('error', (error) => this.#fail(asError(error)));
    this.#worker.on('exit', (status) => this.#fail(new Error(`a row-making thread ended with ${status}`)));
  }

  get underWay(): number {
    return this.#waiting.length;
  }

  make(request: ThreadRequest): Promise<ThreadReply | Error> {
    if (this.#failure !== undefined) return Promise.resolve(this.#failure);
    const buffers = [request.output.buffer];
    if (request.job.bytes !== undefined) buffers.push(request.job.bytes.buffer);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#worker.postMessage(request, buffers);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const resolve of this.#waiting.splice(0)) resolve(this.#failure);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function revive({ code, message, hint }: PlainError): Error {
  return code === undefined ? new Error(message) : new AibenchError(code, message, { hint });
}
