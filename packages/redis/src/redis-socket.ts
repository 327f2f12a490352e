import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AibenchError } from '@aibench/core';
import { answeredError, type ConnectionErrorContext, connectionError } from './connection-error.js';
import { handshakeSteps, tlsConnectionOptions } from './handshake.js';
import { formatRedisAddress, type RedisAddress } from './redis-address.js';
import type { ConnectOptions } from './redis-connection.js';
import { ReplyError, ReplyScanner, type ScannedReply } from './reply-scanner.js';
import { encodeCommand } from './resp-encode.js';

/** What becomes of a {@link RedisSocket}'s stream. */
export interface RedisSocketEvents {
  onReply(reply: ScannedReply): void;
  /** The connection is gone; nothing comes after this. Not called after `destroy`. */
  onLost(error: AibenchError): void;
  /** Nothing was sent or received for {@link ConnectOptions.readTimeoutMs}. */
  onSilence?(): void;
}

/** Bytes read from a socket at once: many short replies, or a part of a long one. */
const readBufferBytes = 16_384;

/**
 * A socket to a Redis, logged in, on which encoded commands are written and
 * replies are scanned, with nothing between them: no queue, no promises, no
 * allocation for each command. `RequestConnection` and the bulk writer's lanes
 * are made of it.
 */
export class RedisSocket {
  readonly address: string;
  readonly #context: ConnectionErrorContext;
  readonly #socket: Socket;
  readonly #scanner: ReplyScanner;
  #events: RedisSocketEvents | undefined;
  #handshakeReply: ((reply: ScannedReply) => void) | undefined;
  #handshakeLost: ((error: AibenchError) => void) | undefined;
  #connecting = true;
  #ended = false;
  #lost: AibenchError | undefined;

  private constructor(address: RedisAddress, flag: string, readTimeoutMs: number) {
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
    if (readTimeoutMs > 0) {
      this.#socket.setTimeout(readTimeoutMs);
      this.#socket.on('timeout', () => this.#events?.onSilence?.());
    }
    this.#socket.on('error', (error) => this.#lose(error));
    this.#socket.on('close', () => this.#lose(new Error('closed')));
  }

  /**
   * Connects and logs in.
   *
   * @throws AIBENCH_CONNECTION, AIBENCH_SERVER or AIBENCH_ANSWER as `connectRedis` does
   */
  static async open(address: RedisAddress, options: ConnectOptions = {}): Promise<RedisSocket> {
    const { connectTimeoutMs = 5_000, readTimeoutMs = 0, flag = '--redis-host' } = options;
    const socket = new RedisSocket(address, flag, readTimeoutMs);
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

  /** Says who gets the replies from now on, and learns of a loss, be it that it has happened already. */
  listen(events: RedisSocketEvents): void {
    this.#events = events;
    const lost = this.#lost;
    if (lost !== undefined) queueMicrotask(() => events.onLost(lost));
  }

  /** Writes commands. The bytes must not change until their replies are in. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Writes several chunks at once. */
  writeAll(chunks: readonly Uint8Array[]): void {
    this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk);
    this.#socket.uncork();
  }

  /** Bytes written that the kernel has not taken yet. */
  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  /** Closes the socket at once. */
  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  /** Gives the connection up for a reason, which {@link RedisSocketEvents.onLost} is told. */
  abandon(reason: AibenchError): void {
    this.#lose(reason);
  }

  /** Settles when the socket is closed. */
  closed(): Promise<void> {
    return this.#socket.closed
      ? Promise.resolve()
      : new Promise((resolve) => this.#socket.once('close', () => resolve()));
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
    // A chunk may hold more replies after the one that made its taker give up.
    if (this.#ended) return;
    if (this.#events !== undefined) this.#events.onReply(reply);
    else this.#handshakeReply?.(reply);
  }

  #lose(cause: unknown): void {
    if (this.#ended) return;
    this.destroy();
    const error = connectionError({ ...this.#context, connecting: this.#connecting }, cause);
    this.#lost = error;
    if (this.#events !== undefined) this.#events.onLost(error);
    else this.#handshakeLost?.(error);
  }
}
