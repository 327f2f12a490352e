import type { RunnerContext } from '@aibench/harness';
import type { ConnectOptions, RedisAddress } from '@aibench/redis';
import { isClusterNode, openShards, type Shards, serverAddresses } from '@aibench/redisai';
import type { flags, RedisAiFlags } from './flags.js';

/** How connections are opened. */
export const connectOptions: ConnectOptions = { flag: '--host' };

/** Where the servers are. */
export function addressesOf(values: RedisAiFlags): readonly [RedisAddress, ...RedisAddress[]] {
  const { host, port, tlsCa, tlsInsecure } = values;
  return serverAddresses({ hosts: host, ports: port, tls: { caPath: tlsCa, insecure: tlsInsecure } });
}

/** Every server of the run, and whether they are a cluster that is used as one. */
export interface OpenServers {
  readonly shards: Shards;
  readonly cluster: boolean;
}

/** Connects to every server. */
export async function openServers({
  flags: values,
  task,
}: RunnerContext<typeof flags>): Promise<OpenServers> {
  const addresses = addressesOf(values);
  const cluster = values.clusterMode && (await isClusterNode(addresses[0], connectOptions));
  const model = modelName(values, task);
  return { shards: await openShards(addresses, { ...connectOptions, cluster, model }), cluster };
}

/** The model's name, as the user gives it. */
export function modelName({ model }: RedisAiFlags, task: { readonly defaultModelName: string }): string {
  return model === '' ? task.defaultModelName : model;
}
