import { AibenchError } from '@aibench/core';
import { hashSlot } from './hash-slot.js';
import type { RedisAddress } from './redis-address.js';
import type { RedisClient } from './redis-client.js';
import { connectRedisCluster } from './redis-cluster-client.js';
import type { ConnectOptions } from './redis-connection.js';
import { openRequestConnection } from './request-connection.js';

/** How a {@link ReferenceReader} reaches the store. */
export interface ReferenceReaderOptions extends ConnectOptions {
  /** Whether the addresses are nodes of a Redis Cluster. Default false. */
  readonly cluster?: boolean;
}

/** Reads reference data from Redis, for runners of model servers that don't hold it themselves. */
export class ReferenceReader {
  readonly #client: RedisClient;
  readonly #cluster: boolean;

  /** Use {@link connectReferenceReader}. */
  constructor(client: RedisClient, cluster: boolean) {
    this.#client = client;
    this.#cluster = cluster;
  }

  /**
   * The bytes stored under a key.
   *
   * @throws AIBENCH_MISSING_KEY when there is none, AIBENCH_SERVER when it holds no string,
   * AIBENCH_CONNECTION when the connection is lost
   */
  async fetch(key: string): Promise<Buffer> {
    const reply = await this.#client.send(encodeGet(key), this.#cluster ? hashSlot(key) : 0);
    if (Buffer.isBuffer(reply)) return reply;
    throw new AibenchError('AIBENCH_MISSING_KEY', `Redis at ${this.#client.address} has no key ${key}`, {
      hint: 'load the data file into it first with aibench-load-data',
    });
  }

  /** Closes the connection. */
  close(): Promise<void> {
    return this.#client.close();
  }
}

/**
 * Connects to the store of reference data.
 *
 * @param addresses one address, or nodes of a cluster
 */
export async function connectReferenceReader(
  addresses: readonly [RedisAddress, ...RedisAddress[]],
  options: ReferenceReaderOptions = {},
): Promise<ReferenceReader> {
  const { cluster = false, ...connect } = options;
  const client = cluster
    ? await connectRedisCluster(addresses, connect)
    : await openRequestConnection(addresses[0], connect);
  return new ReferenceReader(client, cluster);
}

function encodeGet(key: string): Buffer {
  return Buffer.from(`*2\r\n$3\r\nGET\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n`);
}
