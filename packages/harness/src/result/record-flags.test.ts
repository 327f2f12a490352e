import { describe, expect, it } from 'vitest';
import { defaultValues, flag } from '../cli/flags.js';
import { recordFlags } from './record-flags.js';

const about = { describe: 'About it' };
const flags = {
  host: flag.list({ ...about, default: ['127.0.0.1'] }),
  'redis-host': flag.string({ ...about, default: '127.0.0.1:6379' }),
  'redis-password': flag.string({ ...about, default: '' }),
  'reporting-period': flag.duration({ ...about, default: '1m30s' }),
  workers: flag.integer({ ...about, default: 8 }),
  header: flag.texts(about),
  'bearer-token': flag.string({ ...about, default: '' }),
};
const values = defaultValues(flags);

describe('recordFlags', () => {
  it('keeps every flag by its name, durations as text', () => {
    expect(recordFlags(flags, values)).toEqual({
      host: ['127.0.0.1'],
      'redis-host': '127.0.0.1:6379',
      'redis-password': '',
      'reporting-period': '1m30s',
      workers: 8,
      header: [],
      'bearer-token': '',
    });
  });

  it('keeps the names of headers, and no login', () => {
    const given = { ...values, header: ['X-Run: 7', 'authorization:Bearer secret:2'], bearerToken: 'secret' };
    expect(recordFlags(flags, given)).toMatchObject({
      header: ['X-Run: ***', 'authorization: ***'],
      'bearer-token': '***',
    });
  });

  it.each([
    ['redis://user:secret@host:6379/1', 'redis://user:***@host:6379/1'],
    ['rediss://:secret@host', 'rediss://:***@host'],
    ['redis://:se/cr@et@host', 'redis://:***@host'],
    ['redis://host:6379/1', 'redis://host:6379/1'],
    ['http://host:80/a:b', 'http://host:80/a:b'],
    ['a plain text', 'a plain text'],
  ])('leaves no password in %s', (text, recorded) => {
    const given = { ...values, redisHost: text, host: ['h1', text], redisPassword: 'secret' };
    const record = recordFlags(flags, given);
    expect(record).toMatchObject({ 'redis-host': recorded, host: ['h1', recorded], 'redis-password': '***' });
  });
});
