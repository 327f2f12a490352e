import { AibenchError } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRedisAddress, parseRedisAddress, parseRedisAddresses } from './redis-address.js';

describe('parseRedisAddress', () => {
  it.each([
    ['redis://localhost:6379', { host: 'localhost', port: 6379, database: 0 }],
    ['redis://localhost', { host: 'localhost', port: 6379, database: 0 }],
    ['127.0.0.1:7000', { host: '127.0.0.1', port: 7000, database: 0 }],
    ['cache', { host: 'cache', port: 6379, database: 0 }],
    [':7000', { host: 'localhost', port: 7000, database: 0 }],
    ['::1', { host: '::1', port: 6379, database: 0 }],
    ['[::1]:7000', { host: '::1', port: 7000, database: 0 }],
    ['redis://[fe80::2]/3', { host: 'fe80::2', port: 6379, database: 3 }],
    ['REDIS://:secret@h:1/15', { host: 'h', port: 1, database: 15, password: 'secret' }],
    ['redis://u:p%40s%3As%2F@h', { host: 'h', port: 6379, database: 0, username: 'u', password: 'p@s:s/' }],
    // Not percent-encoded, yet there is only one way to read it.
    ['redis://u:a@b:c%@h:2', { host: 'h', port: 2, database: 0, username: 'u', password: 'a@b:c%' }],
    ['rediss://h', { host: 'h', port: 6379, database: 0, tls: {} }],
  ])('reads %s', (text, expected) => {
    expect(parseRedisAddress(text)).toEqual(expected);
  });

  it('gives the TLS settings to rediss:// only', () => {
    const tls = { caPath: 'ca.pem', insecure: false };
    expect(parseRedisAddress('rediss://h', { tls }).tls).toBe(tls);
    expect(parseRedisAddress('redis://h', { tls }).tls).toBeUndefined();
  });

  it.each([
    '',
    'http://h:80',
    'h:0',
    'h:65536',
    'h:port',
    'redis://',
    'redis://h/x',
    'redis://h:1?db=2',
    '[::1',
  ])('refuses "%s"', (text) => {
    expect(() => parseRedisAddress(text)).toThrow(AibenchError);
  });

  it('never shows a password', () => {
    let error: AibenchError | undefined;
    try {
      parseRedisAddress('redis://user:hunter2@host:99999999');
    } catch (thrown) {
      error = thrown as AibenchError;
    }
    expect(error?.message).toContain('redis://***@host:99999999');
    expect(`${error?.message}${error?.hint}`).not.toContain('hunter2');
  });

  it('reads back any user, password and place', () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' });
    const place = fc.record({
      host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
      port: fc.integer({ min: 1, max: 65_535 }),
      database: fc.nat(),
    });
    fc.assert(
      fc.property(text, text, place, (username, password, { host, port, database }) => {
        const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
        const url = `redis://${login}@${formatRedisAddress({ host, port })}/${database}`;
        expect(parseRedisAddress(url)).toEqual({ host, port, database, username, password });
      }),
    );
  });
});

it('needs at least one address', () => {
  expect(() => parseRedisAddresses([])).toThrow('no Redis address');
  expect(parseRedisAddresses(['a', 'b:2']).map(({ port }) => port)).toEqual([6379, 2]);
});
