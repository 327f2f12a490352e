import type { Client } from '../client.js';
import { type Command, noKeys } from '../command.js';
import { ReplyError, replyErrors } from '../reply-error.js';
import type { Request } from '../request.js';
import { checkClientText } from './connection.js';

function describeClient(client: Client): string {
  const ageSeconds = Math.floor((Date.now() - client.connectedAtMs) / 1_000);
  const fields = {
    id: client.id,
    addr: client.address,
    laddr: client.localAddress,
    name: client.name,
    age: ageSeconds,
    flags: 'N',
    db: client.databaseIndex,
    cmd: client.lastCommand || 'NULL',
    user: 'default',
    resp: client.reply.version,
    'lib-name': client.libraryName,
    'lib-ver': client.libraryVersion,
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function setInfo(client: Client, request: Request): void {
  if (request.length !== 4) throw replyErrors.wrongArity('client|setinfo');
  const value = request.text(3);
  if (request.is(2, 'LIB-NAME')) client.libraryName = checkClientText(value, 'lib-name');
  else if (request.is(2, 'LIB-VER')) client.libraryVersion = checkClientText(value, 'lib-ver');
  else throw new ReplyError(`ERR Unrecognized option '${request.utf8(2)}'`);
  client.reply.ok();
}

const subcommands: Readonly<Record<string, Command['run']>> = {
  SETNAME(client, request) {
    if (request.length !== 3) throw replyErrors.wrongArity('client|setname');
    client.name = checkClientText(request.text(2), 'Client names');
    client.reply.ok();
  },
  GETNAME({ name, reply }) {
    if (name === '') reply.null();
    else reply.bulkLatin1(name);
  },
  SETINFO: setInfo,
  ID: ({ id, reply }) => reply.integer(id),
  INFO: (client) => client.reply.verbatim(`${describeClient(client)}\n`),
  LIST({ reply, service }) {
    reply.verbatim([...service.clients.values()].map((client) => `${describeClient(client)}\n`).join(''));
  },
  'NO-EVICT': ({ reply }) => reply.ok(),
  'NO-TOUCH': ({ reply }) => reply.ok(),
};

function client(self: Client, request: Request): void | Promise<void> {
  const run = Object.entries(subcommands).find(([name]) => request.is(1, name))?.[1];
  if (run !== undefined) return run(self, request);
  throw new ReplyError(`ERR unknown subcommand '${request.utf8(1).slice(0, 128)}'`);
}

/** What the server knows of its clients. */
export const clientCommands: readonly Command[] = [
  {
    ...{ name: 'client', arity: -2, flags: ['loading'], keys: noKeys, group: 'connection' },
    summary: 'Names this connection, or lists all: SETNAME, GETNAME, SETINFO, ID, INFO, LIST',
    run: client,
  },
];
