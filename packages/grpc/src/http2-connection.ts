import type { Socket } from 'node:net';
import { AibenchError } from '@aibench/core';
import { type ConnectionContext, connectError, lostError, NotHttp2Error } from './connection-error.js';
import { ControlFrames, connectionWindowBytes, maxFrameBytes } from './control-frames.js';
import { ReceiveWindow, SendWindow } from './flow-control.js';
import { type FrameHandler, FrameReader } from './frame-reader.js';
import type { GrpcAddress } from './grpc-address.js';
import { bodyError, deadlineError, headersFault, outcomeOf, resetError } from './grpc-answer.js';
import { statusError } from './grpc-status.js';
import { HeaderAssembler } from './header-assembler.js';
import {
  defaultWindowBytes,
  Flag,
  FrameType,
  frameHeaderBytes,
  Http2Error,
  type Http2ErrorName,
  http2ErrorName,
  largest31Bits,
  readUint32,
} from './http2-protocol.js';
import { connectSocket } from './http2-socket.js';
import { OutputQueue } from './output-queue.js';
import { PeerSettings } from './peer-settings.js';
import { RequestSender } from './request-sender.js';
import type { UnaryCall } from './unary-call.js';

/** How a connection is opened, and who is told of its end. */
export interface Http2ConnectionOptions {
  readonly context: ConnectionContext;
  /** Limit for connecting and the server's SETTINGS. */
  readonly connectTimeoutMs: number;
  /** It takes no more calls: it is lost, or the server sends us away. Gets the calls that were not sent. */
  readonly onRetired: (unsent: readonly UnaryCall[]) => void;
}

/**
 * One HTTP/2 connection that carries unary gRPC calls (RFC 9113; gRPC's
 * "PROTOCOL-HTTP2"). It ends by an error of the peer, by a loss, or by
 * {@link close}; after GOAWAY it finishes what the server has accepted.
 */
export class Http2Connection implements FrameHandler {
  readonly #options: Http2ConnectionOptions;
  readonly #socket: Socket;
  readonly #output: OutputQueue;
  readonly #control: ControlFrames;
  readonly #sender: RequestSender;
  readonly #reader = new FrameReader(this, maxFrameBytes);
  readonly #headers = new HeaderAssembler();
  readonly #settings = new PeerSettings();
  readonly #sendWindow = new SendWindow(defaultWindowBytes);
  readonly #receiveWindow = new ReceiveWindow(connectionWindowBytes);
  readonly #calls = new Map<number, UnaryCall>();
  /** Calls that wait for the end of others: the server limits how many there are at once. */
  #queued: UnaryCall[] = [];
  #isRetired = false;
  #isClosed = false;
  /** The first bytes, while they don't show yet whether this is HTTP/2. */
  #greeting: Buffer | undefined = Buffer.alloc(0);
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

  /** Bytes that wait to be taken by the kernel. */
  get backlogBytes(): number {
    return this.#output.backlogBytes;
  }

