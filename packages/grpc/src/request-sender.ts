import { SendWindow } from './flow-control.js';
import {
  defaultMaxFrameBytes,
  Flag,
  FrameType,
  frameHeaderBytes,
  writeFrameHeader,
  writeUint32,
} from './http2-protocol.js';
import { MessageCursor } from './message-cursor.js';
import { messagePrefixBytes } from './message-reader.js';
import type { OutputQueue } from './output-queue.js';
import type { PeerSettings } from './peer-settings.js';
import type { UnaryCall } from './unary-call.js';

/** A size of 0 for the table that headers are encoded with (RFC 7541, section 6.3). */
const emptyTable = Buffer.of(0x20);

/** Writes a connection's requests, as far as the server's windows let it (RFC 9113, section 5.2). */
export class RequestSender {
  readonly #output: OutputQueue;
  readonly #settings: PeerSettings;
  readonly #window: SendWindow;
  /** Calls of which a part is still to be sent, the oldest first. */
  #unfinished: UnaryCall[] = [];
  /** Whether the server has made its table smaller and waits to hear that we know (RFC 7541, section 4.2). */
  #owesTableSize = false;
  #knowsSmallTable = false;
  /** The stream of the next request. */
  nextStreamId = 1;

  constructor(output: OutputQueue, settings: PeerSettings, window: SendWindow) {
    this.#output = output;
    this.#settings = settings;
    this.#window = window;
  }

  /** Sends a call's headers and what it may of its message, the rest as windows open. */
  send(call: UnaryCall): void {
    call.streamId = this.nextStreamId;
    this.nextStreamId += 2;
    const dataBytes = call.messageBytes + messagePrefixBytes;
    const isShort = dataBytes <= defaultMaxFrameBytes && dataBytes <= this.#settings.initialWindowBytes;
    if (isShort && dataBytes <= this.#window.bytes && !this.#owesTableSize) this.#sendWhole(call, dataBytes);
    else this.#begin(call);
  }

  /**
   * Lets the server's new settings take effect on requests that are on their way (RFC 9113, section 6.9.2).
   *
   * @param apply takes the settings over and confirms them. The server counts by the new windows once it has read that,
   * so what they allow has to follow it
   */
  onSettings(apply: () => void, calls: Iterable<UnaryCall>): void {
    const before = this.#settings.initialWindowBytes;
    apply();
    // Nothing is ever put into the table, so once is enough.
    if (this.#settings.headerTableBytes < 4_096 && !this.#knowsSmallTable) {
      this.#owesTableSize = true;
      this.#knowsSmallTable = true;
    }
    const change = this.#settings.initialWindowBytes - before;
    if (change === 0) return;
    for (const { sendWindow } of calls) sendWindow?.add(change);
    this.#sendUnfinished();
  }

  /** @param window of the connection or of a call; undefined for a call that has no use for it */
  onWindowUpdate(window: SendWindow | undefined, bytes: number): void {
    window?.add(bytes);
    this.#sendUnfinished();
  }

  /** The usual case: headers and message in one piece of memory, nothing left over. */
  #sendWhole({ head, message, messageBytes, streamId }: UnaryCall, dataBytes: number): void {
    const headBytes = head.bytes.length;
    const at = this.#output.reserve(headBytes + messageBytes);
    const { block } = this.#output;
    block.set(head.bytes, at);
    head.fill(block, at, streamId, messageBytes);
    if (message instanceof Uint8Array) block.set(message, at + headBytes);
    else {
      let to = at + headBytes;
      for (const piece of message) {
        block.set(piece, to);
        to += piece.byteLength;
      }
    }
    this.#window.take(dataBytes);
  }

  #begin(call: UnaryCall): void {
    const { head, message, messageBytes, streamId } = call;
    const blockBytes = head.dataAt - frameHeaderBytes;
    const update = this.#owesTableSize ? emptyTable : emptyTable.subarray(0, 0);
    this.#owesTableSize = false;
    const length = update.length + blockBytes;
    const at = this.#output.reserve(frameHeaderBytes + length);
    const { block } = this.#output;
    writeFrameHeader(block, at, length, FrameType.headers, Flag.endHeaders, streamId);
    block.set(update, at + frameHeaderBytes);
    block.set(head.bytes.subarray(frameHeaderBytes, head.dataAt), at + frameHeaderBytes + update.length);
    const prefix = Buffer.alloc(messagePrefixBytes);
    writeUint32(prefix, 1, messageBytes);
    call.sendWindow = new SendWindow(this.#settings.initialWindowBytes);
    call.unsent = new MessageCursor([prefix, ...(message instanceof Uint8Array ? [message] : message)]);
    if (!this.#sendMore(call)) this.#unfinished.push(call);
  }

  #sendUnfinished(): void {
    if (this.#unfinished.length === 0 || this.#window.bytes <= 0) return;
    this.#unfinished = this.#unfinished.filter((call) => !this.#sendMore(call));
  }

  /** Sends what the windows allow; returns whether that was the rest. */
  #sendMore(call: UnaryCall): boolean {
    const { streamId } = call;
    const { unsent, sendWindow: window } = call;
    // It may have settled, or been refused, since.
    if (unsent === undefined || window === undefined) return true;
    while (unsent.leftBytes > 0) {
      const bytes = Math.min(
        unsent.leftBytes,
        this.#window.bytes,
        window.bytes,
        this.#settings.maxFrameBytes,
      );
      if (bytes <= 0) return false;
      const flags = bytes === unsent.leftBytes ? Flag.endStream : 0;
      const at = this.#output.reserve(frameHeaderBytes);
      writeFrameHeader(this.#output.block, at, bytes, FrameType.data, flags, streamId);
      unsent.pass(bytes, this.#output);
      this.#window.take(bytes);
      window.take(bytes);
    }
    call.unsent = undefined;
    return true;
  }
}
