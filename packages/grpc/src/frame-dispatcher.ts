import { NotHttp2Error } from './connection-error.js';
import { type FrameHandler, FrameReader } from './frame-reader.js';
import { HeaderAssembler } from './header-assembler.js';
import {
  Flag,
  FrameType,
  frameHeaderBytes,
  Http2Error,
  largest31Bits,
  readUint32,
} from './http2-protocol.js';
import type { ResponseHeaders } from './response-headers.js';

/** What a connection makes of the frames that a server sends. Bytes and headers are only lent for the call. */
export interface ConnectionFrames {
  /** The id of the next stream that the client would open: of those from there on, no frame may come. */
  readonly nextStreamId: number;
  /** As {@link FrameHandler.onData}. */
  readonly onData: FrameHandler['onData'];
  onHeaders(streamId: number, headers: ResponseHeaders, endsStream: boolean): void;
  onReset(streamId: number, errorCode: number): void;
  onSettings(bytes: Buffer, start: number, end: number): void;
  onPing(bytes: Buffer, start: number, end: number): void;
  onGoaway(lastStreamId: number, errorCode: number): void;
  /** @param streamId 0 for the connection */
  onWindowUpdate(streamId: number, bytes: number): void;
}

/**
 * Reads what a server sends, sees that each frame is in its place and of its
 * form (RFC 9113, sections 3.4, 5.1 and 6), and hands on what it says.
 */
export class FrameDispatcher implements FrameHandler {
  readonly #frames: ConnectionFrames;
  readonly #reader: FrameReader;
  readonly #headers = new HeaderAssembler();
  /** The first bytes, while they don't show yet whether this is HTTP/2; then undefined. */
  greeting: Buffer | undefined = Buffer.alloc(0);

  /** @param maxFrameBytes the longest frame that the server may send */
  constructor(frames: ConnectionFrames, maxFrameBytes: number) {
    this.#frames = frames;
    this.#reader = new FrameReader(this, maxFrameBytes);
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @throws Http2Error, NotHttp2Error
   */
  push(bytes: Buffer, length: number): void {
    if (this.greeting === undefined) this.#reader.push(bytes, length);
    else this.#readGreeting(Buffer.concat([this.greeting, bytes.subarray(0, length)]));
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
    this.#checkStream(id);
    this.#frames.onData(id, bytes, start, end, windowBytes, endsStream);
  }

  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (this.#headers.isOpen && type !== FrameType.continuation) {
      throw new Http2Error('PROTOCOL_ERROR', 'another frame comes within headers');
    }
    const length = end - start;
    const isAck = (flags & Flag.ack) !== 0;
    switch (type) {
      case FrameType.headers:
      case FrameType.continuation: {
        this.#checkStream(id);
        const isWhole = this.#headers.take(type, flags, id, bytes, start, end);
        if (isWhole) this.#frames.onHeaders(id, this.#headers.headers, this.#headers.endsStream);
        break;
      }
      case FrameType.rstStream:
        checkLength(length === 4, 'RST_STREAM');
        this.#checkStream(id);
        this.#frames.onReset(id, readUint32(bytes, start));
        break;
      case FrameType.settings:
        checkConnectionFrame(id, 'SETTINGS');
        checkLength(isAck ? length === 0 : length % 6 === 0, 'SETTINGS');
        if (!isAck) this.#frames.onSettings(bytes, start, end);
        break;
      case FrameType.ping:
        checkConnectionFrame(id, 'PING');
        checkLength(length === 8, 'PING');
        if (!isAck) this.#frames.onPing(bytes, start, end);
        break;
      case FrameType.goaway:
        checkConnectionFrame(id, 'GOAWAY');
        checkLength(length >= 8, 'GOAWAY');
        this.#frames.onGoaway(readUint32(bytes, start) & largest31Bits, readUint32(bytes, start + 4));
        break;
      case FrameType.windowUpdate: {
        checkLength(length === 4, 'WINDOW_UPDATE');
        if (id !== 0) this.#checkStream(id);
        const windowBytes = readUint32(bytes, start) & largest31Bits;
        if (windowBytes === 0) throw new Http2Error('PROTOCOL_ERROR', 'a window grows by nothing');
        this.#frames.onWindowUpdate(id, windowBytes);
        break;
      }
      case FrameType.pushPromise:
        throw new Http2Error('PROTOCOL_ERROR', 'it pushes, though it may not');
    }
  }

  /** What comes first has to be SETTINGS (RFC 9113, section 3.4). */
  #readGreeting(bytes: Buffer): void {
    this.greeting = bytes;
    if (bytes.length > 3 && bytes[3] !== FrameType.settings) throw new NotHttp2Error(bytes);
    if (bytes.length < frameHeaderBytes) return;
    if ((bytes[4]! & Flag.ack) !== 0 || readUint32(bytes, 5) !== 0) throw new NotHttp2Error(bytes);
    this.greeting = undefined;
    this.#reader.push(bytes, bytes.length);
  }

  /** A frame may come late for a call that is over, but not for one that never was (RFC 9113, section 5.1). */
  #checkStream(id: number): void {
    if (id % 2 === 0 || id >= this.#frames.nextStreamId) {
      throw new Http2Error('PROTOCOL_ERROR', `a frame comes for stream ${id}, which is none`);
    }
  }
}

function checkLength(isRight: boolean, frame: string): void {
  if (!isRight) throw new Http2Error('FRAME_SIZE_ERROR', `${frame} has a wrong length`);
}

function checkConnectionFrame(streamId: number, frame: string): void {
  if (streamId !== 0) throw new Http2Error('PROTOCOL_ERROR', `${frame} comes for a stream`);
}
