import { AibenchError, type TensorSpec, tensorSizeBytes } from '@aibench/core';
import { describeRedis } from './describe-redis.js';
import { hashSlot } from './hash-slot.js';
import type { RedisAddress } from './redis-address.js';
import type { RedisClient } from './redis-client.js';
import { connectRedisCluster } from './redis-cluster-client.js';
import { type ConnectOptions, connectRedis } from './redis-connection.js';
import { openRequestConnection } from './request-connection.js';

/** How a {@link ReferenceReader} reaches the store. */
export interface ReferenceReaderOptions extends ConnectOptions {
  /** Whether the addresses are nodes of a Redis Cluster. Default false. */
  readonly cluster?: boolean;
}

/** Reference data as it lies in the store. */
export interface StoredReference extends TensorSpec {
  /** Key of a row's bytes. */
  blobKey(rowId: number): string;
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

  /**
   * A row's reference data, in the order of the tensors.
   *
   * @throws as {@link fetch}, and AIBENCH_ANSWER where a key holds another number of bytes than the tensor has
   */
  fetchAll(references: readonly StoredReference[], rowId: number): Promise<Buffer[]> {
    return Promise.all(references.map((reference) => this.#fetchTensor(reference, rowId)));
  }

  async #fetchTensor(reference: StoredReference, rowId: number): Promise<Buffer> {
    const key = reference.blobKey(rowId);
    const bytes = await this.fetch(key);
    const sizeBytes = tensorSizeBytes(reference);
    if (bytes.byteLength === sizeBytes) return bytes;
    throw new AibenchError(
      'AIBENCH_ANSWER',
      `${key} in Redis has ${bytes.byteLength} bytes instead of ${sizeBytes}`,
      { hint: "load this use case's data file with aibench-load-data" },
    );
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

/** Whether a store of reference data is a Redis Cluster, asked of one of its nodes. @throws as `connectRedis` */
export async function isRedisCluster(address: RedisAddress, options: ConnectOptions = {}): Promise<boolean> {
  const connection = await connectRedis(address, options);
  try {
    return (await describeRedis(connection)).clusterEnabled;
  } finally {
    await connection.close();
  }
}

function encodeGet(key: string): Buffer {
  return Buffer.from(`*2\r\n$3\r\nGET\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n`);
}
