import type { Socket } from 'node:net';
import {
  connectionPreface,
  defaultWindowBytes,
  Flag,
  type FrameHandler,
  FrameReader,
  FrameType,
  frameHeaderBytes,
  Http2Error,
  type Http2ErrorName,
  http2ErrorCode,
  largest31Bits,
  OutputQueue,
  PeerSettings,
  ReceiveWindow,
  readUint32,
  SendWindow,
  Setting,
  writeFrameHeader,
  writeUint32,
} from '@aibench/grpc/http2';
import { type AnswerFrames, AnswerSender } from './answer-sender.js';
import { GrpcCall, streamWindowBytes } from './grpc-call.js';
import { GrpcError } from './grpc-error.js';
import type { GrpcService } from './grpc-service.js';
import { parseGrpcTimeout } from './grpc-timeout.js';
import { RequestHeaderReader, type RequestHeaders } from './request-headers.js';

/** Room that a connection gives its client for data on the way, all calls together. */
const connectionWindowBytes = 64 * 1024 * 1024;

/** Longest frame that the client may send: fewer, longer frames cost less where requests are large. */
const maxFrameBytes = 1024 * 1024;

/** Calls at once. */
const mostCalls = 10_000;

/** With so much that the client has not taken, no more is read from it. */
const mostBacklogBytes = 16 * 1024 * 1024;

const settings: readonly (readonly [number, number])[] = [
  [Setting.maxConcurrentStreams, mostCalls],
  [Setting.initialWindowSize, streamWindowBytes],
  [Setting.maxFrameSize, maxFrameBytes],
];

const preface = Buffer.from(connectionPreface, 'latin1');

/**
 * A client's connection: unary gRPC calls over HTTP/2 (RFC 9113), with all of a
 * turn's answers written at its end in one go. An error of the client's ends it.
 */
export class GrpcConnection implements FrameHandler {
  readonly #socket: Socket;
  readonly #service: GrpcService;
  readonly #output: OutputQueue;
  readonly #reader = new FrameReader(this, maxFrameBytes);
  readonly #headers = new RequestHeaderReader();
  readonly #settings = new PeerSettings();
  readonly #receiveWindow = new ReceiveWindow(connectionWindowBytes);
  readonly #sender: AnswerSender;
  readonly #calls = new Map<number, GrpcCall>();
  /** The first bytes, until they are seen to be HTTP/2's; then undefined. */
  #greeting: Buffer | undefined = Buffer.alloc(0);
  #lastStreamId = 0;

  /** @param isEncrypted whether the socket is one of TLS, which holds on to bytes that it was given */
  constructor(socket: Socket, isEncrypted: boolean, service: GrpcService, frames: AnswerFrames) {
    this.#socket = socket;
    this.#service = service;
    this.#output = new OutputQueue(socket, !isEncrypted);
    this.#sender = new AnswerSender(frames, this.#output, this.#settings, new SendWindow(defaultWindowBytes));
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#forgetAll());
    socket.on('drain', () => socket.resume());
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#sendSettings();
  }

  /** Tells the client that this is the end, and ends. */
  close(): void {
    this.#end('NO_ERROR');
  }

