import { AibenchError, errorLine, type Tensor } from '@aibench/core';
import type { InferenceRequest, InferenceTask } from '@aibench/usecases';
import { InFlightIntegral } from '../client/conservation.js';
import type { Arrival } from '../load-model/outstanding-queue.js';
import type { Session } from '../runner.js';
import { answerDifference, checkAnswerShape } from './check-answer.js';
import type { Clock } from './clock.js';
import type { Dispatcher } from './dispatcher.js';
import type { RowCursor, Turn } from './row-cursor.js';
import type { SampleBuffer } from './samples.js';
import { StageStopwatch } from './stages.js';
import { TallyCounter } from './tally.js';

/** Requests in flight, as a thread kept count of them. */
export interface Concurrency {
  /** Integral over time, from the start of the load until now: requests x us. */
  readonly inFlightAreaUs: number;
  /** Out now. */
  readonly inFlight: number;
  /** The most that were out at once. */
  readonly most: number;
  /** How long requests that failed were out, all together. */
  readonly failedTimeUs: number;
  /** How long those that are still out have been, all together. */
  readonly cutOffTimeUs: number;
}

/** What one thread's load loop works with. */
export interface LoadLoopOptions {
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  /** Whether requests have due times of their own, which response time counts from: the open loop. */
  readonly open: boolean;
  readonly rows: RowCursor;
  readonly task: InferenceTask;
  readonly samples: SampleBuffer;
  /** One for each worker of this thread. */
  readonly sessions: readonly Session[];
  /** Opens a session in the place of a lost one; only used with `ignoreErrors`. */
  reconnect(worker: number): Promise<Session>;
  /** When the load starts, on `clock`. */
  readonly startUs: number;
  /** After which no request is sent, counted from the start; Infinity for none. An open loop's schedule ends there, too. */
  readonly durationUs: number;
  /** Requests with a lower number are sent but not measured. */
  readonly burnIn: number;
  /** Neither are those that are due before, us after the start. */
  readonly burnInUs: number;
  /** Requests that are sent together, the next ones when all are answered; 1 for requests on their own. */
  readonly samplesPerQuery: number;
  readonly ignoreErrors: boolean;
  readonly verify: boolean;
  /** How long an answer may take. */
  readonly timeoutUs: number;
  /** Called with each answer, where the user wants them printed. */
  readonly onAnswer: ((requestId: number, outputs: readonly Tensor[]) => void) | undefined;
  /** The first error that ends the run; called once. */
  onFatal(error: unknown): void;
}

/** A request sent later than this after its due time counts as late, us. */
export const lateUs = 1_000;

/** How long to wait before a lost session is opened again. */
const reconnectPauseUs = 100_000;

/** How long a server may stay away before the run ends: time enough to start it again. */
const awayLimitUs = 30_000_000;

interface Worker {
  readonly number: number;
  stopwatch: StageStopwatch;
  session: Session;
  /** When the request that is out was sent; undefined between requests. */
  sentUs: number | undefined;
  /** Ends the wait for the answer that is out, whatever its session does. */
  giveUp: (reason: AibenchError) => void;
}

/** A request with all that it needs to go out. */
interface Prepared {
  readonly worker: Worker;
  readonly arrival: Arrival;
  readonly turn: Turn;
  /** Whether a worker was free to send it when it fell due: if it goes out late all the same, the client was late. */
  readonly awaited: boolean;
}

/** Requests that went out together. */
interface Query {
  readonly sentUs: number;
  /** How many of them are still out. */
  out: number;
  /** Whether its time tells nothing: a request failed, was missing at the end of the input, or belongs to the burn-in. */
  void: boolean;
}

/**
 * The load of one thread. Each worker takes the next request from the
 * dispatcher, waits for its due time if that lies ahead, sends it, waits for
 * the answer, and takes the next. In a closed loop a request is due when its
 * worker is free; in an open loop when the schedule says so, whether or not a
 * worker is free then.
 *
 * Service time runs from the send of a request until its answer is tensors in
 * memory, response time from its due time. Everything here runs on one event
 * loop; nothing is shared between threads.
 */
export class LoadLoop {
  readonly tally = new TallyCounter();
  readonly #options: LoadLoopOptions;
  readonly #inFlight = new InFlightIntegral();
  readonly #workers: readonly Worker[];
  #failedTimeUs = 0;
  #stopped = false;
  #failed = false;
  #rowsEnded = false;
  /** When the schedule was closed, us after the start of the load; undefined while it is open. */
  #closedUs: number | undefined;
  #unsent = 0;

