import {
  connectionPreface,
  defaultWindowBytes,
  Flag,
  FrameType,
  frameHeaderBytes,
  Http2Error,
  type Http2ErrorName,
  http2ErrorCode,
  Setting,
  writeFrameHeader,
  writeUint32,
} from './http2-protocol.js';
import type { OutputQueue } from './output-queue.js';
import { maxHeaderListBytes } from './response-headers.js';
import { streamWindowBytes } from './unary-call.js';

/** How much the server may send on all streams before it hears of us again. */
export const connectionWindowBytes = 67_108_864;

/** The longest frame that the server may send: fewer, longer frames cost less where answers are large. */
export const maxFrameBytes = 1_048_576;

/** With so many answers to PING and SETTINGS not taken by a peer, it asks without listening. */
const mostUnreadReplies = 10_000;

/** Writes a connection's frames that belong to no request. */
export class ControlFrames {
  readonly #output: OutputQueue;
  #unreadReplies = 0;

  constructor(output: OutputQueue) {
    this.#output = output;
  }

  /** What a client begins with: the preface, its settings and its window (RFC 9113, sections 3.4 and 6.9.2). */
  sendPreface(): void {
    const preface = Buffer.from(connectionPreface, 'latin1');
    this.#output.append(preface, 0, preface.length);
    const settings: readonly (readonly [number, number])[] = [
      [Setting.enablePush, 0],
      [Setting.initialWindowSize, streamWindowBytes],
      [Setting.maxFrameSize, maxFrameBytes],
      [Setting.maxHeaderListSize, maxHeaderListBytes],
    ];
    let at = this.#frame(FrameType.settings, 0, 0, settings.length * 6);
    for (const [setting, value] of settings) {
      this.#output.block[at] = 0;
      this.#output.block[at + 1] = setting;
      writeUint32(this.#output.block, at + 2, value);
      at += 6;
    }
    this.sendWindowUpdate(0, connectionWindowBytes - defaultWindowBytes);
    this.#output.flush();
  }

  /** @throws Http2Error ENHANCE_YOUR_CALM where the peer doesn't take the answers to what it asks */
  sendSettingsAck(): void {
    this.#countReply();
    this.#frame(FrameType.settings, Flag.ack, 0, 0);
  }

  /** Answers PING with its own bytes; throws as {@link sendSettingsAck}. */
  sendPong(bytes: Buffer, start: number, end: number): void {
    this.#countReply();
    const at = this.#frame(FrameType.ping, Flag.ack, 0, end - start);
    bytes.copy(this.#output.block, at, start, end);
  }

  sendWindowUpdate(streamId: number, bytes: number): void {
    const at = this.#frame(FrameType.windowUpdate, 0, streamId, 4);
    writeUint32(this.#output.block, at, bytes);
  }

  sendReset(streamId: number, code: Http2ErrorName): void {
    const at = this.#frame(FrameType.rstStream, 0, streamId, 4);
    writeUint32(this.#output.block, at, http2ErrorCode(code));
  }

  /** Says that this side ends the connection. The server opens no streams, so the last of them is 0. */
  sendGoaway(code: Http2ErrorName): void {
    const at = this.#frame(FrameType.goaway, 0, 0, 8);
    writeUint32(this.#output.block, at, 0);
    writeUint32(this.#output.block, at + 4, http2ErrorCode(code));
  }

  #frame(type: number, flags: number, streamId: number, length: number): number {
    const at = this.#output.reserve(frameHeaderBytes + length);
    writeFrameHeader(this.#output.block, at, length, type, flags, streamId);
    return at + frameHeaderBytes;
  }

  #countReply(): void {
    if (this.#output.backlogBytes === 0) this.#unreadReplies = 0;
    this.#unreadReplies += 1;
    if (this.#unreadReplies > mostUnreadReplies) {
      throw new Http2Error('ENHANCE_YOUR_CALM', 'it asks for more replies than it reads');
    }
  }
}
