import { timingSafeEqual } from 'node:crypto';
import { productName } from '../../product-name.js';
import type { Client } from '../client.js';
import { type Command, noKeys } from '../command.js';
import { redisVersion } from '../redis-versions.js';
import { ReplyError, replyErrors } from '../reply-error.js';
import type { RespVersion } from '../reply-writer.js';
import type { Request } from '../request.js';
import { databaseCount } from '../resp-service.js';

const noPassword =
  'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?';
const wrongPassword = 'WRONGPASS invalid username-password pair or user is disabled.';

/** @throws ReplyError when they are not those the server was started with */
function authenticate(client: Client, user: string, password: Buffer): void {
  const expected = Buffer.from(client.service.options.password);
  const isRight =
    expected.length === 0 || (expected.length === password.length && timingSafeEqual(expected, password));
  if (user !== 'default' || !isRight) throw new ReplyError(wrongPassword);
  client.isAuthenticated = true;
}

function auth(client: Client, request: Request): void {
  if (request.length > 3) throw replyErrors.syntax();
  if (request.length === 2 && client.service.options.password === '') throw new ReplyError(noPassword);
  const user = request.length === 3 ? request.text(1) : 'default';
  authenticate(client, user, request.bytes(request.length - 1));
  client.reply.ok();
}

/** @throws ReplyError when the name would break the lines of `CLIENT LIST` */
export function checkClientText(text: string, what: string): string {
  if (!/^[!-~]*$/.test(text)) {
    throw new ReplyError(`ERR ${what} cannot contain spaces, newlines or special characters.`);
  }
  return text;
}

function hello(client: Client, request: Request): void {
  let version: RespVersion = client.reply.version;
  if (request.length > 1) {
    const asked = request.integer(1);
    if (asked === undefined) throw new ReplyError('ERR Protocol version is not an integer or out of range');
    if (asked !== 2 && asked !== 3) throw new ReplyError('NOPROTO unsupported protocol version');
    version = asked;
  }
  let name: string | undefined;
  for (let i = 2; i < request.length; ) {
    if (request.is(i, 'AUTH') && i + 2 < request.length) {
      authenticate(client, request.text(i + 1), request.bytes(i + 2));
      i += 3;
    } else if (request.is(i, 'SETNAME') && i + 1 < request.length) {
      name = checkClientText(request.text(i + 1), 'Client names');
      i += 2;
    } else {
      throw new ReplyError(`ERR Syntax error in HELLO option '${request.utf8(i)}'`);
    }
  }
  if (!client.isAuthenticated) {
    throw new ReplyError(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    );
  }
  if (name !== undefined) client.name = name;
  client.reply.version = version;
  replyIdentity(client);
}

function replyIdentity({ reply, id, service }: Client): void {
  reply.map(7);
  reply.bulkText('server');
  reply.bulkText(productName);
  reply.bulkText('version');
  reply.bulkText(redisVersion);
  reply.bulkText('proto');
  reply.integer(reply.version);
  reply.bulkText('id');
  reply.integer(id);
  reply.bulkText('mode');
  reply.bulkText('standalone');
  reply.bulkText('role');
  reply.bulkText('master');
  reply.bulkText('modules');
  reply.array(1);
  reply.map(2);
  reply.bulkText('name');
  reply.bulkText('ai');
  reply.bulkText('ver');
  reply.integer(service.options.redisAiVersion);
}

function select(client: Client, request: Request): void {
  const index = request.integer(1);
  if (index === undefined) throw new ReplyError('ERR invalid DB index');
  if (index < 0 || index >= databaseCount) throw new ReplyError('ERR DB index is out of range');
  client.databaseIndex = index;
  client.reply.ok();
}

const shared = { keys: noKeys, group: 'connection' } as const;

/** The connection itself. */
export const connectionCommands: readonly Command[] = [
  {
    ...{ ...shared, name: 'ping', arity: -1, flags: ['fast'] },
    summary: 'Answers PONG, or what it is given',
    run({ reply }, request) {
      if (request.length > 2) throw replyErrors.wrongArity('ping');
      if (request.length === 2) reply.bulk(request.bytes(1));
      else reply.simple('PONG');
    },
  },
  {
    ...{ ...shared, name: 'echo', arity: 2, flags: ['fast'] },
    summary: 'Answers what it is given',
    run: ({ reply }, request) => reply.bulk(request.bytes(1)),
  },
  {
    ...{ ...shared, name: 'select', arity: 2, flags: ['fast'] },
    summary: 'Chooses a database',
    run: select,
  },
  {
    ...{ ...shared, name: 'auth', arity: -2, flags: ['fast', 'no_auth'] },
    summary: 'Gives the password',
    run: auth,
  },
  {
    ...{ ...shared, name: 'hello', arity: -1, flags: ['fast', 'no_auth'] },
    summary: 'Chooses the protocol version and asks who answers',
    run: hello,
  },
  {
    ...{ ...shared, name: 'reset', arity: 1, flags: ['fast', 'no_auth'] },
    summary: 'Sets the connection back to how it began',
    run(client) {
      client.databaseIndex = 0;
      client.name = '';
      client.reply.version = 2;
      client.isAuthenticated = client.service.options.password === '';
      client.reply.simple('RESET');
    },
  },
  {
    ...{ ...shared, name: 'quit', arity: -1, flags: ['fast', 'no_auth'] },
    summary: 'Closes the connection',
    run(client) {
      client.reply.ok();
      client.closeAfterReply();
    },
  },
];
