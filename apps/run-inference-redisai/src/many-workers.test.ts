import { connectRedis, parseInfo, parseRedisAddress, replyText } from '@aibench/redis';
import { startReferenceServer } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { measure } from './honest-run.test.fixture.js';
import { makeDataFile } from './loaded-server.test.fixture.js';

describe('1,000 workers', () => {
  it.each([
    ['a closed loop', ['--threads', '2']],
    ['an open loop', ['--rate', '2000']],
  ])('start, each ask, and leave nothing behind: %s', async (_, flags) => {
    const { addresses } = await startReferenceServer(['--null-model', '--delay', '50ms']);
    const control = await connectRedis(parseRedisAddress(addresses.redis));
    const clients = async () => {
      const info = new Map(parseInfo(replyText(await control.call('INFO', 'clients', 'stats'))));
      return {
        connected: Number(info.get('connected_clients')),
        received: Number(info.get('total_connections_received')),
      };
    };
    const before = await clients();
    const dataFile = await makeDataFile(3_000);
    const { counts, conservation, outcome } = await measure(addresses.redis, dataFile, [
      ...['--workers', '1000'],
      ...flags,
    ]);
    expect(outcome.kind).toBe('completed');
    expect(counts).toMatchObject({ sent: 3_000, answered: 3_000, failed: 0, cutOff: 0 });
    expect(conservation.violations).toEqual([]);
    const after = await clients();
    expect(after.received - before.received).toBeGreaterThanOrEqual(1_000);
    // The server may hear of the last sockets a moment later.
    await expect.poll(async () => (await clients()).connected).toBe(before.connected);
    await control.close();
  });
});
