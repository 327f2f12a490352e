import type { Tensor } from '@aibench/core';
import type { ServerDescription } from '../runner.js';
import type { RowBlock } from './queued-rows.js';
import type { Tally } from './tally.js';

/** What every load thread is told when it starts. Plain data. */
export interface ThreadOptions {
  /** URL of the module that exports `runner`. */
  readonly runnerUrl: string;
  readonly runnerFlags: Readonly<Record<string, unknown>>;
  readonly server: ServerDescription;
  readonly useCase: string;
  readonly withReference: boolean;
  /** This thread's number, from 0, and how many there are. */
  readonly thread: number;
  readonly threads: number;
  /** Workers over all threads; thread t has those with number t modulo threads. */
  readonly workers: number;
  readonly input: ThreadInput;
  /** Requests over all threads; Infinity for no limit. */
  readonly limit: number;
  /** Overall; 0 for none. */
  readonly limitRps: number;
  readonly burnIn: number;
  readonly durationUs: number;
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
  | { readonly kind: 'done'; readonly status: ThreadStatus };

/** Where a thread stands. */
export interface ThreadStatus {
  readonly tally: Tally;
  /** Share of the time since the start of the load in which the event loop was busy, 0 to 1. */
  readonly eventLoopUtilization: number;
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
