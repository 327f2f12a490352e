import type { Socket } from 'node:net';
import type { MessageBytes } from '@aibench/core';
import { AnswerReader } from './answer-reader.js';
import type { HttpAnswer } from './http-client.js';
import { HttpFault } from './http-fault.js';
import type { SocketEvents, SocketFactory } from './http-socket.js';
import type { RequestHead } from './request-head.js';
import { writeRequest } from './request-writer.js';

/** A request, and who waits for its answer. */
export interface Exchange {
  readonly head: RequestHead;
  readonly body: MessageBytes | undefined;
  /** In `performance.now()`'s time; Infinity for none. */
  readonly deadlineMs: number;
  readonly resolve: (answer: HttpAnswer) => void;
  /** Gets a cause, not yet in the suite's terms. */
  readonly reject: (cause: unknown) => void;
}

/** Who uses a connection. */
export interface ConnectionOwner {
  /** The exchange is over, or was never begun; {@link RequestConnection.isUsable} says whether there may be another. */
  onFree(connection: RequestConnection): void;
  /** The server has shown that it speaks HTTP/1. */
  onHttp(): void;
  onClosed(connection: RequestConnection): void;
}

/** How a connection is opened. */
export interface RequestConnectionOptions {
  readonly sockets: SocketFactory;
  readonly isEncrypted: boolean;
  readonly maxAnswerBytes: number;
  /** When it has to be there, in `performance.now()`'s time. */
  readonly connectDeadlineMs: number;
}

/** How long the server may take to close a connection that it has said it closes. */
const closePatienceMs = 1_000;
/** How much sooner than the server a connection without a request is given up, so that no request meets its end. */
const idleMarginMs = 500;

/**
 * One connection of HTTP/1.1 that carries one request at a time, the first as
 * soon as it is there. Nothing is sent twice, and after anything odd it carries
 * no more.
 */
export class RequestConnection implements SocketEvents {
  readonly #owner: ConnectionOwner;
  readonly #options: RequestConnectionOptions;
  readonly #socket: Socket;
  readonly #reader: AnswerReader;
  #exchange: Exchange | undefined;
  #isConnected = false;
  #isUsable = true;
  /** Until when it may be used without a request; Infinity where the server does not say. */
  #idleUntilMs = Number.POSITIVE_INFINITY;
  /** Until when the server may take to close it; Infinity where it has not been left. */
  #closeDueMs = Number.POSITIVE_INFINITY;
  /** Why it is given up. */
  #fault: HttpFault | undefined;

  constructor(owner: ConnectionOwner, options: RequestConnectionOptions) {
    this.#owner = owner;
    this.#options = options;
    this.#reader = new AnswerReader(options.maxAnswerBytes);
    this.#socket = options.sockets.connect(this);
  }

  /** Whether it takes a request, now that none is out. */
  get isUsable(): boolean {
    return (
      this.#isUsable &&
      (this.#idleUntilMs === Number.POSITIVE_INFINITY || performance.now() < this.#idleUntilMs)
    );
  }

  /** Bytes that the kernel has not taken. */
  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  /** Sends a request, once connected. Only while none is out. */
  send(exchange: Exchange): void {
    this.#exchange = exchange;
    if (this.#isConnected) this.#write(exchange);
  }

  /** When what it does now is over time, in `performance.now()`'s time; Infinity for never. */
  get dueMs(): number {
    if (this.#exchange === undefined) return this.#closeDueMs;
    const { deadlineMs } = this.#exchange;
    return this.#isConnected ? deadlineMs : Math.min(deadlineMs, this.#options.connectDeadlineMs);
  }

  /** Ends what is over time. */
  expire(nowMs: number): void {
    if (this.dueMs > nowMs) return;
    if (this.#exchange === undefined) this.#socket.destroy();
    else this.abandon(new HttpFault(this.#exchange.deadlineMs <= nowMs ? 'late' : 'lateConnection'));
  }

  /** Closes the connection at once; the request that is out fails. */
  abandon(fault: HttpFault): void {
    this.#fault ??= fault;
    this.#isUsable = false;
    this.#socket.destroy();
    this.#fail(this.#fault);
  }

  /**
   * Leaves a connection that has no request out: the server closes it, or else {@link expire} does after a while.
   * Whoever closes first keeps the port for a minute; better the server than a client that wants many.
   */
  retire(): void {
    this.#isUsable = false;
    this.#closeDueMs = performance.now() + closePatienceMs;
  }

  onConnected(): void {
    this.#isConnected = true;
    if (this.#exchange !== undefined) this.#write(this.#exchange);
  }

  onBytes(bytes: Buffer, length: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      // Nobody has asked for it; the next request goes over another connection (RFC 9112, section 9.2).
      this.#isUsable = false;
      this.#socket.destroy();
      return;
    }
    let answer: HttpAnswer | undefined;
    try {
      answer = this.#reader.push(bytes, length);
    } catch (fault) {
      if (this.#reader.head !== undefined) this.#owner.onHttp();
      this.abandon(fault as HttpFault);
      return;
    }
    if (answer !== undefined) this.#succeed(exchange, answer);
  }

  onEnd(): void {
    this.#isUsable = false;
    // Why no connection has come about, the error tells that is about to follow.
    if (!this.#isConnected) return;
    const exchange = this.#exchange;
    if (exchange === undefined) {
      this.#socket.destroy();
      return;
    }
    const answer = this.#reader.end();
    if (answer === undefined) this.abandon(new HttpFault('closed'));
    else this.#succeed(exchange, answer);
  }

  onClosed(cause: unknown): void {
    this.#isUsable = false;
    if (this.#exchange !== undefined) this.#fail(this.#fault ?? cause ?? new HttpFault('closed'));
    this.#owner.onClosed(this);
  }

  #write({ head, body }: Exchange): void {
    this.#reader.begin(head.isHead);
    writeRequest(this.#socket, head, body, !this.#options.isEncrypted);
  }

  #succeed(exchange: Exchange, answer: HttpAnswer): void {
    this.#exchange = undefined;
    const { keepsAlive, idleLimitMs } = this.#reader.head!;
    if (this.#socket.writableLength > 0) {
      // It did not want the rest of the request.
      this.#isUsable = false;
      this.#socket.destroy();
    } else if (!keepsAlive) this.#isUsable = false;
    else if (idleLimitMs !== Number.POSITIVE_INFINITY) {
      this.#idleUntilMs = performance.now() + idleLimitMs - idleMarginMs;
    }
    this.#owner.onHttp();
    exchange.resolve(answer);
    this.#owner.onFree(this);
  }

  #fail(cause: unknown): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    exchange.reject(cause);
    this.#owner.onFree(this);
  }
}
