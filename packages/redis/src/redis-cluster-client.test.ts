import { describe, expect, it } from 'vitest';
import { parseRedisAddresses } from './redis-address.js';
import { connectRedisCluster, parseRedirect } from './redis-cluster-client.js';

describe('parseRedirect', () => {
  it.each([
    ['MOVED 3999 127.0.0.1:6381', { kind: 'moved', slot: 3999, node: '127.0.0.1:6381' }],
    ['MOVED 0 :6381', { kind: 'moved', slot: 0, node: ':6381' }],
    ['MOVED 1 ::1:6381', { kind: 'moved', slot: 1, node: '::1:6381' }],
    ['ASK 16383 host:1', { kind: 'ask', node: 'host:1' }],
    ['TRYAGAIN Multiple keys request during rehashing of slot', { kind: 'wait' }],
    ['CLUSTERDOWN The cluster is down', { kind: 'wait' }],
    ['MOVED 16384 h:1', undefined],
    ['MOVED __proto__ h:1', undefined],
    ['MOVED 1 h', undefined],
    ['ERR MOVED 1 h:1', undefined],
    ['', undefined],
  ])('reads "%s"', (text, expected) => {
    expect(parseRedirect(text)).toEqual(expected);
  });
});

it('refuses a database other than 0', async () => {
  await expect(connectRedisCluster(parseRedisAddresses(['redis://h/1']))).rejects.toMatchObject({
    code: 'AIBENCH_USAGE',
  });
});
