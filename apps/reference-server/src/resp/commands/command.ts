import type { Client } from '../client.js';
import { type Command, noKeys } from '../command.js';
import { ReplyError } from '../reply-error.js';
import type { ReplyWriter } from '../reply-writer.js';
import type { Request } from '../request.js';

/** Elements of a command's entry: name, arity, flags, three key positions, ACL categories, tips, key specs, subcommands. */
const entryLength = 10;

function replyEntry(reply: ReplyWriter, command: Command): void {
  reply.array(entryLength);
  reply.bulkText(command.name);
  reply.integer(command.arity);
  reply.set(command.flags.length);
  for (const flag of command.flags) reply.simple(flag);
  for (const position of command.keys) reply.integer(position);
  reply.set(0);
  reply.array(0);
  reply.array(0);
  reply.array(0);
}

function named({ service }: Client, request: Request): (Command | undefined)[] {
  if (request.length === 2) return [...service.commands.all()];
  return Array.from({ length: request.length - 2 }, (_, i) => service.commands.find(request.text(i + 2)));
}

function replyDocs(client: Client, request: Request): void {
  const { reply } = client;
  const commands = named(client, request).filter((command) => command !== undefined);
  reply.map(commands.length);
  for (const { name, summary, group } of commands) {
    reply.bulkText(name);
    reply.map(2);
    reply.bulkText('summary');
    reply.bulkText(summary);
    reply.bulkText('group');
    reply.bulkText(group);
  }
}

function command(client: Client, request: Request): void {
  const { reply, service } = client;
  if (request.length === 1 || request.is(1, 'INFO')) {
    const commands = request.length === 1 ? [...service.commands.all()] : named(client, request);
    reply.array(commands.length);
    for (const entry of commands) {
      if (entry === undefined) reply.null();
      else replyEntry(reply, entry);
    }
  } else if (request.is(1, 'COUNT')) {
    reply.integer(service.commands.all().length);
  } else if (request.is(1, 'DOCS')) {
    replyDocs(client, request);
  } else if (request.is(1, 'LIST')) {
    reply.array(service.commands.all().length);
    for (const { name } of service.commands.all()) reply.bulkText(name);
  } else {
    throw new ReplyError(`ERR unknown subcommand '${request.utf8(1).slice(0, 128)}'`);
  }
}

/** The command table itself. */
export const commandCommands: readonly Command[] = [
  {
    ...{ name: 'command', arity: -1, flags: ['loading'], keys: noKeys, group: 'server' },
    summary: 'Lists the commands of this server: COUNT, DOCS, INFO, LIST',
    run: command,
  },
];
