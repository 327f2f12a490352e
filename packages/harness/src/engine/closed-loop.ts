import { AibenchError, type Tensor } from '@aibench/core';
import type { InferenceRequest, InferenceTask } from '@aibench/usecases';
import type { Session } from '../runner.js';
import { answerDifference, checkAnswerShape } from './check-answer.js';
import type { Clock } from './clock.js';
import type { Pacer } from './pacer.js';
import type { RowCursor, Turn } from './row-cursor.js';
import type { SampleBuffer } from './samples.js';
import { StageStopwatch } from './stages.js';
import { TallyCounter } from './tally.js';

/** What one thread's closed loop works with. */
export interface ClosedLoopOptions {
  readonly clock: Clock;
  readonly pacer: Pacer;
  readonly rows: RowCursor;
  readonly task: InferenceTask;
  readonly samples: SampleBuffer;
  /** One for each worker of this thread. */
  readonly sessions: readonly Session[];
  /** Opens a session in the place of a lost one; only used with `ignoreErrors`. */
  reconnect(worker: number): Promise<Session>;
  /** When the load starts, on `clock`. */
  readonly startUs: number;
  /** After which no request is sent, counted from the start; Infinity for none. */
  readonly durationUs: number;
  /** Requests with a lower index are sent but not measured. */
  readonly burnIn: number;
  readonly ignoreErrors: boolean;
  readonly verify: boolean;
  /** How long an answer may take. */
  readonly timeoutUs: number;
  /** Called with each answer, where the user wants them printed. */
  readonly onAnswer: ((requestId: number, outputs: readonly Tensor[]) => void) | undefined;
  /** The first error that ends the run; called once. */
  onFatal(error: unknown): void;
}

/** How long to wait before a lost session is opened again. */
const reconnectPauseUs = 100_000;

interface Worker {
  readonly number: number;
  stopwatch: StageStopwatch;
  session: Session;
  /** When the request that is out was sent; undefined between requests. */
  sentUs: number | undefined;
  /** Ends the wait for the answer that is out, whatever its session does. */
  giveUp: (reason: AibenchError) => void;
}

/**
 * The closed loop of one thread: each worker sends a request when the answer
 * to its last one is in. The clock of a request runs from its turn (a row in
 * hand, its time come by the pacer) until its answer is tensors in memory.
 *
 * Everything here runs on one event loop; nothing is shared between threads.
 */
export class ClosedLoop {
  readonly tally = new TallyCounter();
  readonly #options: ClosedLoopOptions;
  readonly #workers: readonly Worker[];
  #stopped = false;
  #failed = false;

