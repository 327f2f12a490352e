import { onnxRuntimeVersion } from '../../inference/onnx-session.js';
import { productName } from '../../product-name.js';
import { StoredModel } from '../../store/stored-model.js';
import type { Client } from '../client.js';
import { type Command, noKeys } from '../command.js';
import { redisAiVersionText } from '../redis-versions.js';
import { ReplyError, replyErrors } from '../reply-error.js';
import type { Request } from '../request.js';

function info(client: Client, request: Request): void {
  const { keyspace, reply, service } = client;
  if (request.length > 3) throw replyErrors.wrongArity('ai.info');
  if (request.length === 1) {
    replyServer(client);
    return;
  }
  const key = request.text(1);
  const stored = keyspace.peek(key) ?? service.absentModel;
  if (!(stored instanceof StoredModel)) throw new ReplyError('ERR cannot find run info for key');
  const { statistics, file } = stored.model;
  if (request.is(2, 'RESETSTAT')) {
    statistics.reset();
    reply.ok();
    return;
  }
  reply.array(18);
  reply.bulkLatin1('key');
  reply.bulkLatin1(key);
  reply.bulkLatin1('type');
  reply.bulkLatin1('MODEL');
  reply.bulkLatin1('backend');
  reply.bulkLatin1(file.format);
  reply.bulkLatin1('device');
  reply.bulkLatin1(stored.device);
  reply.bulkLatin1('tag');
  reply.bulkLatin1(stored.tag);
  reply.bulkLatin1('duration');
  reply.integer(Math.round(statistics.durationMs * 1_000));
  reply.bulkLatin1('samples');
  reply.integer(statistics.samples);
  reply.bulkLatin1('calls');
  reply.integer(statistics.calls);
  reply.bulkLatin1('errors');
  reply.integer(statistics.errors);
}

function replyServer({ reply, service }: Client): void {
  const fields = {
    product: productName,
    'product version': service.options.version,
    'RedisAI version': redisAiVersionText(service.options.redisAiVersion),
    'ONNX Runtime version': onnxRuntimeVersion,
  };
  const entries = Object.entries(fields);
  reply.array(2 * entries.length);
  for (const [name, value] of entries) {
    reply.bulkText(name);
    reply.bulkText(value);
  }
}

function config({ reply, service }: Client, request: Request): void {
  if (request.is(1, 'LOADBACKEND')) {
    if (request.length < 4) throw replyErrors.wrongArity('ai.config');
    // Both back ends are built in; the path is of no use here.
    if (request.is(2, 'ONNX') || request.is(2, 'TF')) reply.ok();
    else if (request.is(2, 'TORCH') || request.is(2, 'TFLITE')) {
      throw new ReplyError('ERR error loading backend: aibench-reference-server runs ONNX and TF models');
    } else throw new ReplyError('ERR unsupported backend');
  } else if (request.is(1, 'BACKENDSPATH')) {
    if (request.length < 3) throw new ReplyError('ERR BACKENDSPATH: missing path argument');
    service.backendsPath = request.text(2);
    reply.ok();
  } else if (request.is(1, 'MODEL_CHUNK_SIZE')) {
    if (request.length < 3) throw new ReplyError('ERR MODEL_CHUNK_SIZE: missing chunk size');
    const size = request.integer(2);
    if (size === undefined || size <= 0) throw new ReplyError('ERR MODEL_CHUNK_SIZE: invalid chunk size');
    service.modelChunkBytes = size;
    reply.ok();
  } else if (request.is(1, 'GET')) {
    if (request.length < 3) throw replyErrors.wrongArity('ai.config');
    if (request.is(2, 'BACKENDSPATH')) reply.bulkLatin1(service.backendsPath);
    else if (request.is(2, 'MODEL_CHUNK_SIZE')) reply.integer(service.modelChunkBytes);
    else reply.null();
  } else {
    throw new ReplyError('ERR unsupported subcommand');
  }
}

/** Statistics and settings of the AI commands. */
export const aiInfoCommands: readonly Command[] = [
  {
    ...{ name: 'ai.info', arity: -1, flags: ['readonly', 'module'], keys: noKeys, group: 'module' },
    summary: "Returns a model's statistics, or sets them to 0 (RESETSTAT)",
    run: info,
  },
  {
    ...{ name: 'ai.config', arity: -2, flags: ['write', 'module'], keys: noKeys, group: 'module' },
    summary: 'Sets or returns MODEL_CHUNK_SIZE and BACKENDSPATH; LOADBACKEND',
    run: config,
  },
];