  constructor(options: LoadLoopOptions) {
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
    const groups = inGroups(this.#workers, this.#options.samplesPerQuery);
    await Promise.all(groups.map((group) => this.#work(group)));
    this.#close();
    samples.flush();
  }

  /** Sends nothing more; answers still out are waited for. */
  stop(): void {
    this.#stopped = true;
    // What falls due while the last answers are waited for is no part of the load.
    this.#close();
    this.#options.clock.wakeAll();
  }

  /** Open loop: requests that had fallen due when the load ended, and that were not sent. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Sessions as they are now, lost ones replaced. */
  get sessions(): readonly Session[] {
    return this.#workers.map(({ session }) => session);
  }

  /**
   * Requests in flight, integrated over time up to now, requests x us, and how long those that never came back
   * were out.
   */
  readConcurrency(): Concurrency {
    const nowUs = this.#options.clock.nowUs();
    const out = this.#workers.flatMap(({ sentUs }) => (sentUs === undefined ? [] : [nowUs - sentUs]));
    return {
      inFlightAreaUs: this.#inFlight.areaUs(nowUs - this.#options.startUs),
      inFlight: this.#inFlight.inFlight,
      most: this.#inFlight.most,
      failedTimeUs: this.#failedTimeUs,
      cutOffTimeUs: out.reduce((sum, us) => sum + us, 0),
    };
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

  /** Sends the queries of some workers, one request of each worker at a time, until there are no more. */
  async #work(group: readonly Worker[]): Promise<void> {
    const { clock, dispatcher, startUs } = this.#options;
    while (!this.#stopped) {
      const query: Prepared[] = [];
      for (const worker of group) {
        const prepared = await this.#prepare(worker);
        if (prepared !== undefined) query.push(prepared);
      }
      if (query.length === 0) return;
      const nowUs = clock.nowUs();
      if (this.#isOver(nowUs)) {
        // The end came while the rest of the query was being read.
        for (const { arrival, turn } of query) this.#giveBack(arrival, turn);
        return;
      }
      if (query.length === 1 && group.length === 1) await this.#ask(query[0]!, nowUs, undefined);
      else await this.#askTogether(query, nowUs, query.length === group.length);
      for (const _ of query) dispatcher.release(clock.nowUs() - startUs);
      if (query.length < group.length) return;
    }
  }

  /** Takes the next request, reads its rows, and waits for its due time; undefined where there is nothing more to send. */
  async #prepare(worker: Worker): Promise<Prepared | undefined> {
    const { clock, dispatcher, startUs, durationUs } = this.#options;
    const takenUs = clock.nowUs() - startUs;
    const arrival = dispatcher.take(takenUs);
    if (arrival === undefined) return undefined;
    const turn = await this.#nextTurn();
    if (turn !== undefined && !this.#stopped) {
      const dueUs = startUs + arrival.dueUs;
      if (dueUs > clock.nowUs()) await clock.sleepUntil(Math.min(dueUs, startUs + durationUs));
      // Not seen at the send: a row that is read too late makes the client late, too.
      const awaited = arrival.dueUs >= takenUs;
      if (!this.#isOver(clock.nowUs())) return { worker, arrival, turn, awaited };
    }
    this.#giveBack(arrival, turn);
    return undefined;
  }

  /** A request that was taken and is not to be sent. */
  #giveBack(arrival: Arrival, turn: Turn | undefined): void {
    const { clock, dispatcher, startUs, open } = this.#options;
    const nowUs = clock.nowUs() - startUs;
    dispatcher.release(nowUs);
    const noRows = turn === undefined && this.#rowsEnded;
    if (open && !noRows && arrival.dueUs <= (this.#closedUs ?? nowUs)) this.#unsent += 1;
  }

  #isOver(nowUs: number): boolean {
    const { startUs, durationUs } = this.#options;
    return this.#stopped || nowUs - startUs >= durationUs;
  }

  /** Ends the schedule, and counts what had fallen due. */
  #close(): void {
    if (this.#closedUs !== undefined) return;
    const { clock, dispatcher, startUs, open } = this.#options;
    this.#closedUs = clock.nowUs() - startUs;
    const waiting = dispatcher.close(this.#closedUs);
    if (open && !this.#rowsEnded) this.#unsent += waiting;
  }

  async #nextTurn(): Promise<Turn | undefined> {
    try {
      const next = this.#options.rows.next();
      const turn: Turn | undefined = next instanceof Promise ? await next : next;
      if (turn === undefined && !this.#stopped) {
        // Requests without a row are never due, like those beyond the end of a file.
        this.#rowsEnded = true;
        this.#close();
      }
      return turn;
    } catch (error) {
      // A read that was out when the run was stopped may fail because the file is closed.
      if (!this.#stopped) this.#fail(error);
      return undefined;
    }
  }

  async #askTogether(requests: readonly Prepared[], nowUs: number, whole: boolean): Promise<void> {
    const inBurnIn = requests.some(({ arrival }) => arrival.index < this.#options.burnIn);
    const query: Query = { sentUs: nowUs, out: requests.length, void: !whole || inBurnIn };
    await Promise.all(requests.map((request) => this.#ask(request, nowUs, query)));
  }

  async #ask(
    { worker, arrival, turn, awaited }: Prepared,
    sentUs: number,
    query: Query | undefined,
  ): Promise<void> {
    const { clock, task, samples, startUs, open, burnIn, burnInUs, verify, onAnswer } = this.#options;
    try {
      const { rows, firstRow } = turn;
      const request = task.readRequest(rows, firstRow);
      const dueUs = open ? startUs + arrival.dueUs : sentUs;
      this.tally.sent += 1;
      if (sentUs - dueUs > lateUs) {
        this.tally.late += 1;
        if (awaited) this.tally.lateByClient += 1;
      }
      worker.sentUs = sentUs;
      this.#inFlight.add(sentUs - startUs, 1);
      worker.stopwatch.start(sentUs);
      const outputs = await answer(worker, request);
      const endUs = clock.nowUs();
      checkAnswerShape(task, outputs, request.rowCount);
      worker.sentUs = undefined;
      this.#inFlight.add(endUs - startUs, -1);
      this.tally.answered += 1;
      this.tally.answeredRows += request.rowCount;
      const measured = arrival.index >= burnIn && dueUs - startUs >= burnInUs;
      const queryUs = query === undefined ? -1 : queryTimeUs(query, endUs);
      samples.append(
        { endUs: endUs - startUs, serviceUs: endUs - sentUs, responseUs: endUs - dueUs, measured, queryUs },
        worker.stopwatch.elapsedUs,
      );
      if (verify) this.#verify(request.id, turn, outputs);
      onAnswer?.(request.id, outputs);
      // After a failure, something may yet be sending them.
      turn.release?.();
    } catch (error) {
      if (query !== undefined) queryFailed(query);
      await this.#recover(worker, error);
    }
  }

  async #recover(worker: Worker, error: unknown): Promise<void> {
    const { sentUs } = worker;
    worker.sentUs = undefined;
    if (sentUs !== undefined) {
      const { clock, startUs } = this.#options;
      const endUs = clock.nowUs();
      this.#inFlight.add(endUs - startUs, -1);
      this.#failedTimeUs += endUs - sentUs;
      this.tally.failed(error);
    }
    if (!this.#options.ignoreErrors || sentUs === undefined) {
      this.#fail(error);
      return;
    }
    const code = error instanceof AibenchError ? error.code : undefined;
    if (code === 'AIBENCH_CONNECTION' || code === 'AIBENCH_TIMEOUT') await this.#reconnect(worker);
  }

  async #reconnect(worker: Worker): Promise<void> {
    const { clock, startUs, durationUs } = this.#options;
    const lostUs = clock.nowUs();
    closeQuietly(worker.session);
    while (!this.#stopped) {
      try {
        worker.session = await this.#options.reconnect(worker.number);
        this.tally.reconnects += 1;
        return;
      } catch (cause) {
        // The server is still away; what is lost shows as a gap in the windows, not as a flood of failures.
        const nowUs = clock.nowUs();
        if (this.#stopped || nowUs - startUs >= durationUs) return;
        if (nowUs - lostUs >= awayLimitUs) this.#fail(stayedAway(cause));
        else await clock.sleepUntil(nowUs + reconnectPauseUs);
      }
    }
  }

  #verify(requestId: number, { rows, firstRow }: Turn, outputs: readonly Tensor[]): void {
    const { task, ignoreErrors } = this.#options;
    this.tally.verified += 1;
    const difference = answerDifference(task, rows, outputs, firstRow);
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

/** A server that is gone for good must not keep a run that ignores errors going for ever. */
function stayedAway(cause: unknown): AibenchError {
  const message = `the server did not come back within ${awayLimitUs / 1e6} s: ${errorLine(cause)}`;
  return new AibenchError('AIBENCH_CONNECTION', message, { cause });
}

/** Nobody waits for a lost session to close, and nobody cares whether it can. */
function closeQuietly(session: Session): void {
  void (async () => session.close())().catch(() => undefined);
}

/** Workers that send their requests together. */
function inGroups(workers: readonly Worker[], size: number): Worker[][] {
  return Array.from({ length: Math.ceil(workers.length / size) }, (_, group) =>
    workers.slice(group * size, (group + 1) * size),
  );
}

/** The time of a query, told with its last answer; -1 with the others, and where one of them failed. */
function queryTimeUs(query: Query, endUs: number): number {
  query.out -= 1;
  return query.out === 0 && !query.void ? endUs - query.sentUs : -1;
}

function queryFailed(query: Query): void {
  query.out -= 1;
  query.void = true;
}
