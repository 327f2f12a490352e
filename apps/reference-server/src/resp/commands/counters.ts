import type { Client } from '../client.js';
import { type Command, firstKey } from '../command.js';
import { ReplyError, replyErrors } from '../reply-error.js';
import type { Request } from '../request.js';
import { getString } from './strings.js';

/** Counters are 64-bit signed, as in Redis. */
const largest = 2n ** 63n - 1n;
const smallest = -(2n ** 63n);

/** A whole number in text; undefined where it is none that Redis would take. */
function readInteger(text: string): bigint | undefined {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value > largest || value < smallest ? undefined : value;
}

function requireIncrement(request: Request): bigint {
  const value = readInteger(request.text(2));
  if (value === undefined) throw replyErrors.notInteger();
  return value;
}

function add(client: Client, request: Request, increment: bigint): void {
  const key = request.text(1);
  const old = getString(client, key);
  const current = old === undefined ? 0n : readInteger(old.toString('latin1'));
  if (current === undefined) throw replyErrors.notInteger();
  const value = current + increment;
  if (value > largest || value < smallest) {
    throw new ReplyError('ERR increment or decrement would overflow');
  }
  client.keyspace.set(key, Buffer.from(String(value), 'latin1'), true);
  client.reply.integer(value);
}

const shared = { flags: ['write', 'denyoom', 'fast'], keys: firstKey, group: 'string' } as const;

/** Strings that are whole numbers. */
export const counterCommands: readonly Command[] = [
  {
    ...{ ...shared, name: 'incr', arity: 2 },
    summary: 'Adds 1',
    run: (client, request) => add(client, request, 1n),
  },
  {
    ...{ ...shared, name: 'decr', arity: 2 },
    summary: 'Takes 1 away',
    run: (client, request) => add(client, request, -1n),
  },
  {
    ...{ ...shared, name: 'incrby', arity: 3 },
    summary: 'Adds a number',
    run: (client, request) => add(client, request, requireIncrement(request)),
  },
  {
    ...{ ...shared, name: 'decrby', arity: 3 },
    summary: 'Takes a number away',
    run(client, request) {
      const decrement = requireIncrement(request);
      if (decrement === smallest) throw new ReplyError('ERR decrement would overflow');
      add(client, request, -decrement);
    },
  },
];
