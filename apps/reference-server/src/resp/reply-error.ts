/** An error reply: its message is sent as it is, so it begins with a code such as `ERR`. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

/** A request that breaks the protocol: it is answered, then the connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** Error replies of Redis that several commands give. */
export const replyErrors = {
  syntax: () => new ReplyError('ERR syntax error'),
  notInteger: () => new ReplyError('ERR value is not an integer or out of range'),
  wrongType: () => new ReplyError('WRONGTYPE Operation against a key holding the wrong kind of value'),
  wrongArity: (command: string) => new ReplyError(`ERR wrong number of arguments for '${command}' command`),
  invalidExpiry: (command: string) => new ReplyError(`ERR invalid expire time in '${command}' command`),
} as const;
