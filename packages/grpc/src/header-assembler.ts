import { withoutPadding } from './frame-reader.js';
import { HpackDecoder } from './hpack-decoder.js';
import { Flag, FrameType, frameHeaderBytes, Http2Error } from './http2-protocol.js';
import { ResponseHeaders } from './response-headers.js';

/** A block may have this many bytes over all its frames. An honest one has a few hundred. */
const maxBlockBytes = 262_144;

/** Decodes the header blocks of a connection, which may come in several frames (RFC 9113, sections 6.2 and 6.10). */
export class HeaderAssembler {
  /** What the last whole block held. */
  readonly headers = new ResponseHeaders();
  /** The stream of the block that is under way or was the last. */
  streamId = 0;
  /** Whether that block ends its stream. */
  endsStream = false;
  /** Whether CONTINUATION has to come next. */
  isOpen = false;
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
      // A priority, which nobody heeds any more (section 5.3.2).
      if ((flags & Flag.priority) !== 0) from += 5;
      if (from > to) throw new Http2Error('FRAME_SIZE_ERROR', 'HEADERS is cut off');
      this.streamId = streamId;
      this.endsStream = (flags & Flag.endStream) !== 0;
    } else if (!this.isOpen || streamId !== this.streamId) {
      throw new Http2Error('PROTOCOL_ERROR', 'CONTINUATION comes without HEADERS');
    }
    const isLast = (flags & Flag.endHeaders) !== 0;
    if (isLast && !this.isOpen) this.#decode(bytes, from, to);
    else {
      this.#gather(bytes, from, to);
      if (isLast) this.#decodeGathered();
    }
    this.isOpen = !isLast;
    return isLast;
  }

  #gather(bytes: Buffer, start: number, end: number): void {
    // Frames without contents count too, else there could be any number of them.
    this.#pieceBytes += end - start + frameHeaderBytes;
    if (this.#pieceBytes > maxBlockBytes) {
      throw new Http2Error('ENHANCE_YOUR_CALM', `headers have more than ${maxBlockBytes} bytes`);
    }
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
  }

  #decodeGathered(): void {
    const block = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#decode(block, 0, block.length);
  }

  #decode(bytes: Buffer, start: number, end: number): void {
    if (end - start > maxBlockBytes) {
      throw new Http2Error('ENHANCE_YOUR_CALM', `headers have more than ${maxBlockBytes} bytes`);
    }
    this.headers.clear();
    this.#hpack.decode(bytes, start, end, this.headers.add);
  }
}
