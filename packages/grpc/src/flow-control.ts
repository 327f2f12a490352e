import { Http2Error, largest31Bits } from './http2-protocol.js';

/** How many bytes of DATA the peer takes (RFC 9113, section 6.9); below zero after it has lowered its initial window. */
export class SendWindow {
  #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** For bytes that are sent. */
  take(bytes: number): void {
    this.#bytes -= bytes;
  }

  /**
   * For WINDOW_UPDATE, and a change of the initial window.
   *
   * @throws Http2Error FLOW_CONTROL_ERROR past 2^31 - 1
   */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > largest31Bits) throw new Http2Error('FLOW_CONTROL_ERROR', 'a window is too large');
  }
}

/**
 * How many bytes of DATA the peer may send. They are taken as they come, so the
 * window is only given back, in large parts: once half of it is used up.
 */
export class ReceiveWindow {
  readonly #sizeBytes: number;
  #usedBytes = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  /**
   * For bytes that have come, padding included.
   *
   * @returns what WINDOW_UPDATE is to give back now, mostly 0
   * @throws Http2Error FLOW_CONTROL_ERROR where the peer sends more than it may
   */
  take(bytes: number): number {
    this.#usedBytes += bytes;
    if (this.#usedBytes * 2 < this.#sizeBytes) return 0;
    if (this.#usedBytes > this.#sizeBytes) {
      throw new Http2Error('FLOW_CONTROL_ERROR', 'it sends more than it may');
    }
    const due = this.#usedBytes;
    this.#usedBytes = 0;
    return due;
  }
}
