import type { Socket } from 'node:net';
import { AibenchError } from '@aibench/core';
import { CallTable } from './call-table.js';
import { type ConnectionContext, connectError, lostError, NotHttp2Error } from './connection-error.js';
import { ControlFrames, connectionWindowBytes, maxFrameBytes } from './control-frames.js';
import { ReceiveWindow, SendWindow } from './flow-control.js';
import { type ConnectionFrames, FrameDispatcher } from './frame-dispatcher.js';
import type { GrpcAddress } from './grpc-address.js';
import { bodyError, deadlineError, headersFault, outcomeOf, resetError } from './grpc-answer.js';
import { statusError } from './grpc-status.js';
import {
  defaultWindowBytes,
  Http2Error,
  type Http2ErrorName,
  http2ErrorCode,
  http2ErrorName,
  largest31Bits,
} from './http2-protocol.js';
import { connectSocket } from './http2-socket.js';
import { OutputQueue } from './output-queue.js';
import { PeerSettings } from './peer-settings.js';
import { RequestSender } from './request-sender.js';
import type { ResponseHeaders } from './response-headers.js';
import type { UnaryCall } from './unary-call.js';

/** The server has not looked at a call (RFC 9113, section 8.7). */
const refusedStream = http2ErrorCode('REFUSED_STREAM');

/** How a connection is opened, and who is told of its end. */
export interface Http2ConnectionOptions {
  readonly context: ConnectionContext;
  /** Limit for connecting and the server's SETTINGS. */
  readonly connectTimeoutMs: number;
  /** It takes no more calls: it is lost, or the server sends us away. Gets the calls that were not sent. */
  readonly onRetired: (unsent: readonly UnaryCall[]) => void;
  /** The first call's stream, an odd number. Default 1; a later one is for trying what comes after the last. */
  readonly firstStreamId?: number;
}

/**
 * One HTTP/2 connection that carries unary gRPC calls (RFC 9113; gRPC's
 * "PROTOCOL-HTTP2"). It ends by an error of the peer, by a loss, or by
 * {@link close}; after GOAWAY it finishes what the server has accepted.
 */
