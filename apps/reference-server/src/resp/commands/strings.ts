import { detachedBytes } from '../../inference/server-tensor.js';
import type { Client } from '../client.js';
import { allKeys, type Command, firstKey } from '../command.js';
import { ReplyError, replyErrors } from '../reply-error.js';
import type { Request } from '../request.js';
import { requireInteger } from './options.js';
import { expiryTime, readSetOptions } from './set-options.js';

/** Longest string, as in Redis. */
const maxStringBytes = 512 * 1024 * 1024;

/**
 * The string under a key; undefined where there is none.
 *
 * @throws ReplyError when the key holds a tensor or a model
 */
export function getString(client: Client, key: string): Buffer | undefined {
  const value = client.keyspace.get(key);
  if (value === undefined || Buffer.isBuffer(value)) return value;
  throw replyErrors.wrongType();
}

function replyString(client: Client, value: Buffer | undefined): void {
  if (value === undefined) client.reply.null();
  else client.reply.bulk(value);
}

function set(client: Client, request: Request): void {
  const key = request.text(1);
  const { keyspace, reply } = client;
  if (request.length === 3) {
    keyspace.set(key, detachedBytes(request.bytes(2)));
    reply.ok();
    return;
  }
  const options = readSetOptions(request);
  const old = options.get ? getString(client, key) : undefined;
  const isAllowed = options.when === 'always' || keyspace.has(key) === (options.when === 'present');
  if (isAllowed) {
    keyspace.set(key, detachedBytes(request.bytes(2)), options.keepExpiry);
    if (options.expiresAtMs !== undefined) keyspace.setExpiry(key, options.expiresAtMs);
  }
  if (options.get) replyString(client, old);
  else if (isAllowed) reply.ok();
  else reply.null();
}

function setWithExpiry(unitMs: number): Command['run'] {
  return (client, request) => {
    const key = request.text(1);
    const atMs = expiryTime(request, 2, unitMs, request.text(0).toLowerCase());
    client.keyspace.set(key, detachedBytes(request.bytes(3)));
    client.keyspace.setExpiry(key, atMs);
    client.reply.ok();
  };
}

function setPairs(client: Client, request: Request): void {
  if (request.length % 2 === 0) throw replyErrors.wrongArity('mset');
  for (let i = 1; i < request.length; i += 2) {
    client.keyspace.set(request.text(i), detachedBytes(request.bytes(i + 1)));
  }
}

function append(client: Client, request: Request): void {
  const key = request.text(1);
  const old = getString(client, key);
  const value = old === undefined ? request.bytes(2) : Buffer.concat([old, request.bytes(2)]);
  if (value.length > maxStringBytes) {
    throw new ReplyError('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
  }
  client.keyspace.set(key, old === undefined ? detachedBytes(value) : value, true);
  client.reply.integer(value.length);
}

function getRange(client: Client, request: Request): void {
  const from = requireInteger(request, 2);
  const to = requireInteger(request, 3);
  const value = getString(client, request.text(1)) ?? Buffer.alloc(0);
  const start = Math.max(from < 0 ? value.length + from : from, 0);
  const end = Math.min(to < 0 ? value.length + to : to, value.length - 1);
  client.reply.bulk(start > end ? Buffer.alloc(0) : value.subarray(start, end + 1));
}

/** Strings: set and read. */
export const stringCommands: readonly Command[] = [
  {
    ...{ name: 'set', arity: -3, flags: ['write', 'denyoom'], keys: firstKey, group: 'string' },
    summary: 'Sets a string, with conditions and a time of expiry',
    run: set,
  },
  {
    ...{ name: 'get', arity: 2, flags: ['readonly', 'fast'], keys: firstKey, group: 'string' },
    summary: 'Returns a string',
    run: (client, request) => replyString(client, getString(client, request.text(1))),
  },
  {
    ...{ name: 'mget', arity: -2, flags: ['readonly', 'fast'], keys: allKeys, group: 'string' },
    summary: 'Returns several strings; nothing for keys that hold none',
    run(client, request) {
      client.reply.array(request.length - 1);
      for (let i = 1; i < request.length; i++) {
        const value = client.keyspace.get(request.text(i));
        replyString(client, Buffer.isBuffer(value) ? value : undefined);
      }
    },
  },
  {
    ...{ name: 'mset', arity: -3, flags: ['write', 'denyoom'], keys: [1, -1, 2], group: 'string' },
    summary: 'Sets several strings',
    run(client, request) {
      setPairs(client, request);
      client.reply.ok();
    },
  },
  {
    ...{ name: 'setnx', arity: 3, flags: ['write', 'denyoom', 'fast'], keys: firstKey, group: 'string' },
    summary: 'Sets a string unless the key exists',
    run(client, request) {
      const key = request.text(1);
      const isNew = !client.keyspace.has(key);
      if (isNew) client.keyspace.set(key, detachedBytes(request.bytes(2)));
      client.reply.integer(isNew ? 1 : 0);
    },
  },
  {
    ...{ name: 'setex', arity: 4, flags: ['write', 'denyoom'], keys: firstKey, group: 'string' },
    summary: 'Sets a string that expires after so many seconds',
    run: setWithExpiry(1_000),
  },
  {
    ...{ name: 'psetex', arity: 4, flags: ['write', 'denyoom'], keys: firstKey, group: 'string' },
    summary: 'Sets a string that expires after so many milliseconds',
    run: setWithExpiry(1),
  },
  {
    ...{ name: 'getset', arity: 3, flags: ['write', 'denyoom', 'fast'], keys: firstKey, group: 'string' },
    summary: 'Sets a string and returns the one before',
    run(client, request) {
      const key = request.text(1);
      const old = getString(client, key);
      client.keyspace.set(key, detachedBytes(request.bytes(2)));
      replyString(client, old);
    },
  },
  {
    ...{ name: 'getdel', arity: 2, flags: ['write', 'fast'], keys: firstKey, group: 'string' },
    summary: 'Returns a string and removes it',
    run(client, request) {
      const key = request.text(1);
      const old = getString(client, key);
      client.keyspace.delete(key);
      replyString(client, old);
    },
  },
  {
    ...{ name: 'strlen', arity: 2, flags: ['readonly', 'fast'], keys: firstKey, group: 'string' },
    summary: "Returns a string's length in bytes",
    run: (client, request) => client.reply.integer(getString(client, request.text(1))?.length ?? 0),
  },
  {
    ...{ name: 'append', arity: 3, flags: ['write', 'denyoom', 'fast'], keys: firstKey, group: 'string' },
    summary: 'Adds to the end of a string',
    run: append,
  },
  {
    ...{ name: 'getrange', arity: 4, flags: ['readonly'], keys: firstKey, group: 'string' },
    summary: 'Returns a part of a string',
    run: getRange,
  },
];
