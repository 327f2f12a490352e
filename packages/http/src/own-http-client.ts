import { DeadlineTimer, type MessageBytes } from '@aibench/core';
import { checkRequestHead } from './check-request-head.js';
import type { HttpAddress } from './http-address.js';
import type { HttpAnswer, HttpClient, HttpRequestHead, HttpRoute } from './http-client.js';
import { codingError, type HttpErrorContext, httpError } from './http-error.js';
import { HttpFault } from './http-fault.js';
import { SocketFactory } from './http-socket.js';
import { type ConnectionOwner, type Exchange, RequestConnection } from './request-connection.js';
import { RequestHead } from './request-head.js';

/** How a client behaves, all of it said. */
export interface OwnHttpClientOptions {
  readonly flag: string;
  readonly timeoutFlag: string;
  /** 0 for none. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly connectTimeoutMs: number;
}

/**
 * A client over sockets of our own. It has one connection at a time, which it
 * opens with the first request, and anew with the next one where the server has
 * closed it or an answer was not as it should be.
 */
export class OwnHttpClient implements HttpClient, ConnectionOwner {
  readonly address: string;
  readonly #host: string;
  readonly #options: OwnHttpClientOptions;
  readonly #context: Omit<HttpErrorContext, 'hasAnswered'>;
  readonly #sockets: SocketFactory;
  /** The one that requests go over; undefined while there is none. */
  #connection: RequestConnection | undefined;
  /** That one, and those that are about to close. */
  readonly #connections = new Set<RequestConnection>();
  /** Whether a request is out. */
  #isBusy = false;
  #waiting: Exchange[] = [];
  #hasAnswered = false;
  #isClosed = false;
  #onAllClosed: (() => void) | undefined;
  readonly #deadlines = new DeadlineTimer((nowMs) => this.#expire(nowMs));

  /** @throws AIBENCH_INPUT where the file of authorities cannot be read */
  constructor(where: HttpAddress, options: OwnHttpClientOptions) {
    const { address, origin, tls } = where;
    const { flag, timeoutFlag } = options;
    this.address = address;
    this.#host = new URL(origin).host;
    this.#options = options;
    this.#context = { address, flag, timeoutFlag, tls: tls !== undefined };
    this.#sockets = new SocketFactory(where);
  }

  route(head: HttpRequestHead): HttpRoute {
    checkRequestHead(head);
    const encoded = new RequestHead(this.#host, head);
    return { send: (body) => this.#send(encoded, body) };
  }

  backlogBytes(): number {
    return this.#connection?.backlogBytes ?? 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const fault = new HttpFault('closedHere');
    this.#failWaiting(fault);
    for (const connection of this.#connections) connection.abandon(fault);
    this.#deadlines.stop();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const before = this.#onAllClosed;
      this.#onAllClosed = () => {
        before?.();
        resolve();
      };
    });
  }

  onFree(connection: RequestConnection): void {
    if (!connection.isUsable) this.#leave(connection);
    this.#isBusy = false;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#start(next);
  }

  onHttp(): void {
    this.#hasAnswered = true;
  }

  onClosed(connection: RequestConnection): void {
    if (this.#connection === connection) this.#connection = undefined;
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onAllClosed?.();
  }

  #send(head: RequestHead, body: MessageBytes | undefined): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const { timeoutMs } = this.#options;
      const deadlineMs = timeoutMs > 0 ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
      if (timeoutMs > 0) this.#deadlines.add(deadlineMs);
      const fail = (cause: unknown) =>
        reject(httpError({ ...this.#context, hasAnswered: this.#hasAnswered }, cause));
      const succeed = (answer: HttpAnswer) => {
        const error = codingError(this.address, answer);
        if (error === undefined) resolve(answer);
        else reject(error);
      };
      const exchange: Exchange = { head, body, deadlineMs, resolve: succeed, reject: fail };
      if (this.#isBusy) this.#waiting.push(exchange);
      else this.#start(exchange);
    });
  }

  #start(exchange: Exchange): void {
    if (this.#isClosed) {
      exchange.reject(new HttpFault('closedHere'));
      return;
    }
    this.#isBusy = true;
    let connection = this.#connection;
    if (connection?.isUsable !== true) {
      if (connection !== undefined) this.#leave(connection);
      connection = this.#connect();
      this.#connection = connection;
    }
    connection.send(exchange);
  }

  #leave(connection: RequestConnection): void {
    if (this.#connection === connection) this.#connection = undefined;
    connection.retire();
    this.#deadlines.add(connection.dueMs);
  }

  #connect(): RequestConnection {
    const { connectTimeoutMs, maxAnswerBytes } = this.#options;
    const connectDeadlineMs = performance.now() + connectTimeoutMs;
    this.#deadlines.add(connectDeadlineMs);
    const connection = new RequestConnection(this, {
      sockets: this.#sockets,
      isEncrypted: this.#context.tls,
      maxAnswerBytes,
      connectDeadlineMs,
    });
    this.#connections.add(connection);
    return connection;
  }

  #expire(nowMs: number): number {
    const late = this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    if (late.length > 0) this.#waiting = this.#waiting.filter(({ deadlineMs }) => deadlineMs > nowMs);
    for (const exchange of late) exchange.reject(new HttpFault('late'));
    // What one was doing may have made way for the next request.
    for (const connection of [...this.#connections]) connection.expire(nowMs);
    return Math.min(
      ...[...this.#connections].map(({ dueMs }) => dueMs),
      ...this.#waiting.map(({ deadlineMs }) => deadlineMs),
    );
  }

  #failWaiting(cause: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(cause);
  }
}