  onData(
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
    windowBytes: number,
    endsStream: boolean,
  ): void {
    this.#checkStream(streamId);
    const due = this.#receiveWindow.take(windowBytes);
    if (due > 0) this.#sendNumber(FrameType.windowUpdate, 0, due);
    const call = this.#calls.get(streamId);
    if (call === undefined) return;
    try {
      const streamDue = call.receive(bytes, start, end, windowBytes);
      if (endsStream) this.#answer(call);
      else if (streamDue > 0) this.#sendNumber(FrameType.windowUpdate, streamId, streamDue);
    } catch (error) {
      if (error instanceof Http2Error) throw error;
      this.#fail(call, error);
      if (!endsStream) this.#sendReset(streamId, 'NO_ERROR');
    }
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const { openStreamId } = this.#headers;
    if (openStreamId !== 0 && type !== FrameType.continuation) {
      throw new Http2Error('PROTOCOL_ERROR', 'another frame comes within headers');
    }
    const length = end - start;
    switch (type) {
      case FrameType.headers:
      case FrameType.continuation:
        if (streamId % 2 === 0) throw new Http2Error('PROTOCOL_ERROR', 'a client has odd streams only');
        if (this.#headers.take(type, flags, streamId, bytes, start, end)) this.#onHeaders(streamId);
        break;
      case FrameType.rstStream:
        checkLength(length === 4);
        this.#checkStream(streamId);
        this.#sender.cancel(streamId);
        this.#forget(streamId);
        break;
      case FrameType.settings:
        checkLength((flags & Flag.ack) !== 0 ? length === 0 : length % 6 === 0);
        if ((flags & Flag.ack) === 0) this.#onSettings(bytes, start, end);
        break;
      case FrameType.ping:
        checkLength(length === 8);
        if ((flags & Flag.ack) === 0) {
          const at = this.#frame(FrameType.ping, Flag.ack, 0, 8);
          bytes.copy(this.#output.block, at, start, end);
        }
        break;
      case FrameType.windowUpdate:
        checkLength(length === 4);
        this.#onWindowUpdate(streamId, readUint32(bytes, start) & largest31Bits);
        break;
      case FrameType.pushPromise:
        throw new Http2Error('PROTOCOL_ERROR', 'a client cannot push');
    }
  }

  #read(chunk: Buffer): void {
    try {
      if (this.#greeting === undefined) this.#reader.push(chunk, chunk.length);
      else this.#greet(Buffer.concat([this.#greeting, chunk]));
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error;
      this.#end(error.code);
    }
    if (this.#output.backlogBytes > mostBacklogBytes) {
      this.#output.flush();
      if (this.#socket.writableNeedDrain) this.#socket.pause();
    }
  }

  #greet(bytes: Buffer): void {
    this.#greeting = bytes;
    const length = Math.min(bytes.length, preface.length);
    if (bytes.compare(preface, 0, length, 0, length) !== 0) {
      throw new Http2Error('PROTOCOL_ERROR', 'this is no HTTP/2');
    }
    if (length < preface.length) return;
    this.#greeting = undefined;
    const rest = bytes.subarray(length);
    this.#reader.push(rest, rest.length);
  }

  #onHeaders(streamId: number): void {
    const { endsStream, headers } = this.#headers;
    const known = this.#calls.get(streamId);
    if (known !== undefined || streamId <= this.#lastStreamId) {
      // Trailers, which a gRPC client does not send; or of a call that has been answered.
      if (known !== undefined && endsStream) this.#answer(known);
      return;
    }
    this.#lastStreamId = streamId;
    if (this.#calls.size >= mostCalls) {
      this.#sendReset(streamId, 'REFUSED_STREAM');
      return;
    }
    const refusal = this.#begin(streamId, headers, endsStream);
    if (refusal !== undefined) this.#sender.sendStatus(streamId, refusal);
    if (!this.#calls.has(streamId) && !endsStream) this.#sendReset(streamId, 'NO_ERROR');
  }

  /** @returns why the call is refused, where it is */
  #begin(streamId: number, headers: RequestHeaders, endsStream: boolean): GrpcError | undefined {
    const { contentType, encoding, method, path, timeout } = headers;
    if (method !== 'POST' || !contentType.startsWith('application/grpc')) {
      this.#sender.sendNotGrpc(streamId);
      return undefined;
    }
    const handler = this.#service.handlers.get(path);
    if (handler === undefined) return new GrpcError('unimplemented', `there is no method ${path} here`);
    if (encoding !== '' && encoding !== 'identity') {
      return new GrpcError('unimplemented', `grpc-encoding ${encoding} is not supported`);
    }
    const timeoutMs = timeout === '' ? undefined : parseGrpcTimeout(timeout);
    const call = new GrpcCall(streamId, handler, timeoutMs, this.#service.maxMessageBytes);
    this.#calls.set(streamId, call);
    if (endsStream) this.#answer(call);
    return undefined;
  }

  #answer(call: GrpcCall): void {
    try {
      const answer = call.handler(call.message);
      if (!(answer instanceof Promise)) {
        this.#succeed(call, answer);
        return;
      }
      if (call.timeoutMs !== undefined) {
        const late = () => this.#fail(call, new GrpcError('deadlineExceeded', 'Deadline Exceeded'));
        call.deadline = setTimeout(late, Math.min(call.timeoutMs, 2 ** 31 - 1));
      }
      answer.then(
        (message) => this.#succeed(call, message),
        (error: unknown) => this.#fail(call, error),
      );
    } catch (error) {
      this.#fail(call, error);
    }
  }

  #succeed(call: GrpcCall, message: Uint8Array): void {
    if (!this.#forget(call.streamId)) return;
    this.#sender.send(call.streamId, message, this.#settings.initialWindowBytes + call.grantedBytes);
  }

  #fail(call: GrpcCall, error: unknown): void {
    if (!this.#forget(call.streamId)) return;
    const known =
      error instanceof GrpcError
        ? error
        : new GrpcError('internal', (error as Error).message, { cause: error });
    this.#sender.sendStatus(call.streamId, known);
  }

  /** @returns false where the call is over already: answered, late, or cancelled */
  #forget(streamId: number): boolean {
    const call = this.#calls.get(streamId);
    if (call === undefined) return false;
    clearTimeout(call.deadline);
    return this.#calls.delete(streamId);
  }

