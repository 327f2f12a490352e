import type { Client } from '../client.js';
import { type Command, noKeys } from '../command.js';
import { matchesGlob } from '../glob.js';
import { redisVersion } from '../redis-versions.js';
import { ReplyError, replyErrors } from '../reply-error.js';
import type { Request } from '../request.js';
import { requestLimits } from '../request-parser.js';
import { databaseCount, type RespService } from '../resp-service.js';
import { infoText, latencyPercentiles } from './info.js';

/** What `CONFIG GET` tells: how this server behaves, in the terms of Redis's configuration. */
function configuration(service: RespService): Readonly<Record<string, string>> {
  return {
    appendonly: 'no',
    bind: service.options.host,
    databases: String(databaseCount),
    'latency-tracking-info-percentiles': latencyPercentiles.join(' '),
    maxmemory: '0',
    'maxmemory-policy': 'noeviction',
    port: String(service.port),
    'proto-max-bulk-len': String(requestLimits.argumentBytes),
    save: '',
    timeout: '0',
  };
}

function config({ reply, service }: Client, request: Request): void {
  if (request.is(1, 'GET') && request.length > 2) {
    const patterns = Array.from({ length: request.length - 2 }, (_, i) => request.text(i + 2).toLowerCase());
    const found = Object.entries(configuration(service)).filter(([name]) =>
      patterns.some((pattern) => matchesGlob(pattern, name)),
    );
    reply.map(found.length);
    for (const [name, value] of found) {
      reply.bulkText(name);
      reply.bulkText(value);
    }
  } else if (request.is(1, 'RESETSTAT')) {
    service.statistics.reset();
    for (const database of service.databases) {
      database.hits = 0;
      database.misses = 0;
      database.expired = 0;
    }
    reply.ok();
  } else {
    throw new ReplyError(
      'ERR only CONFIG GET and CONFIG RESETSTAT are supported here; other settings are flags of the server',
    );
  }
}

function info(client: Client, request: Request): void {
  const sections = Array.from({ length: request.length - 1 }, (_, i) => request.text(i + 1).toLowerCase());
  client.reply.verbatim(infoText(client.service, sections));
}

function module({ reply, service }: Client, request: Request): void {
  if (!request.is(1, 'LIST')) throw new ReplyError('ERR only MODULE LIST is supported here');
  reply.array(1);
  reply.map(4);
  reply.bulkText('name');
  reply.bulkText('ai');
  reply.bulkText('ver');
  reply.integer(service.options.redisAiVersion);
  reply.bulkText('path');
  reply.bulkText('');
  reply.bulkText('args');
  reply.array(0);
}

function checkFlushOptions(request: Request): void {
  if (request.length > 2 || (request.length === 2 && !request.is(1, 'SYNC') && !request.is(1, 'ASYNC'))) {
    throw replyErrors.syntax();
  }
}

function refuse(message: string): () => never {
  return () => {
    throw new ReplyError(message);
  };
}

const shared = { keys: noKeys, group: 'server' } as const;

/** The server itself. */
export const serverCommands: readonly Command[] = [
  {
    ...{ ...shared, name: 'info', arity: -1, flags: ['loading'] },
    summary: 'Returns what the server knows of itself, by sections',
    run: info,
  },
  {
    ...{ ...shared, name: 'config', arity: -2, flags: ['admin'] },
    summary: 'Returns settings (GET) or sets statistics to 0 (RESETSTAT)',
    run: config,
  },
  {
    ...{ ...shared, name: 'module', arity: -2, flags: ['admin'] },
    summary: 'Returns the module whose commands are answered (LIST)',
    run: module,
  },
  {
    ...{ ...shared, name: 'time', arity: 1, flags: ['fast'] },
    summary: 'Returns the time: seconds since 1970 and microseconds',
    run({ reply }) {
      const nowMs = performance.timeOrigin + performance.now();
      reply.array(2);
      reply.bulkText(String(Math.floor(nowMs / 1_000)));
      reply.bulkText(String(Math.floor((nowMs % 1_000) * 1_000)));
    },
  },
  {
    ...{ ...shared, name: 'flushall', arity: -1, flags: ['write'] },
    summary: 'Removes all keys of all databases',
    run({ reply, service }, request) {
      checkFlushOptions(request);
      for (const database of service.databases) database.clear();
      reply.ok();
    },
  },
  {
    ...{ ...shared, name: 'flushdb', arity: -1, flags: ['write'] },
    summary: 'Removes all keys of the selected database',
    run({ keyspace, reply }, request) {
      checkFlushOptions(request);
      keyspace.clear();
      reply.ok();
    },
  },
  {
    ...{ ...shared, name: 'lolwut', arity: -1, flags: ['readonly', 'fast'] },
    summary: 'Says who answers',
    run: ({ reply, service }) =>
      reply.verbatim(
        `aibench-reference-server ${service.options.version}, not Redis; it speaks as Redis ver. ${redisVersion}\n`,
      ),
  },
  {
    ...{ ...shared, name: 'cluster', arity: -2, flags: ['loading'] },
    summary: 'Not supported: this is one server',
    run: refuse('ERR This instance has cluster support disabled'),
  },
];
