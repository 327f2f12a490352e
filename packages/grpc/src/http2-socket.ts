import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { AibenchError } from '@aibench/core';
import type { GrpcAddress, GrpcTls } from './grpc-address.js';

/** What becomes of a socket. */
export interface SocketEvents {
  onConnected(): void;
  /** Bytes that came. They are only lent for the call. */
  onBytes(bytes: Buffer, length: number): void;
  /** It is closed, for a reason where there is one. */
  onClosed(cause: unknown): void;
}

/**
 * Where a thread's connections read into, many short answers or a part of a long one at once. What a read has brought
 * is done with before the next, so one buffer does for all. By default Node allocates 64 KiB for each read.
 */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

/**
 * Connects a socket for HTTP/2: plain with prior knowledge (RFC 9113, section
 * 3.3), or TLS with ALPN (section 3.2).
 *
 * @throws AIBENCH_INPUT where the file of authorities cannot be read
 */
export function connectSocket({ host, port, tls }: GrpcAddress, events: SocketEvents): Socket {
  const socket =
    tls === undefined
      ? connectTcp({ host, port, noDelay: true, onread: readInto(events) })
      : connectTls({ host, port, ALPNProtocols: ['h2'], ...tlsOptions(tls, host) });
  let cause: unknown;
  socket.on('error', (error) => {
    cause ??= error;
  });
  socket.on('close', () => events.onClosed(cause));
  // The peer's end is the connection's: there is nothing left to ask.
  socket.on('end', () => socket.destroy());
  if (tls === undefined) socket.on('connect', () => events.onConnected());
  else {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => events.onBytes(chunk, chunk.length));
    socket.on('secureConnect', () => {
      if ((socket as TLSSocket).alpnProtocol === 'h2') events.onConnected();
      else socket.destroy(new Error('it speaks TLS, but not HTTP/2 over it'));
    });
  }
  return socket;
}

function readInto(events: SocketEvents) {
  return {
    buffer: readBuffer,
    callback: (length: number, bytes: Uint8Array) => {
      events.onBytes(bytes as Buffer, length);
      return true;
    },
  };
}

function tlsOptions(tls: GrpcTls, host: string): ConnectionOptions {
  const ca = readAuthorities(tls);
  return {
    ...(ca === undefined ? {} : { ca }),
    rejectUnauthorized: tls.insecure !== true,
    // An IP address must not be sent as a server name (RFC 6066, section 3).
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
  };
}

/**
 * The authorities to trust; undefined for the system's.
 *
 * @throws AIBENCH_INPUT naming the file where it cannot be read
 */
export function readAuthorities({ caPath }: GrpcTls): Buffer | undefined {
  if (caPath === undefined || caPath === '') return undefined;
  try {
    return readFileSync(caPath);
  } catch (cause) {
    const message = `cannot read the certificates in ${caPath}: ${(cause as Error).message}`;
    throw new AibenchError('AIBENCH_INPUT', message, { hint: 'see --tls-ca', cause });
  }
}
