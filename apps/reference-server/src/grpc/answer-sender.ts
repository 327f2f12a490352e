import {
  defaultMaxFrameBytes,
  Flag,
  FrameType,
  frameHeaderBytes,
  MessageCursor,
  messagePrefixBytes,
  type OutputQueue,
  type PeerSettings,
  SendWindow,
  writeFrameHeader,
  writeUint32,
} from '@aibench/grpc/http2';
import { encodeGrpcMessage, type GrpcError, grpcStatus } from './grpc-error.js';
import { literalField, status200 } from './header-block.js';

/** Status messages are cut here, so that the headers stay within what clients take. */
const longestMessage = 4_000;

/** An answer of which a part is still to be sent. */
export interface UnsentAnswer {
  readonly streamId: number;
  readonly window: SendWindow;
  readonly unsent: MessageCursor;
}

/** Header frames of a server's answers, whose streams are filled in: they differ in nothing else. */
export class AnswerFrames {
  readonly head: Buffer;
  readonly trailers: Buffer;
  readonly #common: Buffer;

  /** @param server the header `server` */
  constructor(server: string) {
    this.#common = Buffer.concat([
      status200,
      literalField('content-type', 'application/grpc'),
      literalField('server', server),
    ]);
    this.head = headersFrame(this.#common, Flag.endHeaders);
    this.trailers = headersFrame(literalField('grpc-status', 0), Flag.endHeaders | Flag.endStream);
  }

  /** The one frame of an answer that is a status. */
  status({ message, status }: GrpcError): Buffer {
    const block = Buffer.concat([
      this.#common,
      literalField('grpc-status', grpcStatus[status]),
      literalField('grpc-message', encodeGrpcMessage(message.slice(0, longestMessage))),
    ]);
    return headersFrame(block, Flag.endHeaders | Flag.endStream);
  }

  /** The one frame of an answer to what is no gRPC. */
  readonly notGrpc: Buffer = headersFrame(literalField(':status', 415), Flag.endHeaders | Flag.endStream);
}

function headersFrame(block: Buffer, flags: number): Buffer {
  const frame = Buffer.alloc(frameHeaderBytes + block.length);
  writeFrameHeader(frame, 0, block.length, FrameType.headers, flags, 0);
  block.copy(frame, frameHeaderBytes);
  return frame;
}

/** Where a frame's header has the stream. */
const streamIdAt = 5;

/** Writes a connection's answers, as far as the client's windows let it (RFC 9113, section 5.2). */
export class AnswerSender {
  readonly #frames: AnswerFrames;
  readonly #output: OutputQueue;
  readonly #settings: PeerSettings;
  /** Of the connection. */
  readonly #window: SendWindow;
  /** The oldest first. */
  readonly #unfinished = new Map<number, UnsentAnswer>();

  constructor(frames: AnswerFrames, output: OutputQueue, settings: PeerSettings, window: SendWindow) {
    this.#frames = frames;
    this.#output = output;
    this.#settings = settings;
    this.#window = window;
  }

  /**
   * Sends an answer, as much as may be sent now.
   *
   * @param windowBytes what the call's stream may send
   */
  send(streamId: number, message: Uint8Array, windowBytes: number): void {
    const dataBytes = messagePrefixBytes + message.byteLength;
    if (dataBytes <= defaultMaxFrameBytes && dataBytes <= windowBytes && dataBytes <= this.#window.bytes) {
      this.#sendWhole(streamId, message, dataBytes);
      return;
    }
    this.#sendFrame(this.#frames.head, streamId);
    const prefix = Buffer.alloc(messagePrefixBytes);
    writeUint32(prefix, 1, message.byteLength);
    const answer = {
      streamId,
      window: new SendWindow(windowBytes),
      unsent: new MessageCursor([prefix, message]),
    };
    if (!this.#sendMore(answer)) this.#unfinished.set(streamId, answer);
  }

  /** Sends a status in the place of an answer. */
  sendStatus(streamId: number, error: GrpcError): void {
    this.#sendFrame(this.#frames.status(error), streamId);
  }

  /** Sends what HTTP answers where a request is no gRPC. */
  sendNotGrpc(streamId: number): void {
    this.#sendFrame(this.#frames.notGrpc, streamId);
  }

  /** @param streamId 0 for the connection @throws Http2Error */
  onWindowUpdate(streamId: number, bytes: number): void {
    if (streamId === 0) this.#window.add(bytes);
    else this.#unfinished.get(streamId)?.window.add(bytes);
    this.#sendUnfinished();
  }

  /** After a change of the window that streams begin with. @throws Http2Error */
  onInitialWindow(changeBytes: number): void {
    for (const { window } of this.#unfinished.values()) window.add(changeBytes);
    this.#sendUnfinished();
  }

  /** Drops what is unsent of a call that the client has cancelled. */
  cancel(streamId: number): void {
    this.#unfinished.delete(streamId);
  }

  /** The usual case: all of it in one piece of memory, nothing left over. */
  #sendWhole(streamId: number, message: Uint8Array, dataBytes: number): void {
    const { head, trailers } = this.#frames;
    const at = this.#output.reserve(head.length + frameHeaderBytes + dataBytes + trailers.length);
    const { block } = this.#output;
    block.set(head, at);
    writeUint32(block, at + streamIdAt, streamId);
    const dataAt = at + head.length;
    writeFrameHeader(block, dataAt, dataBytes, FrameType.data, 0, streamId);
    const prefixAt = dataAt + frameHeaderBytes;
    block[prefixAt] = 0;
    writeUint32(block, prefixAt + 1, message.byteLength);
    block.set(message, prefixAt + messagePrefixBytes);
    const trailersAt = prefixAt + dataBytes;
    block.set(trailers, trailersAt);
    writeUint32(block, trailersAt + streamIdAt, streamId);
    this.#window.take(dataBytes);
  }

  #sendFrame(frame: Buffer, streamId: number): void {
    const at = this.#output.reserve(frame.length);
    this.#output.block.set(frame, at);
    writeUint32(this.#output.block, at + streamIdAt, streamId);
  }

  #sendUnfinished(): void {
    if (this.#window.bytes <= 0) return;
    for (const [streamId, answer] of this.#unfinished) {
      if (this.#sendMore(answer)) this.#unfinished.delete(streamId);
    }
  }

  /** Sends what the windows allow; returns whether that was the rest. */
  #sendMore({ streamId, unsent, window }: UnsentAnswer): boolean {
    while (unsent.leftBytes > 0) {
      const most = Math.min(this.#window.bytes, window.bytes, this.#settings.maxFrameBytes);
      const bytes = Math.min(unsent.leftBytes, most);
      if (bytes <= 0) return false;
      const at = this.#output.reserve(frameHeaderBytes);
      writeFrameHeader(this.#output.block, at, bytes, FrameType.data, 0, streamId);
      unsent.pass(bytes, this.#output);
      this.#window.take(bytes);
      window.take(bytes);
    }
    this.#sendFrame(this.#frames.trailers, streamId);
    return true;
  }
}