  #forgetAll(): void {
    this.#output.close();
    for (const streamId of this.#calls.keys()) this.#forget(streamId);
  }

  #onSettings(bytes: Buffer, start: number, end: number): void {
    const before = this.#settings.initialWindowBytes;
    this.#settings.take(bytes, start, end);
    this.#frame(FrameType.settings, Flag.ack, 0, 0);
    this.#sender.onInitialWindow(this.#settings.initialWindowBytes - before);
  }

  #onWindowUpdate(streamId: number, bytes: number): void {
    if (bytes === 0) throw new Http2Error('PROTOCOL_ERROR', 'a window grows by nothing');
    const call = this.#calls.get(streamId);
    if (call !== undefined) call.grantedBytes = Math.min(call.grantedBytes + bytes, largest31Bits);
    else this.#sender.onWindowUpdate(streamId, bytes);
  }

  #checkStream(streamId: number): void {
    if (this.#headers.openStreamId !== 0 || streamId % 2 === 0 || streamId > this.#lastStreamId) {
      throw new Http2Error('PROTOCOL_ERROR', `a frame comes for stream ${streamId}, which is none`);
    }
  }

  #sendSettings(): void {
    let at = this.#frame(FrameType.settings, 0, 0, settings.length * 6);
    for (const [setting, value] of settings) {
      this.#output.block[at] = 0;
      this.#output.block[at + 1] = setting;
      writeUint32(this.#output.block, at + 2, value);
      at += 6;
    }
    this.#sendNumber(FrameType.windowUpdate, 0, connectionWindowBytes - defaultWindowBytes);
  }

  #sendReset(streamId: number, code: Http2ErrorName): void {
    this.#sendNumber(FrameType.rstStream, streamId, http2ErrorCode(code));
  }

  #end(code: Http2ErrorName): void {
    const at = this.#frame(FrameType.goaway, 0, 0, 8);
    writeUint32(this.#output.block, at, this.#lastStreamId);
    writeUint32(this.#output.block, at + 4, http2ErrorCode(code));
    this.#output.flush();
    this.#forgetAll();
    this.#socket.removeAllListeners('data');
    this.#socket.destroySoon();
  }

  #sendNumber(type: number, streamId: number, value: number): void {
    // In this order: making room may change the block.
    const at = this.#frame(type, 0, streamId, 4);
    writeUint32(this.#output.block, at, value);
  }

  /** @returns where the frame's contents are to be written */
  #frame(type: number, flags: number, streamId: number, length: number): number {
    const at = this.#output.reserve(frameHeaderBytes + length);
    writeFrameHeader(this.#output.block, at, length, type, flags, streamId);
    return at + frameHeaderBytes;
  }
}

function checkLength(isRight: boolean): void {
  if (!isRight) throw new Http2Error('FRAME_SIZE_ERROR', 'a frame has a wrong length');
}
