import {
  defaultMaxFrameBytes,
  defaultWindowBytes,
  Http2Error,
  largest31Bits,
  readUint32,
  Setting,
} from './http2-protocol.js';

/** What the peer has asked for in SETTINGS (RFC 9113, section 6.5.2), as far as a client that sends requests heeds it. */
export class PeerSettings {
  /** The table that the peer decodes headers with; 4,096 until it says otherwise. */
  headerTableBytes = 4_096;
  /** Calls at once; no limit until it sets one. */
  maxConcurrentStreams = Number.POSITIVE_INFINITY;
  /** What a new stream may send. */
  initialWindowBytes = defaultWindowBytes;
  /** The longest frame. */
  maxFrameBytes = defaultMaxFrameBytes;

  /**
   * Takes a frame's contents, whole settings of six bytes.
   *
   * @throws Http2Error FLOW_CONTROL_ERROR or PROTOCOL_ERROR
   */
  take(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at += 6) {
      this.#set((bytes[at]! << 8) | bytes[at + 1]!, readUint32(bytes, at + 2));
    }
  }

  #set(setting: number, value: number): void {
    switch (setting) {
      case Setting.headerTableSize:
        this.headerTableBytes = value;
        break;
      case Setting.maxConcurrentStreams:
        this.maxConcurrentStreams = value;
        break;
      case Setting.initialWindowSize:
        if (value > largest31Bits) {
          throw new Http2Error('FLOW_CONTROL_ERROR', `an initial window of ${value} is too large`);
        }
        this.initialWindowBytes = value;
        break;
      case Setting.maxFrameSize:
        if (value < defaultMaxFrameBytes || value > 0xffffff) {
          throw new Http2Error('PROTOCOL_ERROR', `frames of ${value} bytes are not allowed`);
        }
        this.maxFrameBytes = value;
        break;
    }
  }
}
