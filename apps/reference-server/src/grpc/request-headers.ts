import {
  Flag,
  FrameType,
  frameHeaderBytes,
  type HeaderField,
  HpackDecoder,
  Http2Error,
  withoutPadding,
} from '@aibench/grpc/http2';

/** A block may have this many bytes over all its frames. An honest one has a few hundred. */
const maxBlockBytes = 65_536;

/** What a call's headers say, as far as it matters here. */
export class RequestHeaders {
  method = '';
  path = '';
  contentType = '';
  /** `grpc-encoding`; empty where there is none. */
  encoding = '';
  /** `grpc-timeout`; empty where there is none. */
  timeout = '';

  clear(): void {
    this.method = '';
    this.path = '';
    this.contentType = '';
    this.encoding = '';
    this.timeout = '';
  }

  readonly add = ({ name, value }: HeaderField): void => {
    switch (name) {
      case ':method':
        this.method = value;
        break;
      case ':path':
        this.path = value;
        break;
      case 'content-type':
        this.contentType = value;
        break;
      case 'grpc-encoding':
        this.encoding = value;
        break;
      case 'grpc-timeout':
        this.timeout = value;
        break;
    }
  };
}

/** Decodes the header blocks of a connection, which may come in several frames (RFC 9113, sections 6.2 and 6.10). */
export class RequestHeaderReader {
  /** What the last whole block held; used again for the next. */
  readonly headers = new RequestHeaders();
  /** Whether the block's stream has nothing more to send. */
  endsStream = false;
  /** The stream of a block of which CONTINUATION has to come next; 0 where none is open. */
  openStreamId = 0;
  readonly #hpack = new HpackDecoder();
  #pieces: Buffer[] = [];
  #pieceBytes = 0;

  /**
   * Takes a HEADERS or CONTINUATION frame.
   *
   * @returns whether the block is whole, and {@link headers} filled
   * @throws Http2Error
   */
  take(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): boolean {
    let [from, to] = [start, end];
    if (type === FrameType.headers) {
      if ((flags & Flag.padded) !== 0) [from, to] = withoutPadding(bytes, start, end);
      if ((flags & Flag.priority) !== 0) from += 5;
      if (from > to) throw new Http2Error('FRAME_SIZE_ERROR', 'HEADERS is cut off');
      this.endsStream = (flags & Flag.endStream) !== 0;
    } else if (streamId !== this.openStreamId) {
      throw new Http2Error('PROTOCOL_ERROR', 'CONTINUATION comes without HEADERS');
    }
    const isLast = (flags & Flag.endHeaders) !== 0;
    const isWhole = isLast && this.openStreamId === 0;
    // Frames without contents count too, else there could be any number of them.
    this.#pieceBytes += to - from + frameHeaderBytes;
    if (this.#pieceBytes > maxBlockBytes) {
      throw new Http2Error('ENHANCE_YOUR_CALM', `headers have more than ${maxBlockBytes} bytes`);
    }
    this.openStreamId = isLast ? 0 : streamId;
    if (!isWhole) this.#pieces.push(Buffer.from(bytes.subarray(from, to)));
    if (!isLast) return false;
    this.headers.clear();
    if (isWhole) this.#hpack.decode(bytes, from, to, this.headers.add);
    else {
      const block = Buffer.concat(this.#pieces);
      this.#pieces = [];
      this.#hpack.decode(block, 0, block.length, this.headers.add);
    }
    this.#pieceBytes = 0;
    return true;
  }
}
