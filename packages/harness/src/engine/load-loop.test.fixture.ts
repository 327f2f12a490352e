import { AibenchError, float32Tensor, type Tensor } from '@aibench/core';
import type { InferenceRequest, InferenceTask } from '@aibench/usecases';
import { OutstandingQueue } from '../load-model/outstanding-queue.js';
import type { Session } from '../runner.js';
import { ClosedDispatcher } from './dispatcher.js';
import { LoadLoop, type LoadLoopOptions } from './load-loop.js';
import { type Pacer, unpaced } from './pacer.js';
import type { RowCursor, Turn } from './row-cursor.js';
import { SampleBuffer, sampleStages, sampleWidth } from './samples.js';
import type { StageTimer } from './stages.js';
import { VirtualClock } from './virtual-clock.js';

/** Rows are one byte long, and the answer to a row is its byte. */
export const task = {
  batchSize: 1,
  outputs: [{ name: 'out', dtype: 'float32', shape: [1], keyPrefix: 'out' }],
  tolerance: 0.1,
  readRequest: (row: Uint8Array): InferenceRequest => ({ id: row[0]!, rowCount: 1, inputs: [] }),
  expectedOutputs: (row: Uint8Array) => [float32Tensor('out', [1], [row[0]!])],
} as unknown as InferenceTask;

/** When the load starts, on the virtual clock. */
export const startUs = 1_000;

/** What a session does with a request. */
export type Infer = (request: InferenceRequest, stages: StageTimer) => Promise<readonly Tensor[]>;

/** Rows in memory, delivered as the test likes: at once, late, or not at all. */
export class ArrayRows implements RowCursor {
  taken = 0;
  readonly #count: number;
  readonly #deliver: (turn: Turn | undefined) => Turn | undefined | Promise<Turn | undefined>;

  constructor(
    count: number,
    deliver: (turn: Turn | undefined) => Turn | undefined | Promise<Turn | undefined>,
  ) {
    this.#count = count;
    this.#deliver = deliver;
  }

  next() {
    if (this.taken >= this.#count) return this.#deliver(undefined);
    const index = this.taken++;
    return this.#deliver({ index, firstRow: index, rows: Uint8Array.of(index % 256) });
  }

  async close() {}
}

/** What differs from a closed loop of one worker over ten rows, answered in 100 us each. */
export interface Setup extends Partial<Omit<LoadLoopOptions, 'rows' | 'sessions' | 'clock'>> {
  readonly clock?: VirtualClock;
  readonly rows?: number | RowCursor;
  readonly workers?: number;
  /** Of a closed loop; default: none. */
  readonly pacer?: Pacer;
  /** Of an open loop, of one thread. */
  readonly schedule?: { readonly pacer: Pacer; readonly maxOutstanding?: number };
  /** What every session does. */
  readonly infer?: Infer;
  readonly close?: () => Promise<void>;
}

/** A sample by its fields. */
export interface Sample {
  readonly endUs: number;
  readonly serviceUs: number;
  readonly responseUs: number;
  readonly measured: boolean;
  readonly queryUs: number;
}

/** A loop on a virtual clock, with all that comes of it. */
export function setUp({
  rows = 10,
  workers = 1,
  pacer = unpaced,
  schedule,
  infer,
  close,
  ...options
}: Setup = {}) {
  const clock = options.clock ?? new VirtualClock();
  const sentUs: number[] = [];
  const samples: Sample[] = [];
  const fatal: unknown[] = [];
  const session: Session = {
    infer: (request, stages) => {
      sentUs.push(clock.nowUs() - startUs);
      return (infer ?? answerAfter(clock, 100))(request, stages);
    },
    close: close ?? (async () => undefined),
  };
  const dispatcher =
    schedule === undefined
      ? new ClosedDispatcher(pacer, 0, 1)
      : new OutstandingQueue({ maxOutstanding: Number.POSITIVE_INFINITY, ...schedule });
  const loop = new LoadLoop({
    dispatcher,
    open: schedule !== undefined,
    task,
    samples: new SampleBuffer((chunk) => {
      for (let at = 0; at < chunk.length; at += sampleWidth) {
        const [endUs, serviceUs, responseUs, measured, queryUs] = chunk.subarray(at, at + sampleStages);
        samples.push({
          endUs: endUs!,
          serviceUs: serviceUs!,
          responseUs: responseUs!,
          measured: measured === 1,
          queryUs: queryUs!,
        });
      }
    }),
    reconnect: async () => session,
    startUs,
    durationUs: Number.POSITIVE_INFINITY,
    burnIn: 0,
    burnInUs: 0,
    samplesPerQuery: 1,
    ignoreErrors: false,
    verify: false,
    timeoutUs: 1e9,
    onAnswer: undefined,
    onFatal: (error) => fatal.push(error),
    ...options,
    clock,
    rows: typeof rows === 'number' ? new ArrayRows(rows, (turn) => turn) : rows,
    sessions: Array.from({ length: workers }, () => session),
  });
  const run = async () => {
    await clock.run(loop.run());
    return loop.tally.read();
  };
  return { clock, loop, dispatcher, run, sentUs, samples, fatal };
}

/** A server that takes this long. */
export function answerAfter(clock: VirtualClock, us: number): Infer {
  return async ({ id }) => {
    await clock.wait(us);
    return [float32Tensor('out', [1], [id])];
  };
}

/** What a server that refuses says. */
export const refused = new AibenchError('AIBENCH_SERVER', 'no');
