import { connectRedis, parseRedisAddress } from '@aibench/redis';
import { describeWithServer, startRedis, startRedisCluster } from '@aibench/testing';
import { expect, it } from 'vitest';
import { isClusterNode, openShards } from './shards.js';

describeWithServer('redis-server', 'shards of a real Redis Cluster', () => {
  it('gives each master a model key of its own, which it serves', async () => {
    const cluster = await startRedisCluster(3);
    const addresses = cluster.addresses.map((address) => parseRedisAddress(address));
    const [first, ...others] = addresses;
    expect(await isClusterNode(first!, {})).toBe(true);
    const shards = await openShards([first!, ...others], { cluster: true, model: 'financialNet' });
    expect(shards.list).toHaveLength(3);
    expect(new Set(shards.list.map(({ model }) => model)).size).toBe(3);
    for (const { connection, model, hashTag } of shards.list) {
      expect(model).toBe(`financialNet${hashTag}`);
      // A master answers MOVED for a key of another's.
      expect(String(await connection.call('SET', model, 'x'))).toBe('OK');
    }
    for (let id = 0; id < 200; id++) {
      const key = `referenceTensor:{${id}}`;
      expect(await shards.owner(key).connection.call('GET', key)).toBeNull();
    }
    await shards.close();
  });

  it('refuses a model name that decides the slot itself', async () => {
    const cluster = await startRedisCluster(3);
    const address = parseRedisAddress(cluster.addresses[0]!);
    await expect(openShards([address], { cluster: true, model: 'net{1}' })).rejects.toThrow('braces');
  });

  it('knows a server that is no cluster', async () => {
    const { address } = await startRedis();
    expect(await isClusterNode(parseRedisAddress(address), {})).toBe(false);
    const shards = await openShards([parseRedisAddress(address)], { cluster: false, model: 'm' });
    expect(shards.list.map(({ model }) => model)).toEqual(['m']);
    expect(shards.owner('any').connection.address).toBe(address);
    await shards.close();
    const connection = await connectRedis(parseRedisAddress(address));
    expect(
      String(await connection.call('CLIENT', 'LIST'))
        .trim()
        .split('\n'),
    ).toHaveLength(1);
    await connection.close();
  });
});
