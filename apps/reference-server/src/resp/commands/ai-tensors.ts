import { ServerTensor } from '../../inference/server-tensor.js';
import type { Keyspace } from '../../store/keyspace.js';
import type { Client } from '../client.js';
import { type Command, firstKey } from '../command.js';
import { ReplyError, replyErrors } from '../reply-error.js';
import { readTensor } from './tensor-arguments.js';
import { readTensorFormat, replyTensor } from './tensor-reply.js';

/**
 * The tensor under a key.
 *
 * @throws ReplyError in RedisAI's words when there is none, or something else
 */
export function getTensor(keyspace: Keyspace, key: string): ServerTensor {
  const value = keyspace.get(key);
  if (value instanceof ServerTensor) return value;
  if (value === undefined) throw new ReplyError('ERR tensor key is empty or in a different shard');
  throw replyErrors.wrongType();
}

/**
 * The tensor under a key as the input of a model; the null model takes one that was never stored.
 *
 * @throws ReplyError in RedisAI's words when there is none, or something else
 */
export function getInput({ keyspace, service }: Client, key: string): ServerTensor {
  if (service.absentTensor !== undefined && !keyspace.has(key)) return service.absentTensor;
  return getTensor(keyspace, key);
}

/**
 * Checks that a tensor may be stored under a key.
 *
 * @throws ReplyError when the key holds something else
 */
export function checkTensorKey(keyspace: Keyspace, key: string): void {
  const value = keyspace.peek(key);
  if (value !== undefined && !(value instanceof ServerTensor)) throw replyErrors.wrongType();
}

/** Tensors: store and read. */
export const tensorCommands: readonly Command[] = [
  {
    ...{ name: 'ai.tensorset', arity: -4, flags: ['write', 'denyoom', 'module'], keys: firstKey },
    group: 'module',
    summary: 'Stores a tensor',
    run({ keyspace, reply }, request) {
      const key = request.text(1);
      checkTensorKey(keyspace, key);
      keyspace.set(key, readTensor(request, 2, request.length).detached());
      reply.ok();
    },
  },
  {
    ...{ name: 'ai.tensorget', arity: -2, flags: ['readonly', 'module'], keys: firstKey },
    group: 'module',
    summary: 'Returns a tensor: META, BLOB, VALUES',
    run({ keyspace, reply }, request) {
      if (request.length > 4) throw replyErrors.wrongArity('ai.tensorget');
      const tensor = getTensor(keyspace, request.text(1));
      replyTensor(reply, tensor, readTensorFormat(request, 2, request.length));
    },
  },
];