  /** Sends a call, or lets it wait for its turn. */
  start(call: UnaryCall): void {
    if (this.#calls.size >= this.#settings.maxConcurrentStreams) this.#queued.push(call);
    else this.#send(call);
  }

  /** Ends a call before its answer is there, and tells the server where it knows of it. */
  abandon(call: UnaryCall, error: AibenchError, code: Http2ErrorName = 'CANCEL'): void {
    call.fail(error);
    if (this.#calls.get(call.streamId) === call) {
      this.#control.sendReset(call.streamId, code);
      this.#forget(call);
    } else this.#queued = this.#queued.filter((queued) => queued !== call);
  }

  /** Ends the calls that are over time; returns when the next will be, Infinity for never. */
  expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const call of [...this.#calls.values(), ...this.#queued]) {
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
    if (this.#headers.isOpen) throw new Http2Error('PROTOCOL_ERROR', 'DATA comes within headers');
    const due = this.#receiveWindow.take(windowBytes);
    if (due > 0) this.#control.sendWindowUpdate(0, due);
    const call = this.#calls.get(id);
    if (call === undefined) {
      this.#checkKnown(id);
      return;
    }
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

  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (this.#headers.isOpen && type !== FrameType.continuation) {
      throw new Http2Error('PROTOCOL_ERROR', 'another frame comes within headers');
    }
    switch (type) {
      case FrameType.headers:
      case FrameType.continuation:
        this.#checkKnown(id);
        if (this.#headers.take(type, flags, id, bytes, start, end)) this.#onHeaders(id);
        break;
      case FrameType.rstStream: {
        checkLength(end - start === 4, 'RST_STREAM');
        this.#checkKnown(id);
        const call = this.#calls.get(id);
        if (call !== undefined) this.#onReset(call, readUint32(bytes, start));
        break;
      }
      case FrameType.settings:
        checkConnectionFrame(id, 'SETTINGS');
        if ((flags & Flag.ack) === 0) this.#onSettings(bytes, start, end);
        else checkLength(start === end, 'SETTINGS');
        break;
      case FrameType.ping:
        checkConnectionFrame(id, 'PING');
        checkLength(end - start === 8, 'PING');
        if ((flags & Flag.ack) === 0) this.#control.sendPong(bytes, start, end);
        break;
      case FrameType.goaway:
        checkConnectionFrame(id, 'GOAWAY');
        checkLength(end - start >= 8, 'GOAWAY');
        this.#onGoaway(readUint32(bytes, start) & largest31Bits, readUint32(bytes, start + 4));
        break;
      case FrameType.windowUpdate:
        checkLength(end - start === 4, 'WINDOW_UPDATE');
        this.#onWindowUpdate(id, readUint32(bytes, start) & largest31Bits);
        break;
      case FrameType.pushPromise:
        throw new Http2Error('PROTOCOL_ERROR', 'it pushes, though it may not');
    }
  }

  #read(bytes: Buffer, length: number): void {
    if (this.#isClosed) return;
    try {
      if (this.#greeting === undefined) this.#reader.push(bytes, length);
      else this.#readGreeting(Buffer.concat([this.#greeting, bytes.subarray(0, length)]));
    } catch (error) {
      if (error instanceof Http2Error) this.#control.sendGoaway(error.code);
      this.#lose(error);
    }
  }

  /** What comes first has to be SETTINGS (RFC 9113, section 3.4). */
  #readGreeting(bytes: Buffer): void {
    this.#greeting = bytes;
    if (bytes.length > 3 && bytes[3] !== FrameType.settings) throw new NotHttp2Error(bytes);
    if (bytes.length < frameHeaderBytes) return;
    if ((bytes[4]! & Flag.ack) !== 0 || readUint32(bytes, 5) !== 0) throw new NotHttp2Error(bytes);
    this.#greeting = undefined;
    this.#reader.push(bytes, bytes.length);
  }

  #send(call: UnaryCall): void {
    this.#calls.set(this.#sender.nextStreamId, call);
    this.#sender.send(call);
    if (this.#sender.nextStreamId > largest31Bits) this.#retire();
  }

  #onHeaders(id: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    const { headers, endsStream } = this.#headers;
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

  #onReset(call: UnaryCall, code: number): void {
    call.fail(resetError(this.#options.context, code, performance.now() >= call.deadlineMs));
    this.#forget(call);
  }

  #onSettings(bytes: Buffer, start: number, end: number): void {
    this.#sender.onSettings(() => this.#settings.take(bytes, start, end), this.#calls.values());
    this.#control.sendSettingsAck();
    this.#opened?.();
    this.#opened = undefined;
    this.#startQueued();
  }

  #onWindowUpdate(id: number, bytes: number): void {
    const call = this.#calls.get(id);
    if (id !== 0) this.#checkKnown(id);
    if (bytes === 0) throw new Http2Error('PROTOCOL_ERROR', 'a window grows by nothing');
    this.#sender.onWindowUpdate(id === 0 ? this.#sendWindow : call?.sendWindow, bytes);
  }

  #onGoaway(lastStreamId: number, code: number): void {
    const { context } = this.#options;
    this.#retire();
    for (const call of [...this.#calls.values()].filter(({ streamId }) => streamId > lastStreamId)) {
      call.fail(statusError(context, 14, `it ends the connection (${http2ErrorName(code)})`));
      this.#forget(call);
    }
    this.#closeWhenDone();
  }

  #fault(call: UnaryCall, message: string): void {
    const { address, flag } = this.#options.context;
    const details = { hint: `see ${flag}`, status: 'INTERNAL' };
    this.abandon(
      call,
      new AibenchError('AIBENCH_ANSWER', `${address} ${message}`, details),
      'PROTOCOL_ERROR',
    );
  }

  /** A frame may come late for a call that is over, but not for one that never was (RFC 9113, section 5.1). */
  #checkKnown(id: number): void {
    if (id % 2 === 0 || id >= this.#sender.nextStreamId) {
      throw new Http2Error('PROTOCOL_ERROR', `a frame comes for stream ${id}, which is none`);
    }
  }

  #forget(call: UnaryCall): void {
    this.#calls.delete(call.streamId);
    if (this.#queued.length > 0) this.#startQueued();
    else if (this.#isRetired) this.#closeWhenDone();
  }

  #startQueued(): void {
    while (this.#queued.length > 0 && this.#calls.size < this.#settings.maxConcurrentStreams) {
      this.#send(this.#queued.shift()!);
    }
  }

  #retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    const unsent = this.#queued;
    this.#queued = [];
    this.#options.onRetired(unsent);
  }

  #closeWhenDone(): void {
    if (this.#calls.size === 0) void this.close();
  }

  #lose(cause: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#output.flush();
    this.#output.close();
    this.#socket.destroy();
    const { context } = this.#options;
    const greeting = this.#greeting;
    const isOther = cause === undefined && greeting !== undefined && greeting.length > 0;
    this.#opened?.(isOther ? new NotHttp2Error(greeting) : connectError(context, cause));
    const error = lostError(context, cause);
    const lost = [...this.#calls.values(), ...this.#queued];
    this.#calls.clear();
    this.#queued = [];
    this.#retire();
    for (const call of lost) call.fail(error);
  }
}

function checkLength(isRight: boolean, frame: string): void {
  if (!isRight) throw new Http2Error('FRAME_SIZE_ERROR', `${frame} has a wrong length`);
}

function checkConnectionFrame(streamId: number, frame: string): void {
  if (streamId !== 0) throw new Http2Error('PROTOCOL_ERROR', `${frame} comes for a stream`);
}
