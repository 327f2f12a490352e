import { setTimeout as sleep } from 'node:timers/promises';
import { type RedisServer, redisCli, startRedis } from './redis-server.js';

/** A real Redis Cluster of masters on loopback, the slots spread evenly. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** `127.0.0.1:<port>` of each node. */
  readonly addresses: readonly string[];
  /** Moves one hash slot, with its keys, to another node, as resharding does. */
  moveSlot(slot: number, from: RedisServer, to: RedisServer): Promise<void>;
  /** Kills every node. */
  stop(): Promise<void>;
}

const slotCount = 16_384;

/**
 * Starts a cluster and waits until every node knows every slot's owner.
 *
 * @param nodeCount masters; slots are dealt out in order, a third each for three
 * @param args further settings of every node
 */
export async function startRedisCluster(nodeCount = 3, args: readonly string[] = []): Promise<RedisCluster> {
  const settings = [
    '--cluster-enabled',
    'yes',
    '--cluster-port',
    'auto-bus',
    '--cluster-node-timeout',
    '5000',
  ];
  const nodes = await Promise.all(
    Array.from({ length: nodeCount }, () => startRedis([...settings, ...args])),
  );
  await Promise.all(
    nodes.map(async (node, i) => {
      const first = Math.floor((i * slotCount) / nodeCount);
      const last = Math.floor(((i + 1) * slotCount) / nodeCount) - 1;
      await redisCli(node.address, 'CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
      await redisCli(node.address, 'CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
    }),
  );
  const [head] = nodes;
  if (head === undefined) throw new Error('a cluster has at least one node');
  for (const node of nodes.slice(1)) {
    const busPort = await redisCli(node.address, 'CONFIG', 'GET', 'cluster-port');
    await redisCli(
      head.address,
      ...['CLUSTER', 'MEET', '127.0.0.1', String(node.port), busPort.split('\n')[1] ?? ''],
    );
  }
  await Promise.all(nodes.map((node) => untilComplete(node, nodeCount)));
  return {
    nodes,
    addresses: nodes.map((node) => node.address),
    moveSlot: (slot, from, to) => moveSlot(nodes, slot, from, to),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

async function untilComplete(node: RedisServer, nodeCount: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const info = await redisCli(node.address, 'CLUSTER', 'INFO');
    if (info.includes('cluster_state:ok') && info.includes(`cluster_size:${nodeCount}`)) return;
    await sleep(50);
  }
  throw new Error(`the cluster did not come together at ${node.address}`);
}

async function moveSlot(
  nodes: readonly RedisServer[],
  slot: number,
  from: RedisServer,
  to: RedisServer,
): Promise<void> {
  const fromId = await redisCli(from.address, 'CLUSTER', 'MYID');
  const toId = await redisCli(to.address, 'CLUSTER', 'MYID');
  await redisCli(to.address, 'CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId);
  await redisCli(from.address, 'CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toId);
  for (;;) {
    const keys = (await redisCli(from.address, 'CLUSTER', 'GETKEYSINSLOT', String(slot), '100'))
      .split('\n')
      .filter((key) => key !== '');
    if (keys.length === 0) break;
    await redisCli(
      from.address,
      ...['MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys],
    );
  }
  for (const node of [to, from, ...nodes.filter((other) => other !== to && other !== from)]) {
    await redisCli(node.address, 'CLUSTER', 'SETSLOT', String(slot), 'NODE', toId);
  }
}
