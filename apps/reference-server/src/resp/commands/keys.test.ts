import { describe, expect, it } from 'vitest';
import type { Reply } from '../../testing/decode-reply.js';
import { connectToTestServer } from '../../testing/test-server.js';

describe('key commands', () => {
  it('tells types and removes keys', async () => {
    const client = await connectToTestServer();
    await client.call('SET', 's', 'x');
    await client.call('AI.TENSORSET', 't', 'FLOAT', 1);
    expect(await client.call('TYPE', 's')).toBe('string');
    expect(await client.call('TYPE', 't')).toBe('AI_TENSOR');
    expect(await client.call('TYPE', 'none')).toBe('none');
    expect(await client.call('EXISTS', 's', 't', 's', 'none')).toBe(3);
    expect(await client.call('DBSIZE')).toBe(2);
    expect(await client.call('DEL', 's', 'none')).toBe(1);
    expect(await client.call('UNLINK', 't')).toBe(1);
    expect(await client.call('DBSIZE')).toBe(0);
  });

  it('lets keys expire', async () => {
    const client = await connectToTestServer();
    await client.pipeline([
      ['SET', 'k', 'x'],
      ['SET', 'stay', 'x'],
    ]);
    expect(await client.call('PEXPIRE', 'k', 30)).toBe(1);
    expect(await client.call('PEXPIRE', 'none', 30)).toBe(0);
    expect(await client.call('PTTL', 'k')).toBeLessThanOrEqual(30);
    await expect.poll(() => client.call('GET', 'k')).toBeNull();
    expect(await client.call('TTL', 'k')).toBe(-2);
    expect(await client.call('DBSIZE')).toBe(1);
    expect(await client.call('EXPIRE', 'stay', 100)).toBe(1);
    expect(await client.call('EXPIRE', 'stay', 100, 'NX')).toBe(0);
    expect(await client.call('EXPIRE', 'stay', 50, 'GT')).toBe(0);
    expect(await client.call('PERSIST', 'stay')).toBe(1);
    expect(await client.call('PERSIST', 'stay')).toBe(0);
    expect(await client.call('EXPIRE', 'stay', -1)).toBe(1);
    expect(await client.call('EXISTS', 'stay')).toBe(0);
  });

  it('renames with the time of expiry', async () => {
    const client = await connectToTestServer();
    await client.call('SET', 'a', 'x', 'EX', 100);
    expect(await client.call('RENAME', 'a', 'b')).toBe('OK');
    expect(await client.call('TTL', 'b')).toBe(100);
    expect(await client.call('EXISTS', 'a')).toBe(0);
    expect(await client.call('RENAME', 'a', 'b')).toEqual({ error: 'ERR no such key' });
  });

  it('finds keys by pattern', async () => {
    const client = await connectToTestServer();
    await client.call('MSET', 'one', '1', 'two', '2', 'three', '3');
    expect(((await client.call('KEYS', 't*')) as Reply[]).sort()).toEqual(['three', 'two']);
  });

  it('scans each key once, even when others come and go', async () => {
    const client = await connectToTestServer();
    const keys = Array.from({ length: 100 }, (_, i) => `key:${i}`);
    await client.pipeline(keys.map((key) => ['SET', key, '1']));
    const seen: Reply[] = [];
    let cursor = '0';
    do {
      const [next, page] = (await client.call('SCAN', cursor, 'COUNT', 7, 'MATCH', 'key:*')) as [
        string,
        Reply[],
      ];
      seen.push(...page);
      await client.call('SET', `other:${seen.length}`, 'x');
      cursor = next;
    } while (cursor !== '0');
    expect(seen.length).toBe(100);
    expect(new Set(seen)).toEqual(new Set(keys));
    expect(await client.call('SCAN', '987654')).toEqual(['0', []]);
    expect(await client.call('SCAN', 'x')).toEqual({ error: 'ERR invalid cursor' });
  });

  it('keeps databases apart', async () => {
    const client = await connectToTestServer();
    await client.call('SET', 'k', 'zero');
    expect(await client.call('SELECT', 1)).toBe('OK');
    expect(await client.call('GET', 'k')).toBeNull();
    await client.call('SET', 'k', 'one');
    expect(await client.call('FLUSHDB')).toBe('OK');
    await client.call('SELECT', 0);
    expect(await client.call('GET', 'k')).toBe('zero');
    expect(await client.call('FLUSHALL', 'ASYNC')).toBe('OK');
    expect(await client.call('DBSIZE')).toBe(0);
    expect(await client.call('SELECT', 16)).toEqual({ error: 'ERR DB index is out of range' });
  });
});
