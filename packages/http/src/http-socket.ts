import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { inputError } from '@aibench/core';
import type { HttpAddress, HttpTls } from './http-address.js';

/** What becomes of a socket. */
export interface SocketEvents {
  onConnected(): void;
  /** Bytes that came. They are only lent for the call. */
  onBytes(bytes: Buffer, length: number): void;
  /** The peer sends no more. */
  onEnd(): void;
  /** It is closed, for a reason where there is one. */
  onClosed(cause: unknown): void;
}

/**
 * Where a thread's connections read into. What a read has brought is done with before the next, so one buffer does for
 * all. By default Node allocates 64 KiB for each read.
 */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

/**
 * Connects sockets to one server, plain or with TLS. What a host name means is looked up for the first, and again after
 * one has not come about: a server that closes after each answer would cost a look-up for each request.
 */
export class SocketFactory {
  readonly #host: string;
  readonly #isName: boolean;
  #knownAddress: string | undefined;
  readonly #port: number;
  readonly #tls: { readonly context: SecureContext; readonly insecure: boolean } | undefined;

  /** @throws AIBENCH_INPUT where the file of authorities cannot be read */
  constructor({ origin, tls }: HttpAddress) {
    const { hostname, port, protocol } = new URL(origin);
    this.#host = hostname.replace(/^\[|\]$/g, '');
    this.#isName = isIP(this.#host) === 0;
    this.#port = Number(port || (protocol === 'https:' ? 443 : 80));
    if (tls === undefined) return;
    const ca = readAuthorities(tls);
    this.#tls = {
      context: createSecureContext(ca === undefined ? {} : { ca }),
      insecure: tls.insecure === true,
    };
  }

  connect(events: SocketEvents): Socket {
    const socket = this.#tls === undefined ? this.#connectTcp(events) : this.#connectTls(events);
    let isConnected = false;
    let cause: unknown;
    socket.on('error', (error) => {
      cause ??= error;
    });
    socket.on('end', () => events.onEnd());
    socket.on('close', () => {
      if (!isConnected || cause !== undefined) this.#knownAddress = undefined;
      events.onClosed(cause);
    });
    socket.on('connect', () => {
      isConnected = true;
      if (this.#isName) this.#knownAddress ??= socket.remoteAddress;
    });
    return socket;
  }

  get #address(): string {
    return this.#knownAddress ?? this.#host;
  }

  #connectTcp(events: SocketEvents): Socket {
    const callback = (length: number, bytes: Uint8Array) => {
      events.onBytes(bytes as Buffer, length);
      return true;
    };
    const onread = { buffer: readBuffer, callback };
    const socket = connectTcp({ host: this.#address, port: this.#port, noDelay: true, onread });
    socket.on('connect', () => events.onConnected());
    return socket;
  }

  #connectTls(events: SocketEvents): Socket {
    const { context, insecure } = this.#tls!;
    const socket = connectTls({
      host: this.#address,
      port: this.#port,
      secureContext: context,
      rejectUnauthorized: !insecure,
      // An IP address must not be sent as a server name (RFC 6066, section 3).
      ...(this.#isName ? { servername: this.#host } : {}),
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => events.onBytes(chunk, chunk.length));
    socket.on('secureConnect', () => events.onConnected());
    return socket;
  }
}

/**
 * The authorities to trust; undefined for the system's.
 *
 * @throws AIBENCH_INPUT naming the file where it cannot be read
 */
export function readAuthorities({ caPath }: HttpTls): Buffer | undefined {
  if (caPath === undefined) return undefined;
  try {
    return readFileSync(caPath);
  } catch (cause) {
    throw inputError(caPath, cause, 'see --tls-ca');
  }
}
