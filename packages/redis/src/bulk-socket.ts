import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AibenchError } from '@aibench/core';
import { answeredError, type ConnectionErrorContext, connectionError } from './connection-error.js';
import { handshakeSteps, tlsConnectionOptions } from './handshake.js';
import { formatRedisAddress, type RedisAddress } from './redis-address.js';
import type { ConnectOptions } from './redis-connection.js';
import { ReplyError, ReplyScanner, type ScannedReply } from './reply-scanner.js';
import { encodeCommand } from './resp-encode.js';

/** What becomes of a {@link BulkSocket}'s stream. */
export interface BulkSocketEvents {
  onReply(reply: ScannedReply): void;
  /** The connection is gone; nothing comes after this. Not called after `destroy`. */
  onLost(error: AibenchError): void;
}

/** Bytes read from a socket at once. Replies to writes are short. */
const readBufferBytes = 16_384;

/**
 * A socket to a Redis, logged in, on which encoded commands are written and
 * replies are scanned, with nothing between them: no queue, no promises, no
 * allocation for each command.
 */
export class BulkSocket {
  readonly address: string;
  readonly #context: ConnectionErrorContext;
  readonly #socket: Socket;
  readonly #scanner: ReplyScanner;
  #events: BulkSocketEvents | undefined;
  #handshakeReply: ((reply: ScannedReply) => void) | undefined;
  #handshakeLost: ((error: AibenchError) => void) | undefined;
  #connecting = true;
  #ended = false;

  private constructor(address: RedisAddress, flag: string) {
    this.address = formatRedisAddress(address);
    this.#context = { address: this.address, tls: address.tls !== undefined, flag, connecting: true };
    this.#scanner = new ReplyScanner((reply) => this.#takeReply(reply));
    const { host, port, tls } = address;
    if (tls === undefined) {
      // One buffer for all reads: by default Node allocates 64 KiB for each.
      const onread = {
        buffer: Buffer.allocUnsafe(readBufferBytes),
        callback: (length: number, bytes: Uint8Array) => {
          this.#read(bytes as Buffer, length);
          return true;
        },
      };
      this.#socket = connectTcp({ host, port, noDelay: true, onread });
    } else {
      this.#socket = connectTls({ host, port, ...tlsConnectionOptions(tls, host) });
      this.#socket.setNoDelay(true);
      this.#socket.on('data', (chunk: Buffer) => this.#read(chunk, chunk.length));
    }
    this.#socket.on('error', (error) => this.#lose(error));
    this.#socket.on('close', () => this.#lose(new Error('closed')));
  }

  /**
   * Connects and logs in.
   *
   * @throws AIBENCH_CONNECTION, AIBENCH_SERVER or AIBENCH_ANSWER as `connectRedis` does
   */
  static async open(address: RedisAddress, options: ConnectOptions = {}): Promise<BulkSocket> {
    const { connectTimeoutMs = 5_000, flag = '--redis-host' } = options;
    const socket = new BulkSocket(address, flag);
    const timer = setTimeout(() => {
      socket.#lose(
        new AibenchError(
          'AIBENCH_CONNECTION',
          `Redis at ${socket.address} did not answer within ${connectTimeoutMs} ms`,
          {
            hint: `see ${flag}`,
          },
        ),
      );
    }, connectTimeoutMs);
    try {
      for (const { command, mayFail } of handshakeSteps(address)) {
        const reply = await socket.#ask(encodeCommand(command));
        if (reply instanceof ReplyError && mayFail?.test(reply.text) !== true) {
          throw answeredError(socket.address, reply.text);
        }
      }
      socket.#connecting = false;
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Says who gets the replies from now on. */
  listen(events: BulkSocketEvents): void {
    this.#events = events;
  }

  /** Writes commands. The bytes must not change until their replies are in. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Closes the socket at once. */
  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #ask(command: Buffer): Promise<ScannedReply> {
    return new Promise((resolve, reject) => {
      this.#handshakeReply = resolve;
      this.#handshakeLost = reject;
      this.write(command);
    });
  }

  #read(bytes: Buffer, length: number): void {
    try {
      this.#scanner.push(length === bytes.length ? bytes : bytes.subarray(0, length));
    } catch (error) {
      this.#lose(error);
    }
  }

  #takeReply(reply: ScannedReply): void {
    if (this.#events !== undefined) this.#events.onReply(reply);
    else this.#handshakeReply?.(reply);
  }

  #lose(cause: unknown): void {
    if (this.#ended) return;
    this.destroy();
    const error = connectionError({ ...this.#context, connecting: this.#connecting }, cause);
    if (this.#events !== undefined) this.#events.onLost(error);
    else this.#handshakeLost?.(error);
  }
}
