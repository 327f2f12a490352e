import {
  Flag,
  FrameType,
  frameHeaderBytes,
  Http2Error,
  largest31Bits,
  readUint32,
} from './http2-protocol.js';

/** Who gets the frames. The bytes are only lent for the call. */
export interface FrameHandler {
  /**
   * A part of a DATA frame, or the whole of it.
   *
   * @param windowBytes what it takes of the windows: more than its length where the frame is padded
   * @param endsStream whether this is the stream's end
   */
  onData(
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
    windowBytes: number,
    endsStream: boolean,
  ): void;
  /** Any other frame, whole. */
  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void;
}

/**
 * Cuts a stream into HTTP/2 frames (RFC 9113, section 4.1), wherever its chunks
 * end. Frames that lie within a chunk are read where they are, and DATA is
 * handed on as it comes, so only the frames that a chunk's end cuts, other than
 * DATA, are copied.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #maxFrameBytes: number;
  /** The start of a frame whose end has not come; grows with what has come, not with what a length promises. */
  #rest: Buffer = Buffer.allocUnsafeSlow(256);
  #restUsed = 0;
  /** What is still to come of a DATA frame that is being handed on. */
  #dataLeft = 0;
  #dataStreamId = 0;
  #dataEndsStream = false;

  /** @param maxFrameBytes the longest frame that the peer may send, as it was told in SETTINGS_MAX_FRAME_SIZE */
  constructor(handler: FrameHandler, maxFrameBytes: number) {
    this.#handler = handler;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @throws Http2Error, and what the handler throws
   */
  push(bytes: Buffer, end: number): void {
    let at = 0;
    while (at < end) {
      if (this.#dataLeft > 0) at = this.#passData(bytes, at, end);
      else if (this.#restUsed > 0) at = this.#completeRest(bytes, at, end);
      else if (end - at < frameHeaderBytes) at = this.#keep(bytes, at, end);
      else {
        const length = this.#lengthOf(bytes, at);
        const start = at + frameHeaderBytes;
        if (isPlainData(bytes, at)) {
          this.#beginData(bytes, at, length);
          at = start;
        } else if (start + length > end) at = this.#keep(bytes, at, end);
        else {
          this.#deliver(bytes, at, length);
          at = start + length;
        }
      }
    }
  }

  /** Adds to the frame that was cut until it can be delivered. */
  #completeRest(bytes: Buffer, at: number, end: number): number {
    const wanted =
      this.#restUsed < frameHeaderBytes ? frameHeaderBytes : frameHeaderBytes + this.#lengthOf(this.#rest, 0);
    const next = this.#keep(bytes, at, Math.min(end, at + wanted - this.#restUsed));
    if (this.#restUsed < frameHeaderBytes) return next;
    const length = this.#lengthOf(this.#rest, 0);
    if (isPlainData(this.#rest, 0)) {
      this.#restUsed = 0;
      this.#beginData(this.#rest, 0, length);
    } else if (this.#restUsed === frameHeaderBytes + length) {
      this.#restUsed = 0;
      this.#deliver(this.#rest, 0, length);
      // A long frame's memory is not worth keeping.
      if (this.#rest.length > 65_536) this.#rest = Buffer.allocUnsafeSlow(256);
    }
    return next;
  }

  #keep(bytes: Buffer, at: number, end: number): number {
    const used = this.#restUsed + end - at;
    if (used > this.#rest.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(used, this.#rest.length * 2));
      this.#rest.copy(larger, 0, 0, this.#restUsed);
      this.#rest = larger;
    }
    bytes.copy(this.#rest, this.#restUsed, at, end);
    this.#restUsed = used;
    return end;
  }

  #lengthOf(bytes: Buffer, at: number): number {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    if (length > this.#maxFrameBytes) {
      throw new Http2Error('FRAME_SIZE_ERROR', `a frame of ${length} bytes is longer than was agreed`);
    }
    return length;
  }

  #beginData(bytes: Buffer, at: number, length: number): void {
    this.#dataStreamId = streamIdOf(bytes, at);
    this.#dataEndsStream = (bytes[at + 4]! & Flag.endStream) !== 0;
    this.#dataLeft = length;
    if (length === 0) this.#handler.onData(this.#dataStreamId, bytes, 0, 0, 0, this.#dataEndsStream);
  }

  #passData(bytes: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#dataLeft);
    this.#dataLeft -= to - at;
    const endsStream = this.#dataEndsStream && this.#dataLeft === 0;
    this.#handler.onData(this.#dataStreamId, bytes, at, to, to - at, endsStream);
    return to;
  }

  #deliver(bytes: Buffer, at: number, length: number): void {
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const streamId = streamIdOf(bytes, at);
    const start = at + frameHeaderBytes;
    const end = start + length;
    if (type !== FrameType.data) {
      this.#handler.onFrame(type, flags, streamId, bytes, start, end);
      return;
    }
    const [from, to] = withoutPadding(bytes, start, end);
    this.#handler.onData(streamId, bytes, from, to, length, (flags & Flag.endStream) !== 0);
  }
}

/**
 * Where the contents of a padded frame begin and end (RFC 9113, section 6.1).
 *
 * @throws Http2Error PROTOCOL_ERROR where the padding is longer than the frame
 */
export function withoutPadding(bytes: Buffer, start: number, end: number): readonly [number, number] {
  const to = end - bytes[start]!;
  if (start >= end || to < start + 1)
    throw new Http2Error('PROTOCOL_ERROR', 'padding is longer than its frame');
  return [start + 1, to];
}

/** DATA that isn't padded can be handed on in parts. */
function isPlainData(bytes: Buffer, at: number): boolean {
  return bytes[at + 3] === FrameType.data && (bytes[at + 4]! & Flag.padded) === 0;
}

function streamIdOf(bytes: Buffer, at: number): number {
  return readUint32(bytes, at + 5) & largest31Bits;
}
