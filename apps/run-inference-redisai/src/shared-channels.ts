import {
  type ConnectOptions,
  formatRedisAddress,
  openRequestConnection,
  type RedisAddress,
  type RedisReply,
  type RequestConnection,
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
   * @throws what {@link openRequestConnection} throws
   */
  async join(address: RedisAddress): Promise<Channel> {
    const key = formatRedisAddress(address);
    let shared = this.#connections.get(key);
    if (shared?.hasRoom !== true) {
      shared = new SharedConnection(openRequestConnection(address, this.#options), this.#options);
      this.#connections.set(key, shared);
    }
    return shared.join();
  }
}

/** A connection on which the requests of several workers leave in one write. */
class SharedConnection {
  readonly #opening: Promise<RequestConnection>;
  readonly #options: SharingOptions;
  #members = 0;
  /** Requests that have no answer yet, those held back included. */
  #out = 0;
  /** Requests that have not left yet, when they have to at the latest, and whether that is being seen to. */
  #held = 0;
  #dueMs = 0;
  #isWatched = false;
  /** Whether a worker has left, which happens when the connection is lost or the run is over. */
  #left = false;

  constructor(opening: Promise<RequestConnection>, options: SharingOptions) {
    this.#opening = opening;
    this.#options = options;
  }

  get hasRoom(): boolean {
    return this.#members < this.#options.workers && !this.#left;
  }

  async join(): Promise<Channel> {
    this.#members += 1;
    let connection: RequestConnection;
    try {
      connection = await this.#opening;
    } catch (error) {
      this.#left = true;
      throw error;
    }
    let isOut = false;
    let hasLeft = false;
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
      close: async () => {
        if (hasLeft) return;
        hasLeft = true;
        await this.#leave(connection, isOut);
      },
    };
  }

  /** Sends with the others of the window; all leave at once when no worker is left to wait for. */
  async #hold<T>(connection: RequestConnection, send: () => Promise<T>): Promise<T> {
    if (this.#held === 0) {
      connection.cork();
      this.#dueMs = performance.now() + this.#options.windowMs;
      if (!this.#isWatched) setImmediate(() => this.#flushWhenDue(connection));
      this.#isWatched = true;
    }
    this.#held += 1;
    this.#out += 1;
    try {
      const reply = send();
      if (this.#out >= this.#members) this.#flush(connection);
      return await reply;
    } finally {
      this.#out -= 1;
    }
  }

  #flush(connection: RequestConnection): void {
    this.#held = 0;
    connection.uncork();
  }

  #flushWhenDue(connection: RequestConnection): void {
    const leftMs = this.#dueMs - performance.now();
    if (this.#held > 0 && leftMs <= 0) this.#flush(connection);
    this.#isWatched = this.#held > 0;
    if (!this.#isWatched) return;
    const again = () => this.#flushWhenDue(connection);
    if (leftMs < finestTimerMs) setImmediate(again);
    else setTimeout(again, leftMs);
  }

  /** Replies come in the order of requests, so a request that is given up takes the connection with it. */
  async #leave(connection: RequestConnection, isOut: boolean): Promise<void> {
    this.#left = true;
    this.#members -= 1;
    if (isOut || this.#members === 0) await connection.close();
  }
}
