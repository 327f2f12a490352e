import { AibenchError } from '@aibench/core';
import {
  type ConnectOptions,
  connectRedis,
  connectRedisCluster,
  describeRedis,
  hashSlot,
  type RedisAddress,
  type RedisConnection,
} from '@aibench/redis';
import { shardHashTag } from './shard-hash-tag.js';

/** A server that runs inferences. */
export interface Shard {
  /** For set-up and questions. */
  readonly connection: RedisConnection;
  /** Where and how to reach it, for connections that requests go over. */
  readonly address: RedisAddress;
  /**
   * Key of the model there. A model is run where it is stored, and a cluster
   * stores a key on one master only; so each master has a copy of its own,
   * `financialNet{5}`.
   */
  readonly model: string;
  /** What puts a key on this shard of a cluster: `{5}`; empty where there is no cluster. */
  readonly hashTag: string;
}

/** Every server that inferences go to. */
export interface Shards {
  readonly list: readonly [Shard, ...Shard[]];
  /** The shard that owns a key, in a cluster; otherwise the first, since any server will do. Told after {@link close}, too. */
  owner(key: string): Shard;
  close(): Promise<void>;
}

/** How {@link openShards} connects. */
export interface ShardOptions extends ConnectOptions {
  /** Whether the addresses are nodes of a Redis Cluster. */
  readonly cluster: boolean;
  /** The model's name, as the user gives it. */
  readonly model: string;
}

/**
 * Connects to every server given, or to every master of the cluster that they
 * belong to.
 *
 * @throws AIBENCH_CONNECTION, AIBENCH_SERVER, AIBENCH_ANSWER, naming `host:port`; AIBENCH_USAGE when the name of
 * a cluster's model has braces, which would decide its slot
 */
export async function openShards(
  addresses: readonly [RedisAddress, ...RedisAddress[]],
  { cluster, model, ...connect }: ShardOptions,
): Promise<Shards> {
  return cluster ? openCluster(addresses, model, connect) : openServers(addresses, model, connect);
}

/**
 * Whether a server is a node of a Redis Cluster. The Go suite's scripts pass
 * `-cluster-mode` to any server, so the flag means a cluster only where there is one.
 */
export async function isClusterNode(address: RedisAddress, connect: ConnectOptions): Promise<boolean> {
  const connection = await connectRedis(address, connect);
  try {
    return (await describeRedis(connection)).clusterEnabled;
  } finally {
    await connection.close();
  }
}

async function openServers(
  addresses: readonly [RedisAddress, ...RedisAddress[]],
  model: string,
  connect: ConnectOptions,
): Promise<Shards> {
  const opening = await Promise.allSettled(addresses.map((address) => connectRedis(address, connect)));
  const open = opening.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const close = async () => {
    await Promise.all(open.map((connection) => connection.close()));
  };
  const failure = opening.find((result) => result.status === 'rejected');
  if (failure !== undefined) {
    await close();
    throw failure.reason;
  }
  const [first, ...others] = open.map((connection, i) => ({
    ...{ connection, model, hashTag: '' },
    address: addresses[i]!,
  }));
  return { list: [first!, ...others], owner: () => first!, close };
}

async function openCluster(
  addresses: readonly [RedisAddress, ...RedisAddress[]],
  model: string,
  connect: ConnectOptions,
): Promise<Shards> {
  if (/[{}]/.test(model)) {
    throw new AibenchError('AIBENCH_USAGE', `--model ${model}: a cluster's model must not have braces`, {
      hint: 'each shard gets a copy, under the name with a hash tag of its own',
    });
  }
  const client = await connectRedisCluster(addresses, connect);
  try {
    const masters = await client.masters();
    const [first, ...others] = masters.map((connection) => {
      const hashTag = shardHashTag((slot) => client.owner(slot) === connection.address);
      const address = client.nodeAddress(connection.address);
      return { connection, address, model: `${model}${hashTag}`, hashTag };
    });
    const list: readonly [Shard, ...Shard[]] = [first!, ...others];
    const byAddress = new Map(list.map((shard) => [shard.connection.address, shard]));
    return {
      list,
      owner: (key) => byAddress.get(client.owner(hashSlot(key)) ?? '') ?? list[0],
      close: () => client.close(),
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}
