import { AibenchError } from '@aibench/core';
import { Redis } from 'ioredis';
import { answeredError, type ConnectionErrorContext, connectionError } from './connection-error.js';
import { EncodedCommand } from './encoded-command.js';
import { handshakeSteps, tlsConnectionOptions } from './handshake.js';
import { formatRedisAddress, type RedisAddress } from './redis-address.js';
import type { RedisClient, RedisReply } from './redis-client.js';
import { encodeCommand } from './resp-encode.js';

/** How connections behave. */
export interface ConnectOptions {
  /** Limit for connecting and logging in. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** A connection that waits for an answer longer than this is given up. Default: no limit. */
  readonly readTimeoutMs?: number;
  /** The flag that names the server, for hints. Default `--redis-host`. */
  readonly flag?: string;
}

/**
 * One connection to one Redis, by ioredis, for set-up and questions: nothing is
 * retried, sent again or queued behind the caller's back, so a lost command is
 * always seen as an error. Timed requests go over a `RequestConnection`.
 */
export class RedisConnection implements RedisClient {
  readonly address: string;
  readonly #redis: Redis;
  readonly #context: ConnectionErrorContext;
  #connecting = true;
  #lastError: Error | undefined;
  readonly #toError = (error: Error): Error => this.#explain(error);

  /** Use {@link connectRedis}. */
  constructor(redis: Redis, address: RedisAddress, flag: string) {
    this.address = formatRedisAddress(address);
    this.#redis = redis;
    this.#context = { address: this.address, tls: address.tls !== undefined, flag, connecting: true };
    redis.on('error', (error: Error) => {
      this.#lastError ??= error;
    });
  }

  /** Connects and logs in. */
  async open(address: RedisAddress, timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(notAnswering(this.#context, timeoutMs)), timeoutMs);
    });
    try {
      await Promise.race([this.#handshake(address), timeout]);
      this.#connecting = false;
    } catch (error) {
      await this.close();
      throw this.#explain(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #handshake(address: RedisAddress): Promise<void> {
    await this.#redis.connect();
    for (const { command, mayFail } of handshakeSteps(address)) {
      try {
        await this.call(...command);
      } catch (error) {
        if (mayFail?.test(answerText(error) ?? '') !== true) throw error;
      }
    }
  }

  send(wire: Buffer): Promise<RedisReply> {
    return this.#redis.sendCommand(new EncodedCommand(wire, this.#toError)) as Promise<RedisReply>;
  }

  /** Sends a command given as its name and arguments. */
  call(...args: readonly [string, ...(string | number | Uint8Array)[]]): Promise<RedisReply> {
    return this.send(encodeCommand(args));
  }

  close(): Promise<void> {
    if (this.#redis.status === 'end' || this.#redis.status === 'wait') return Promise.resolve();
    return new Promise((resolve) => {
      this.#redis.once('end', () => resolve());
      this.#redis.disconnect();
    });
  }

  #explain(error: unknown): AibenchError {
    if (error instanceof AibenchError) return error;
    const { name, message } = error as Error;
    if (name === 'ReplyError') return answeredError(this.address, message, error);
    // ioredis tells a lost connection's commands only that it is closed; the reason came as an event.
    return connectionError({ ...this.#context, connecting: this.#connecting }, this.#lastError ?? error);
  }
}

/**
 * Connects to one Redis.
 *
 * @throws AIBENCH_CONNECTION when it cannot be reached, AIBENCH_SERVER when it refuses the login,
 * AIBENCH_ANSWER when it is no Redis; each names `host:port`
 */
export async function connectRedis(
  address: RedisAddress,
  options: ConnectOptions = {},
): Promise<RedisConnection> {
  const { connectTimeoutMs = 5_000, readTimeoutMs, flag = '--redis-host' } = options;
  const redis = new Redis({
    host: address.host,
    port: address.port,
    ...(address.tls === undefined ? {} : { tls: tlsConnectionOptions(address.tls, address.host) }),
    ...(readTimeoutMs === undefined || readTimeoutMs === 0 ? {} : { socketTimeout: readTimeoutMs }),
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: 100,
    protocol: 2,
    lazyConnect: true,
    noDelay: true,
    // The handshake is ours, the same as on the bulk writer's sockets.
    disableClientInfo: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  const connection = new RedisConnection(redis, address, flag);
  await connection.open(address, connectTimeoutMs);
  return connection;
}

/** The text of an error that the server answered with; undefined where the error is of another kind. */
export function answerText(error: unknown): string | undefined {
  if (!(error instanceof AibenchError) || error.code !== 'AIBENCH_SERVER') return undefined;
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function notAnswering({ address, flag }: ConnectionErrorContext, timeoutMs: number): AibenchError {
  return new AibenchError('AIBENCH_CONNECTION', `Redis at ${address} did not answer within ${timeoutMs} ms`, {
    hint: `see ${flag}`,
  });
}
