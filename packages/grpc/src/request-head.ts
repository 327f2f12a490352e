import { Flag, FrameType, frameHeaderBytes, writeFrameHeader, writeUint32 } from './http2-protocol.js';
import { messagePrefixBytes } from './message-reader.js';

/** What the headers of a call are made of. */
export interface RequestHeadOptions {
  readonly scheme: 'http' | 'https';
  /** `host:port`. */
  readonly authority: string;
  /** `/package.Service/Method` */
  readonly path: string;
  /** For `grpc-timeout`; 0 for none. */
  readonly timeoutMs: number;
  /** Metadata, names in lower case. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The names that fields are sent with by their number (RFC 7541, appendix A). */
const authorityIndex = 1;
const pathIndex = 4;
const contentTypeIndex = 31;
const userAgentIndex = 58;

/**
 * Everything that precedes a message, encoded once for all calls of a method: a
 * HEADERS frame, the header of a DATA frame, and the message's prefix. Only the
 * stream and the lengths have to be filled in. Fields are literals that aren't
 * indexed (RFC 7541, section 6.2.2), so the block is the same whatever was sent
 * before it, and on any connection.
 */
export class RequestHead {
  /** HEADERS frame, DATA frame's header, message prefix. */
  readonly bytes: Buffer;
  /** Where the DATA frame's header begins. */
  readonly dataAt: number;

  constructor(options: RequestHeadOptions) {
    const block = encodeHeaderBlock(options);
    this.dataAt = frameHeaderBytes + block.length;
    this.bytes = Buffer.alloc(this.dataAt + frameHeaderBytes + messagePrefixBytes);
    writeFrameHeader(this.bytes, 0, block.length, FrameType.headers, Flag.endHeaders, 0);
    this.bytes.set(block, frameHeaderBytes);
  }

  /** Fills in a copy of {@link bytes}, for a message that goes out in one DATA frame, the stream's last. */
  fill(target: Uint8Array, at: number, streamId: number, messageBytes: number): void {
    writeUint32(target, at + 5, streamId);
    const dataAt = at + this.dataAt;
    writeFrameHeader(
      target,
      dataAt,
      messagePrefixBytes + messageBytes,
      FrameType.data,
      Flag.endStream,
      streamId,
    );
    writeUint32(target, dataAt + frameHeaderBytes + 1, messageBytes);
  }
}

function encodeHeaderBlock({ scheme, authority, path, timeoutMs, headers = {} }: RequestHeadOptions): Buffer {
  const methodPost = 0x80 | 3;
  const schemeField = 0x80 | (scheme === 'http' ? 6 : 7);
  return Buffer.concat([
    Buffer.of(methodPost, schemeField),
    literal(pathIndex, path),
    literal(authorityIndex, authority),
    literal('te', 'trailers'),
    literal(contentTypeIndex, 'application/grpc'),
    ...(timeoutMs > 0 ? [literal('grpc-timeout', formatGrpcTimeout(timeoutMs))] : []),
    literal(userAgentIndex, 'grpc-node-aibench/0.1.0'),
    ...Object.entries(headers).map(([name, value]) => literal(name, value)),
  ]);
}

/** `grpc-timeout`'s value: at most eight digits and a unit (gRPC's "PROTOCOL-HTTP2", Timeout); rounded up. */
export function formatGrpcTimeout(timeoutMs: number): string {
  const most = 99_999_999;
  const wholeMs = Math.ceil(timeoutMs);
  return wholeMs <= most ? `${wholeMs}m` : `${Math.min(most, Math.ceil(timeoutMs / 1_000))}S`;
}

/** A field that isn't indexed, its name given by number or by letters. */
function literal(name: number | string, value: string): Buffer {
  const encodedName =
    typeof name === 'number' ? integer(name, 4) : Buffer.concat([Buffer.of(0), string(name)]);
  return Buffer.concat([encodedName, string(value)]);
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([integer(bytes.length, 7), bytes]);
}

/** RFC 7541, section 5.1; the bits before the prefix are 0. */
function integer(value: number, prefixBits: number): Buffer {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) return Buffer.of(value);
  const bytes = [mask];
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
