import { describeWithServer, type RedisCluster, redisCli, startRedisCluster } from '@aibench/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openBulkWriter } from './bulk-writer.js';
import { commandTemplate } from './command-template.js';
import { hashSlot } from './hash-slot.js';
import { parseRedisAddresses } from './redis-address.js';
import { connectRedis } from './redis-connection.js';
import { connectReferenceReader } from './reference-reader.js';

const set = commandTemplate(['SET', { key: (id) => `k:{${id}}` }, { blob: 100 }]);
const blob = new Uint8Array(100);

describeWithServer(['redis-server', 'redis-cli'], 'a real Redis Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster(3);
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    for (const address of cluster.addresses) await redisCli(address, 'FLUSHALL');
  });

  const keyCounts = async () =>
    (await Promise.all(cluster.addresses.map((address) => redisCli(address, 'DBSIZE')))).map(Number);
  /** The node that owns a slot now, and another one. */
  const ownerOf = async (slot: number) => {
    const [first] = cluster.nodes;
    const slots = (await redisCli(first!.address, 'CLUSTER', 'SLOTS')).split('\n');
    // Without a terminal redis-cli writes one element a line: first, last, host, port, id, ...
    let owner = 0;
    for (let i = 0; i + 3 < slots.length; i++) {
      const range = [Number(slots[i]), Number(slots[i + 1])] as const;
      if (slots[i + 2] === '127.0.0.1' && range[0] <= slot && slot <= range[1]) owner = Number(slots[i + 3]);
    }
    const from = cluster.nodes.find(({ port }) => port === owner)!;
    return { from, to: cluster.nodes.find(({ port }) => port !== owner)! };
  };

  it('gets every row where it belongs', async () => {
    const writer = await openBulkWriter(parseRedisAddresses([cluster.addresses[1]!]), {
      cluster: true,
      connections: 2,
    });
    for (let id = 0; id < 3_000; id++) await writer.add(set, id, [blob]);
    await writer.flush();
    await writer.close();
    expect(writer.totals).toMatchObject({ added: 3_000, confirmed: 3_000, refused: 0, redirected: 0 });
    const counts = await keyCounts();
    expect(counts.reduce((sum, count) => sum + count)).toBe(3_000);
    expect(Math.min(...counts)).toBeGreaterThan(700);
  });

  it('is followed when slots move while it is written', async () => {
    const writer = await openBulkWriter(parseRedisAddresses(cluster.addresses), { cluster: true });
    const slots = [1, 2, 3, 4].map((id) => hashSlot(`k:{${id}}`));
    for (const slot of slots) {
      const { from, to } = await ownerOf(slot);
      await cluster.moveSlot(slot, from, to);
    }
    // Twice each: the second time the new owner is known.
    for (let id = 0; id < 500; id++) await writer.add(set, id, [blob]);
    await writer.flush();
    const { redirected } = writer.totals;
    for (let id = 0; id < 500; id++) await writer.add(set, id, [blob]);
    await writer.flush();
    await writer.close();
    expect(redirected).toBe(4);
    expect(writer.totals).toMatchObject({ confirmed: 1_000, refused: 0, redirected });
    expect((await keyCounts()).reduce((sum, count) => sum + count)).toBe(500);
  });

  it('is followed while a slot is half moved', async () => {
    const slot = hashSlot('{77}');
    const { from, to } = await ownerOf(slot);
    const [fromId, toId] = await Promise.all(
      [from, to].map(({ address }) => redisCli(address, 'CLUSTER', 'MYID')),
    );
    await redisCli(to.address, 'CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId!);
    await redisCli(from.address, 'CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toId!);
    // A key that is not there yet is written where the slot goes: ASK.
    const writer = await openBulkWriter(parseRedisAddresses(cluster.addresses), { cluster: true });
    await writer.add(set, 77, [blob]);
    await writer.flush();
    await writer.close();
    expect(writer.totals).toMatchObject({ confirmed: 1, redirected: 1 });
    expect(await redisCli(to.address, 'DBSIZE')).toBe('1');

    const reader = await connectReferenceReader(parseRedisAddresses(cluster.addresses), { cluster: true });
    expect(await reader.fetch('k:{77}')).toEqual(Buffer.from(blob));
    for (const node of [to, from]) {
      await redisCli(node.address, 'CLUSTER', 'SETSLOT', String(slot), 'NODE', toId!);
    }
    expect(await reader.fetch('k:{77}')).toEqual(Buffer.from(blob));
    await expect(reader.fetch('k:{78}')).rejects.toMatchObject({ code: 'AIBENCH_MISSING_KEY' });
    await reader.close();
  });

  it('tells a client that takes it for a single server', async () => {
    const [address] = parseRedisAddresses(cluster.addresses);
    const connection = await connectRedis(address);
    const replies = await Promise.allSettled(['a', 'b', 'c', 'd'].map((key) => connection.call('GET', key)));
    const moved = replies.find((reply) => reply.status === 'rejected');
    expect(moved?.reason).toMatchObject({
      code: 'AIBENCH_SERVER',
      message: expect.stringContaining('MOVED'),
      hint: expect.stringContaining('--cluster-mode'),
    });
    await connection.close();
  });
});
