import {
  type ConnectOptions,
  connectRedis,
  formatRedisAddress,
  type RedisAddress,
  type RedisConnection,
  type RedisReply,
} from '@aibench/redis';
import type { Channel } from './channel.js';

/** How workers share connections. */
export interface SharingOptions extends ConnectOptions {
  /** Most workers on one connection. */
  readonly workers: number;
  /** Longest time that a request waits for others to leave with it. */
  readonly windowMs: number;
}

/** Below this, setTimeout, which counts in whole milliseconds, would be too coarse. */
const finestTimerMs = 2;

/** The connections of a thread that its workers share. */
export class SharedChannels {
  readonly #options: SharingOptions;
  readonly #connections = new Map<string, SharedConnection>();

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  /**
   * A place on a connection to a server, opened where there is none with room.
   *
   * @throws what {@link connectRedis} throws
   */
  async join(address: RedisAddress): Promise<Channel> {
    const key = formatRedisAddress(address);
    let shared = this.#connections.get(key);
    if (shared?.hasRoom !== true) {
      shared = new SharedConnection(connectRedis(address, this.#options), this.#options);
      this.#connections.set(key, shared);
    }
    return shared.join();
  }
}

/** A connection on which the requests of several workers leave in one write. */
class SharedConnection {
  readonly #opening: Promise<RedisConnection>;
  readonly #options: SharingOptions;
  #members = 0;
  /** Requests that have no answer yet, those held back included. */
  #out = 0;
  #held = 0;
  /** Whether a worker has left, which happens when the connection is lost or the run is over. */
  #left = false;

  constructor(opening: Promise<RedisConnection>, options: SharingOptions) {
    this.#opening = opening;
    this.#options = options;
  }

  get hasRoom(): boolean {
    return this.#members < this.#options.workers && !this.#left;
  }

  async join(): Promise<Channel> {
    this.#members += 1;
    let connection: RedisConnection;
    try {
      connection = await this.#opening;
    } catch (error) {
      this.#left = true;
      throw error;
    }
    let isOut = false;
    const request = async <T>(send: () => Promise<T>): Promise<T> => {
      isOut = true;
      try {
        return await this.#hold(connection, send);
      } finally {
        isOut = false;
      }
    };
    return {
      address: connection.address,
      send: (command) => request(() => connection.send(command)),
      sendAll: (commands) =>
        request<RedisReply[]>(() => Promise.all(commands.map((command) => connection.send(command)))),
      close: () => this.#leave(connection, isOut),
    };
  }

  async #hold<T>(connection: RedisConnection, send: () => Promise<T>): Promise<T> {
    if (this.#held === 0) {
      connection.cork();
      this.#flushLater(connection);
    }
    this.#held += 1;
    this.#out += 1;
    try {
      const reply = send();
      // When all of the workers have a request out there is none left to wait for.
      if (this.#out >= this.#members) this.#flush(connection);
      return await reply;
    } finally {
      this.#out -= 1;
    }
  }

  #flush(connection: RedisConnection): void {
    if (this.#held === 0) return;
    this.#held = 0;
    connection.uncork();
  }

  #flushLater(connection: RedisConnection): void {
    const { windowMs } = this.#options;
    const dueMs = performance.now() + windowMs;
    const batch = {};
    this.#batch = batch;
    const check = (): void => {
      if (this.#batch !== batch || this.#held === 0) return;
      if (performance.now() >= dueMs) this.#flush(connection);
      else if (windowMs < finestTimerMs) setImmediate(check);
      else setTimeout(check, dueMs - performance.now());
    };
    setImmediate(check);
  }
  #batch: object = {};

  /** Replies come in the order of requests, so a request that is given up takes the connection with it. */
  async #leave(connection: RedisConnection, isOut: boolean): Promise<void> {
    this.#left = true;
    this.#members -= 1;
    if (isOut || this.#members === 0) await connection.close();
  }
}
