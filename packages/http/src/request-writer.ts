import type { MessageBytes } from '@aibench/core';
import type { RequestHead } from './request-head.js';

/** The part of a socket that is written to. */
export interface OutputSocket {
  readonly writableLength: number;
  cork(): void;
  uncork(): void;
  write(chunk: Uint8Array): boolean;
}

/** Requests up to this size are copied into one piece, which costs less than a gathering write. */
const joinedBytes = 32_768;

/** Where a thread's requests are put together. The kernel mostly takes them at once, so one block does for all. */
let block = Buffer.allocUnsafeSlow(joinedBytes);

/**
 * Writes a request in one go.
 *
 * @param mayReuse whether bytes that the socket no longer counts as waiting may be overwritten: so it is where the
 * kernel has taken them, but not where they may still have to be encrypted
 */
export function writeRequest(
  socket: OutputSocket,
  head: RequestHead,
  body: MessageBytes | undefined,
  mayReuse: boolean,
): void {
  const bodyBytes = body === undefined ? 0 : messageLength(body);
  const bytes = head.withLength(bodyBytes);
  const size = bytes.length + bodyBytes;
  if (size > joinedBytes) writeParts(socket, bytes, body!);
  else {
    const target = mayReuse ? block : Buffer.allocUnsafe(size);
    target.set(bytes);
    let at = bytes.length;
    if (body instanceof Uint8Array) target.set(body, at);
    else if (body !== undefined) {
      for (const piece of body) {
        target.set(piece, at);
        at += piece.byteLength;
      }
    }
    socket.write(target.length === size ? target : target.subarray(0, size));
    // What the kernel has not taken must stay as it is.
    if (mayReuse && socket.writableLength > 0) block = Buffer.allocUnsafeSlow(joinedBytes);
  }
}

function writeParts(socket: OutputSocket, head: Uint8Array, body: MessageBytes): void {
  socket.cork();
  socket.write(head);
  if (body instanceof Uint8Array) socket.write(body);
  else for (const piece of body) if (piece.byteLength > 0) socket.write(piece);
  socket.uncork();
}

function messageLength(body: MessageBytes): number {
  return body instanceof Uint8Array
    ? body.byteLength
    : body.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
