import type { Tensor } from '@aibench/core';
import type { ClientObservation } from '../client/client-watch.js';
import type { ServerDescription } from '../runner.js';
import type { Concurrency } from './load-loop.js';
import type { LoadPlan } from './load-plan.js';
import type { RowBlock } from './queued-rows.js';
import type { RunData } from './run-data.js';
import type { Tally } from './tally.js';

/** What every load thread is told when it starts. Plain data. */
export interface ThreadOptions {
  /** URL of the module that exports `runner`. */
  readonly runnerUrl: string;
  readonly runnerFlags: Readonly<Record<string, unknown>>;
  readonly server: ServerDescription;
  readonly data: RunData;
  /** This thread's number, from 0. */
  readonly thread: number;
  /** How the load is made; of its workers, thread t has those with number t modulo threads. */
  readonly plan: LoadPlan;
  readonly input: ThreadInput;
  /** Requests over all threads; Infinity for no limit. */
  readonly limit: number;
  readonly timeoutUs: number;
  readonly ignoreErrors: boolean;
  readonly verify: boolean;
  readonly printResponses: boolean;
  /** Paths for V8 profiles of this thread; empty for none. */
  readonly cpuProfile: string;
  readonly heapProfile: string;
}

/** Where a thread's rows come from: a file that it reads itself, or blocks from the main thread. */
export type ThreadInput =
  | { readonly kind: 'file'; readonly path: string; readonly rowCount: number }
  | { readonly kind: 'stream' };

/** Main thread to load thread. */
export type ToThread =
  /** Begin at this moment of the shared clock. */
  | { readonly kind: 'start'; readonly startUs: number }
  | { readonly kind: 'rows'; readonly block: RowBlock }
  | { readonly kind: 'endOfRows' }
  /** A buffer of samples that have been read, to be filled again. */
  | { readonly kind: 'samplesRead'; readonly buffer: ArrayBuffer }
  /** Hand over all samples and the counts so far; answered by `flushed`. */
  | { readonly kind: 'flush' }
  /** Send nothing more; answers that are out are waited for. */
  | { readonly kind: 'stop' }
  /** Give up on the answers that are still out. */
  | { readonly kind: 'abandon' };

/** Load thread to main thread. */
export type FromThread =
  /** All sessions are open. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'needRows' }
  /** The counts are those of the same moment, so that samples and counts always agree. */
  | {
      readonly kind: 'samples';
      readonly samples: Float64Array<ArrayBuffer>;
      readonly status: ThreadStatus;
    }
  | { readonly kind: 'flushed'; readonly status: ThreadStatus }
  | { readonly kind: 'answers'; readonly answers: readonly PrintedAnswer[] }
  /** An error that ends the run. */
  | { readonly kind: 'fatal'; readonly error: PlainError }
  /** Everything sent is answered, failed or abandoned; nothing more will come. */
  | { readonly kind: 'done'; readonly status: ThreadStatus; readonly end: ThreadEnd };

/** Where a thread stands. */
export interface ThreadStatus {
  readonly tally: Tally;
}

/** What a thread tells when its load is over. */
export interface ThreadEnd {
  readonly client: ClientObservation;
  readonly concurrency: Concurrency;
  /** Open loop: requests dropped because too many were outstanding. */
  readonly dropped: number;
  /** Open loop: requests that had come due and that no worker was free to send. */
  readonly unsent: number;
}

/** An answer for `--print-responses`. */
export interface PrintedAnswer {
  readonly requestId: number;
  readonly outputs: readonly Tensor[];
}

/** An error as plain data: classes do not survive the way between threads. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}
