import { typeName, valueSizeBytes } from '../../store/keyspace.js';
import type { Client } from '../client.js';
import { allKeys, type Command, firstKey, noKeys } from '../command.js';
import { matchesGlob } from '../glob.js';
import { ReplyError, replyErrors } from '../reply-error.js';
import type { Request } from '../request.js';
import { requireInteger } from './options.js';

function countKeys(test: (client: Client, key: string) => boolean): Command['run'] {
  return (client, request) => {
    let count = 0;
    for (let i = 1; i < request.length; i++) if (test(client, request.text(i))) count += 1;
    client.reply.integer(count);
  };
}

const removeKeys = countKeys(({ keyspace }, key) => keyspace.delete(key));

function setExpiry(unitMs: number, isAbsolute: boolean): Command['run'] {
  return (client, request) => {
    const { keyspace, reply } = client;
    const command = request.text(0).toLowerCase();
    const value = requireInteger(request, 2);
    const atMs = value * unitMs + (isAbsolute ? 0 : Date.now());
    if (!Number.isSafeInteger(atMs)) throw replyErrors.invalidExpiry(command);
    const key = request.text(1);
    const old = keyspace.has(key) ? keyspace.expiresAtMs(key) : undefined;
    const isAllowed = keyspace.has(key) && expiryCondition(request, old, atMs);
    if (isAllowed) keyspace.setExpiry(key, atMs);
    reply.integer(isAllowed ? 1 : 0);
  };
}

function expiryCondition(request: Request, oldMs: number | undefined, newMs: number): boolean {
  if (request.length === 3) return true;
  const old = oldMs ?? Number.POSITIVE_INFINITY;
  if (request.length > 4) throw replyErrors.syntax();
  if (request.is(3, 'NX')) return oldMs === undefined;
  if (request.is(3, 'XX')) return oldMs !== undefined;
  if (request.is(3, 'GT')) return newMs > old;
  if (request.is(3, 'LT')) return newMs < old;
  throw new ReplyError(`ERR Unsupported option ${request.utf8(3)}`);
}

function timeToLive(unitMs: number): Command['run'] {
  return ({ keyspace, reply }, request) => {
    const key = request.text(1);
    if (!keyspace.has(key)) {
      reply.integer(-2);
      return;
    }
    const atMs = keyspace.expiresAtMs(key);
    reply.integer(atMs === undefined ? -1 : Math.max(0, Math.round((atMs - Date.now()) / unitMs)));
  };
}

function persist({ keyspace, reply }: Client, request: Request): void {
  const key = request.text(1);
  const isExpiring = keyspace.has(key) && keyspace.expiresAtMs(key) !== undefined;
  if (isExpiring) keyspace.setExpiry(key, undefined);
  reply.integer(isExpiring ? 1 : 0);
}

function rename({ keyspace, reply }: Client, request: Request): void {
  const from = request.text(1);
  const value = keyspace.peek(from);
  if (value === undefined) throw new ReplyError('ERR no such key');
  const expiresAtMs = keyspace.expiresAtMs(from);
  keyspace.delete(from);
  keyspace.set(request.text(2), value);
  if (expiresAtMs !== undefined) keyspace.setExpiry(request.text(2), expiresAtMs);
  reply.ok();
}

function listKeys({ keyspace, reply }: Client, request: Request): void {
  const pattern = request.text(1);
  const found: string[] = [];
  for (const key of keyspace.keys()) if (matchesGlob(pattern, key)) found.push(key);
  reply.array(found.length);
  for (const key of found) reply.bulkLatin1(key);
}

function scan({ keyspace, reply }: Client, request: Request): void {
  const cursor = request.integer(1);
  if (cursor === undefined || cursor < 0) throw new ReplyError('ERR invalid cursor');
  let pattern = '*';
  let count = 10;
  let type: string | undefined;
  for (let i = 2; i < request.length; i += 2) {
    if (i + 1 >= request.length) throw replyErrors.syntax();
    if (request.is(i, 'MATCH')) pattern = request.text(i + 1);
    else if (request.is(i, 'TYPE')) type = request.text(i + 1).toLowerCase();
    else if (request.is(i, 'COUNT')) count = requireInteger(request, i + 1);
    else throw replyErrors.syntax();
  }
  if (count < 1) throw replyErrors.syntax();
  const page = keyspace.scan(cursor, count);
  const keys = page.keys.filter((key) => {
    const value = keyspace.peek(key);
    if (value === undefined || !matchesGlob(pattern, key)) return false;
    return type === undefined || typeName(value).toLowerCase() === type;
  });
  reply.array(2);
  reply.bulkLatin1(String(page.cursor));
  reply.array(keys.length);
  for (const key of keys) reply.bulkLatin1(key);
}

