/** Frame types (RFC 9113, section 6). */
export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames (RFC 9113, section 6); a number means different things on different frames. */
export const Flag = {
  endStream: 0x1,
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

/** Settings (RFC 9113, section 6.5.2). */
export const Setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** Error codes (RFC 9113, section 7), in the order of their numbers. */
export const http2ErrorNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const;

/** The name of an error code. */
export type Http2ErrorName = (typeof http2ErrorNames)[number];

/** The number of an error code. */
export function http2ErrorCode(name: Http2ErrorName): number {
  return http2ErrorNames.indexOf(name);
}

/** The name of an error code as messages show it, one that is not in the RFC too. */
export function http2ErrorName(code: number): string {
  return http2ErrorNames[code] ?? `error ${code}`;
}

/** The peer has broken HTTP/2 in a way that ends the connection (RFC 9113, section 5.4.1). */
export class Http2Error extends Error {
  override readonly name = 'Http2Error';
  readonly code: Http2ErrorName;

  constructor(code: Http2ErrorName, message: string) {
    super(message);
    this.code = code;
  }
}

/** Bytes of a frame's header (RFC 9113, section 4.1). */
export const frameHeaderBytes = 9;
/** What a client sends first (RFC 9113, section 3.4). */
export const connectionPreface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** Windows and frame sizes before any setting (RFC 9113, section 6.5.2). */
export const defaultWindowBytes = 65_535;
export const defaultMaxFrameBytes = 16_384;
/** The largest window (RFC 9113, section 6.9.1) and the largest stream id (section 5.1.1). */
export const largest31Bits = 0x7fffffff;

/** Reads 32 bits in network order. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Writes 32 bits in network order. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes a frame's header (RFC 9113, section 4.1). */
export function writeFrameHeader(
  bytes: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeUint32(bytes, at + 5, streamId);
}
