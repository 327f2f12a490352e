import { describe, expect, it } from 'vitest';
import { connectToTestServer } from '../../testing/test-server.js';

const wrongType = { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' };
const notInteger = { error: 'ERR value is not an integer or out of range' };

describe('string commands', () => {
  it('sets and gets binary values of any size', async () => {
    const client = await connectToTestServer();
    const big = Buffer.alloc(3_000_000, 'ab\r\n\0');
    expect(await client.call('SET', 'key', big)).toBe('OK');
    expect(await client.call('GET', 'key')).toBe(big.toString('latin1'));
    expect(await client.call('STRLEN', 'key')).toBe(3_000_000);
    expect(await client.call('GET', 'none')).toBeNull();
    expect(await client.call('SET', Buffer.from([0, 255, 13, 10]), '')).toBe('OK');
    expect(await client.call('GET', Buffer.from([0, 255, 13, 10]))).toBe('');
  });

  it('obeys the conditions of SET', async () => {
    const client = await connectToTestServer();
    expect(await client.call('SET', 'k', 'a', 'XX')).toBeNull();
    expect(await client.call('SET', 'k', 'a', 'NX')).toBe('OK');
    expect(await client.call('SET', 'k', 'b', 'NX')).toBeNull();
    expect(await client.call('SET', 'k', 'b', 'NX', 'GET')).toBe('a');
    expect(await client.call('SET', 'k', 'c', 'XX', 'GET')).toBe('a');
    expect(await client.call('GET', 'k')).toBe('c');
    expect(await client.call('SET', 'k', 'c', 'NX', 'XX')).toEqual({ error: 'ERR syntax error' });
    expect(await client.call('SET', 'k', 'c', 'EX')).toEqual({ error: 'ERR syntax error' });
    expect(await client.call('SET', 'k', 'c', 'EX', '0')).toEqual({
      error: "ERR invalid expire time in 'set' command",
    });
    expect(await client.call('SET', 'k', 'c', 'EX', 'x')).toEqual(notInteger);
  });

  it('gives keys a time of expiry and keeps or drops it', async () => {
    const client = await connectToTestServer();
    await client.call('SET', 'k', 'a', 'EX', 100);
    expect(await client.call('TTL', 'k')).toBe(100);
    await client.call('SET', 'k', 'b', 'KEEPTTL');
    expect(await client.call('TTL', 'k')).toBe(100);
    await client.call('SET', 'k', 'b');
    expect(await client.call('TTL', 'k')).toBe(-1);
    await client.call('SETEX', 'k', 50, 'c');
    expect(await client.call('TTL', 'k')).toBe(50);
    await client.call('PSETEX', 'k', 70_000, 'c');
    expect(await client.call('TTL', 'k')).toBe(70);
    expect(await client.call('SETEX', 'k', -1, 'c')).toEqual({
      error: "ERR invalid expire time in 'setex' command",
    });
  });

  it('reads and writes several keys', async () => {
    const client = await connectToTestServer();
    expect(await client.call('MSET', 'a', '1', 'b', '2')).toBe('OK');
    await client.call('AI.TENSORSET', 't', 'FLOAT', 1);
    expect(await client.call('MGET', 'a', 'none', 'b', 't')).toEqual(['1', null, '2', null]);
    expect(await client.call('MSET', 'a', '1', 'b')).toEqual({
      error: "ERR wrong number of arguments for 'mset' command",
    });
    expect(await client.call('SETNX', 'a', '9')).toBe(0);
    expect(await client.call('SETNX', 'c', '3')).toBe(1);
    expect(await client.call('GETSET', 'c', '4')).toBe('3');
    expect(await client.call('GETDEL', 'c')).toBe('4');
    expect(await client.call('GETDEL', 'c')).toBeNull();
  });

  it('appends and takes ranges', async () => {
    const client = await connectToTestServer();
    expect(await client.call('APPEND', 'k', 'Hello')).toBe(5);
    expect(await client.call('APPEND', 'k', ' world')).toBe(11);
    expect(await client.call('GETRANGE', 'k', 0, 4)).toBe('Hello');
    expect(await client.call('GETRANGE', 'k', -5, -1)).toBe('world');
    expect(await client.call('GETRANGE', 'k', 8, 2)).toBe('');
    expect(await client.call('GETRANGE', 'none', 0, -1)).toBe('');
  });

  it('counts in 64 bits', async () => {
    const client = await connectToTestServer();
    expect(await client.call('INCR', 'n')).toBe(1);
    expect(await client.call('INCRBY', 'n', 10)).toBe(11);
    expect(await client.call('DECR', 'n')).toBe(10);
    expect(await client.call('DECRBY', 'n', 20)).toBe(-10);
    await client.call('SET', 'n', '9223372036854775806');
    expect(await client.call('INCR', 'n')).toBe(9_223_372_036_854_775_807n);
    expect(await client.call('INCR', 'n')).toEqual({ error: 'ERR increment or decrement would overflow' });
    expect(await client.call('INCRBY', 'n', '1.5')).toEqual(notInteger);
    await client.call('SET', 'n', '010');
    expect(await client.call('INCR', 'n')).toEqual(notInteger);
  });

  it('refuses strings where tensors are, and the other way round', async () => {
    const client = await connectToTestServer();
    await client.call('AI.TENSORSET', 't', 'FLOAT', 1);
    await client.call('SET', 's', 'x');
    for (const command of [
      ['GET', 't'],
      ['APPEND', 't', 'x'],
      ['INCR', 't'],
      ['STRLEN', 't'],
      ['AI.TENSORGET', 's'],
      ['AI.TENSORSET', 's', 'FLOAT', 1],
      ['AI.MODELGET', 's'],
      ['AI.MODELDEL', 't'],
    ]) {
      expect(await client.call(...command)).toEqual(wrongType);
    }
    expect(await client.call('SET', 't', 'now a string')).toBe('OK');
  });
});