export class Http2Connection implements ConnectionFrames {
  readonly #options: Http2ConnectionOptions;
  readonly #socket: Socket;
  readonly #output: OutputQueue;
  readonly #control: ControlFrames;
  readonly #sender: RequestSender;
  readonly #dispatcher = new FrameDispatcher(this, maxFrameBytes);
  readonly #settings = new PeerSettings();
  readonly #sendWindow = new SendWindow(defaultWindowBytes);
  readonly #receiveWindow = new ReceiveWindow(connectionWindowBytes);
  readonly #calls = new CallTable(
    () => this.#settings.maxConcurrentStreams,
    (call) => this.#send(call),
  );
  #isRetired = false;
  #isClosed = false;
  /** Settles when the socket is closed. */
  readonly closed: Promise<void>;
  #opened: ((error?: unknown) => void) | undefined;

  private constructor(address: GrpcAddress, options: Http2ConnectionOptions) {
    this.#options = options;
    let closed = () => {};
    this.closed = new Promise((resolve) => {
      closed = resolve;
    });
    this.#socket = connectSocket(address, {
      onConnected: () => this.#control.sendPreface(),
      onBytes: (bytes, length) => this.#read(bytes, length),
      onClosed: (cause) => {
        this.#lose(cause);
        closed();
      },
    });
    this.#output = new OutputQueue(this.#socket, address.tls === undefined);
    this.#control = new ControlFrames(this.#output);
    this.#sender = new RequestSender(this.#output, this.#settings, this.#sendWindow);
    this.#sender.nextStreamId = options.firstStreamId ?? 1;
  }

  /**
   * Connects, and waits until the server has answered as HTTP/2 does.
   *
   * @throws AIBENCH_CONNECTION saying what is wrong with the server or its address
   */
  static async open(address: GrpcAddress, options: Http2ConnectionOptions): Promise<Http2Connection> {
    const { context, connectTimeoutMs } = options;
    const connection = new Http2Connection(address, options);
    const timer = setTimeout(() => {
      const message = `${context.address} did not answer as a gRPC server within ${connectTimeoutMs} ms`;
      connection.#lose(
        new AibenchError('AIBENCH_CONNECTION', message, {
          hint: `is it the port for gRPC? see ${context.flag}`,
        }),
      );
    }, connectTimeoutMs);
    try {
      await new Promise<void>((resolve, reject) => {
        connection.#opened = (error) => (error === undefined ? resolve() : reject(error));
      });
      return connection;
    } catch (cause) {
      throw connectError(context, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether it takes calls. */
  get isUsable(): boolean {
    return !this.#isRetired;
  }

  get nextStreamId(): number {
    return this.#sender.nextStreamId;
  }

  /** Bytes that wait to be taken by the kernel. */
  get backlogBytes(): number {
    return this.#output.backlogBytes;
  }

  /** Sends a call, or lets it wait for its turn. */
  start(call: UnaryCall): void {
    this.#calls.start(call);
  }

  /** Ends a call before its answer is there, and tells the server where it knows of it. */
  abandon(call: UnaryCall, error: AibenchError, code: Http2ErrorName = 'CANCEL'): void {
    call.fail(error);
    if (this.#calls.get(call.streamId) === call) {
      this.#control.sendReset(call.streamId, code);
      this.#forget(call);
    } else this.#calls.removeQueued(call);
  }

  /** Ends the calls that are over time; returns when the next will be, Infinity for never. */
  expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const call of this.#calls.all()) {
      if (call.deadlineMs <= nowMs) this.abandon(call, deadlineError(this.#options.context));
      else if (call.deadlineMs < nextMs) nextMs = call.deadlineMs;
    }
    return nextMs;
  }

  /** Closes the connection; calls that are out fail. */
  async close(): Promise<void> {
    const { address } = this.#options.context;
    if (!this.#isClosed) this.#control.sendGoaway('NO_ERROR');
    this.#lose(
      new AibenchError('AIBENCH_CONNECTION', `the connection to ${address} was closed by this side`),
    );
    await this.closed;
  }

  onData(
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
    windowBytes: number,
    endsStream: boolean,
  ): void {
    const due = this.#receiveWindow.take(windowBytes);
    if (due > 0) this.#control.sendWindowUpdate(0, due);
    const call = this.#calls.get(id);
    if (call === undefined) return;
    const streamDue = call.takeWindow(windowBytes);
    if (!call.hasHeaders) {
      this.#fault(call, 'sends a body without headers');
      return;
    }
    const fault = call.body.push(bytes, start, end);
    if (fault !== undefined) this.abandon(call, bodyError(this.#options.context, fault, call.body));
    else if (endsStream) this.#fault(call, 'ended an answer without a status');
    else if (streamDue > 0) this.#control.sendWindowUpdate(id, streamDue);
  }

  onHeaders(id: number, headers: ResponseHeaders, endsStream: boolean): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    const { context } = this.#options;
    const isInterim = headers.httpStatus >= 100 && headers.httpStatus < 200;
    if (call.hasHeaders && !endsStream) this.#fault(call, 'sends headers within an answer');
    else if (!isInterim) {
      const fault = call.hasHeaders ? undefined : headersFault(context, headers);
      call.hasHeaders = true;
      if (!endsStream) {
        if (fault !== undefined) this.abandon(call, fault);
        return;
      }
      const outcome = fault ?? outcomeOf(context, headers, call.body);
      // The server may answer before it has all of the request, and wants no more of it.
      if (call.unsent !== undefined) this.#control.sendReset(id, 'CANCEL');
      if (outcome instanceof AibenchError) call.fail(outcome);
      else call.succeed(outcome);
      this.#forget(call);
    }
  }

  onReset(id: number, code: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    if (code === refusedStream && !this.#isRetired && call.sendAgain()) {
      this.#calls.postpone(id, call);
      return;
    }
    call.fail(resetError(this.#options.context, code, performance.now() >= call.deadlineMs));
    this.#forget(call);
  }

  onSettings(bytes: Buffer, start: number, end: number): void {
    const apply = () => {
      this.#settings.take(bytes, start, end);
      this.#control.sendSettingsAck();
    };
    this.#sender.onSettings(apply, this.#calls.out());
    this.#opened?.();
    this.#opened = undefined;
    this.#calls.startQueued();
  }

  onPing(bytes: Buffer, start: number, end: number): void {
    this.#control.sendPong(bytes, start, end);
  }

  onGoaway(lastStreamId: number, code: number): void {
    const { context } = this.#options;
    const error = statusError(context, 14, `it ends the connection (${http2ErrorName(code)})`);
    this.#retire();
    for (const call of this.#calls.out()) {
      if (call.streamId <= lastStreamId) continue;
      call.fail(error);
      this.#forget(call);
    }
    this.#closeWhenDone();
  }

  onWindowUpdate(id: number, bytes: number): void {
    this.#sender.onWindowUpdate(id === 0 ? this.#sendWindow : this.#calls.get(id)?.sendWindow, bytes);
  }

  #read(bytes: Buffer, length: number): void {
    if (this.#isClosed) return;
    try {
      this.#dispatcher.push(bytes, length);
    } catch (error) {
      if (error instanceof Http2Error) this.#control.sendGoaway(error.code);
      this.#lose(error);
    }
  }

  #send(call: UnaryCall): void {
    this.#calls.add(this.#sender.nextStreamId, call);
    this.#sender.send(call);
    if (this.#sender.nextStreamId > largest31Bits) this.#retire();
  }

  #fault(call: UnaryCall, message: string): void {
    const { address, flag } = this.#options.context;
    const error = new AibenchError('AIBENCH_ANSWER', `${address} ${message}`, {
      hint: `see ${flag}`,
      status: 'INTERNAL',
    });
    this.abandon(call, error, 'PROTOCOL_ERROR');
  }

  #forget(call: UnaryCall): void {
    this.#calls.remove(call);
    if (this.#isRetired) this.#closeWhenDone();
  }

  #retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#options.onRetired(this.#calls.takeQueued());
  }

  #closeWhenDone(): void {
    if (this.#calls.outCount === 0) void this.close();
  }

  #lose(cause: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#output.flush();
    this.#output.close();
    this.#socket.destroy();
    const { context } = this.#options;
    const { greeting } = this.#dispatcher;
    const isOther = cause === undefined && greeting !== undefined && greeting.length > 0;
    this.#opened?.(isOther ? new NotHttp2Error(greeting) : connectError(context, cause));
    const error = lostError(context, cause);
    const lost = this.#calls.takeAll();
    this.#retire();
    for (const call of lost) call.fail(error);
  }
}
