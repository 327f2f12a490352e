import type { Client } from './client.js';
import type { Request } from './request.js';

/** What Redis's command table says of a command's effect. */
export type CommandFlag =
  | 'readonly'
  | 'write'
  | 'fast'
  | 'denyoom'
  | 'admin'
  | 'loading'
  | 'no_auth'
  | 'module';

/** A command of the server. */
export interface Command {
  /** In lower case, as Redis spells it in its own replies. */
  readonly name: string;
  /** Number of arguments with the name; negative: at least so many. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  /** Where keys stand: first, last (negative from the end), step; zeros where there are none. */
  readonly keys: readonly [first: number, last: number, step: number];
  /** Heading of the command in `COMMAND DOCS`. */
  readonly group: 'string' | 'generic' | 'server' | 'connection' | 'module';
  readonly summary: string;
  /**
   * Runs it. Writes exactly one reply to `client.reply`, or throws a ReplyError
   * before it has written anything. Where a promise is returned, the client's
   * next command waits for it, and the reply is written after its last await.
   */
  run(client: Client, request: Request): void | Promise<void>;
}

/** No keys among the arguments. */
export const noKeys = [0, 0, 0] as const;
/** The first argument is a key. */
export const firstKey = [1, 1, 1] as const;
/** All arguments are keys. */
export const allKeys = [1, -1, 1] as const;