  constructor(options: ClosedLoopOptions) {
    this.#options = options;
    this.#workers = options.sessions.map((session, number) => ({
      number,
      session,
      stopwatch: new StageStopwatch(options.clock),
      sentUs: undefined,
      giveUp: () => undefined,
    }));
  }

  /** Runs until rows, limits or {@link stop} end it and every answer is in. */
  async run(): Promise<void> {
    const { clock, startUs, samples } = this.#options;
    if (!this.#stopped) await clock.sleepUntil(startUs);
    await Promise.all(this.#workers.map((worker) => this.#work(worker)));
    samples.flush();
  }

  /** Sends nothing more; answers still out are waited for. */
  stop(): void {
    this.#stopped = true;
    this.#options.clock.wakeAll();
  }

  /** Sessions as they are now, lost ones replaced. */
  get sessions(): readonly Session[] {
    return this.#workers.map(({ session }) => session);
  }

  /** Gives up on requests that have been out for too long, and closes their sessions. To be called now and then. */
  endOverdue(): void {
    const { clock, timeoutUs } = this.#options;
    const overdueUs = clock.nowUs() - timeoutUs;
    for (const worker of this.#workers) {
      if (worker.sentUs === undefined || worker.sentUs > overdueUs) continue;
      // The session may yet use its stopwatch; the next request gets another.
      worker.stopwatch = new StageStopwatch(clock);
      closeQuietly(worker.session);
      worker.giveUp(
        new AibenchError('AIBENCH_TIMEOUT', `no answer within ${timeoutUs / 1e6} s`, {
          hint: 'see --request-timeout',
        }),
      );
    }
  }

  async #work(worker: Worker): Promise<void> {
    const { clock, pacer, rows, startUs, durationUs } = this.#options;
    while (!this.#stopped) {
      let turn: Turn | undefined;
      try {
        const next = rows.next();
        turn = next instanceof Promise ? await next : next;
      } catch (error) {
        // A read that was out when the run was stopped may fail because the file is closed.
        if (!this.#stopped) this.#fail(error);
        return;
      }
      if (turn === undefined || this.#stopped) return;
      const dueUs = startUs + pacer.dueUs(turn.index);
      if (dueUs > clock.nowUs()) {
        await clock.sleepUntil(Math.min(dueUs, startUs + durationUs));
        if (this.#stopped) return;
      }
      const nowUs = clock.nowUs();
      if (nowUs - startUs >= durationUs) return;
      await this.#ask(worker, turn, nowUs);
    }
  }

  async #ask(worker: Worker, { index, row }: Turn, turnUs: number): Promise<void> {
    const { clock, task, samples, startUs, burnIn, verify, onAnswer } = this.#options;
    try {
      const request = task.readRequest(row);
      this.tally.sent += 1;
      worker.sentUs = turnUs;
      worker.stopwatch.start(turnUs);
      const outputs = await answer(worker, request);
      const endUs = clock.nowUs();
      checkAnswerShape(task, outputs);
      worker.sentUs = undefined;
      this.tally.answered += 1;
      samples.append(endUs - startUs, endUs - turnUs, index >= burnIn, worker.stopwatch.elapsedUs);
      if (verify) this.#verify(request.id, row, outputs);
      onAnswer?.(request.id, outputs);
    } catch (error) {
      await this.#recover(worker, error);
    }
  }

  async #recover(worker: Worker, error: unknown): Promise<void> {
    const wasSent = worker.sentUs !== undefined;
    worker.sentUs = undefined;
    if (wasSent) this.tally.failed(error);
    if (!this.#options.ignoreErrors || !wasSent) {
      this.#fail(error);
      return;
    }
    const code = error instanceof AibenchError ? error.code : undefined;
    if (code === 'AIBENCH_CONNECTION' || code === 'AIBENCH_TIMEOUT') await this.#reconnect(worker);
  }

  async #reconnect(worker: Worker): Promise<void> {
    const { clock } = this.#options;
    closeQuietly(worker.session);
    while (!this.#stopped) {
      try {
        worker.session = await this.#options.reconnect(worker.number);
        this.tally.reconnects += 1;
        return;
      } catch {
        // The server is still away; what is lost shows as a gap in the windows, not as a flood of failures.
        const nowUs = clock.nowUs();
        if (this.#stopped || nowUs - this.#options.startUs >= this.#options.durationUs) return;
        await clock.sleepUntil(nowUs + reconnectPauseUs);
      }
    }
  }

  #verify(requestId: number, row: Uint8Array, outputs: readonly Tensor[]): void {
    const { task, ignoreErrors } = this.#options;
    this.tally.verified += 1;
    const difference = answerDifference(task, row, outputs);
    if (difference === undefined) return;
    this.tally.mismatched += 1;
    if (!ignoreErrors) {
      const message = `the answer for row ${requestId} is wrong: ${difference}`;
      this.#fail(
        new AibenchError('AIBENCH_MISMATCH', message, {
          hint: 'is this the right model and data? see --model, --file',
        }),
      );
    }
  }

  #fail(error: unknown): void {
    this.stop();
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFatal(error);
  }
}

/** The answer to a request, or what the worker is told to give up with. */
function answer(worker: Worker, request: InferenceRequest): Promise<readonly Tensor[]> {
  return new Promise((resolve, reject) => {
    worker.giveUp = reject;
    worker.session.infer(request, worker.stopwatch).then(resolve, reject);
  });
}

/** Nobody waits for a lost session to close, and nobody cares whether it can. */
function closeQuietly(session: Session): void {
  void (async () => session.close())().catch(() => undefined);
}