function randomKey({ keyspace, reply }: Client): void {
  // The first key: the command promises any key, and nothing here depends on chance.
  const [key] = keyspace.keys();
  if (key === undefined) reply.null();
  else reply.bulkLatin1(key);
}

function memoryUsage({ keyspace, reply }: Client, request: Request): void {
  if (!request.is(1, 'USAGE') || request.length < 3) {
    throw new ReplyError('ERR only MEMORY USAGE key is supported here');
  }
  const key = request.text(2);
  const value = keyspace.peek(key);
  if (value === undefined) reply.null();
  else reply.integer(key.length + valueSizeBytes(value));
}

const shared = { keys: firstKey, group: 'generic' } as const;

/** Keys of any type. */
export const keyCommands: readonly Command[] = [
  {
    ...{ ...shared, name: 'del', arity: -2, flags: ['write'], keys: allKeys },
    summary: 'Removes keys',
    run: removeKeys,
  },
  {
    ...{ ...shared, name: 'unlink', arity: -2, flags: ['write', 'fast'], keys: allKeys },
    summary: 'Removes keys',
    run: removeKeys,
  },
  {
    ...{ ...shared, name: 'exists', arity: -2, flags: ['readonly', 'fast'], keys: allKeys },
    summary: 'Counts those of the keys that exist',
    run: countKeys(({ keyspace }, key) => keyspace.get(key) !== undefined),
  },
  {
    ...{ ...shared, name: 'touch', arity: -2, flags: ['readonly', 'fast'], keys: allKeys },
    summary: 'Counts those of the keys that exist',
    run: countKeys(({ keyspace }, key) => keyspace.has(key)),
  },
  {
    ...{ ...shared, name: 'type', arity: 2, flags: ['readonly', 'fast'] },
    summary: 'Returns what a key holds',
    run({ keyspace, reply }, request) {
      const value = keyspace.peek(request.text(1));
      reply.simple(value === undefined ? 'none' : typeName(value));
    },
  },
  {
    ...{ ...shared, name: 'expire', arity: -3, flags: ['write', 'fast'] },
    summary: 'Lets a key expire after so many seconds',
    run: setExpiry(1_000, false),
  },
  {
    ...{ ...shared, name: 'pexpire', arity: -3, flags: ['write', 'fast'] },
    summary: 'Lets a key expire after so many milliseconds',
    run: setExpiry(1, false),
  },
  {
    ...{ ...shared, name: 'expireat', arity: -3, flags: ['write', 'fast'] },
    summary: 'Lets a key expire at a time in seconds since 1970',
    run: setExpiry(1_000, true),
  },
  {
    ...{ ...shared, name: 'pexpireat', arity: -3, flags: ['write', 'fast'] },
    summary: 'Lets a key expire at a time in milliseconds since 1970',
    run: setExpiry(1, true),
  },
  {
    ...{ ...shared, name: 'ttl', arity: 2, flags: ['readonly', 'fast'] },
    summary: 'Returns the seconds until a key expires',
    run: timeToLive(1_000),
  },
  {
    ...{ ...shared, name: 'pttl', arity: 2, flags: ['readonly', 'fast'] },
    summary: 'Returns the milliseconds until a key expires',
    run: timeToLive(1),
  },
  {
    ...{ ...shared, name: 'persist', arity: 2, flags: ['write', 'fast'] },
    summary: 'Lets a key no longer expire',
    run: persist,
  },
  {
    ...{ ...shared, name: 'rename', arity: 3, flags: ['write'], keys: [1, 2, 1] },
    summary: 'Gives a key another name',
    run: rename,
  },
  {
    ...{ ...shared, name: 'keys', arity: 2, flags: ['readonly'], keys: noKeys },
    summary: 'Returns the keys that match a pattern',
    run: listKeys,
  },
  {
    ...{ ...shared, name: 'scan', arity: -2, flags: ['readonly'], keys: noKeys },
    summary: 'Returns the keys, some at a time',
    run: scan,
  },
  {
    ...{ ...shared, name: 'randomkey', arity: 1, flags: ['readonly'], keys: noKeys },
    summary: 'Returns a key',
    run: randomKey,
  },
  {
    ...{ ...shared, name: 'memory', arity: -2, flags: ['readonly'], keys: [2, 2, 1] },
    summary: 'Returns the size of a key and its value',
    run: memoryUsage,
  },
  {
    ...{ ...shared, name: 'dbsize', arity: 1, flags: ['readonly', 'fast'], keys: noKeys },
    summary: 'Returns the number of keys',
    run: ({ keyspace, reply }) => reply.integer(keyspace.size),
  },
];
