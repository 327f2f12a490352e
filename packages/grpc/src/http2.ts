// The parts of HTTP/2 that a client and a server have in common, for the reference server. Not part of the public API.
export { ReceiveWindow, SendWindow } from './flow-control.js';
export { type FrameHandler, FrameReader, withoutPadding } from './frame-reader.js';
export { HpackDecoder } from './hpack-decoder.js';
export type { HeaderField } from './hpack-static-table.js';
export {
  connectionPreface,
  defaultMaxFrameBytes,
  defaultWindowBytes,
  Flag,
  FrameType,
  frameHeaderBytes,
  Http2Error,
  type Http2ErrorName,
  http2ErrorCode,
  largest31Bits,
  readUint32,
  Setting,
  writeFrameHeader,
  writeUint32,
} from './http2-protocol.js';
export { MessageCursor } from './message-cursor.js';
export { MessageReader, messagePrefixBytes } from './message-reader.js';
export { OutputQueue } from './output-queue.js';
export { PeerSettings } from './peer-settings.js';
