import type { Keyspace } from '../store/keyspace.js';
import type { ReplyWriter } from './reply-writer.js';
import type { RespService } from './resp-service.js';

/** A connection as commands see it. */
export interface Client {
  readonly id: number;
  /** `host:port` of the other end, and of this one. */
  readonly address: string;
  readonly localAddress: string;
  /** When it connected, in ms since 1970. */
  readonly connectedAtMs: number;
  readonly service: RespService;
  /** Where the reply goes. */
  readonly reply: ReplyWriter;
  /** Set by `CLIENT SETNAME`; binary text. */
  name: string;
  /** Set by `CLIENT SETINFO`. */
  libraryName: string;
  libraryVersion: string;
  /** Number of the selected database. */
  databaseIndex: number;
  isAuthenticated: boolean;
  /** The command run last, for `CLIENT LIST`. */
  lastCommand: string;
  /** The selected database. */
  readonly keyspace: Keyspace;
  /** Whether a command of it waits for a model. */
  readonly isBlocked: boolean;
  /** Ends the connection when the replies written so far have gone out. */
  closeAfterReply(): void;
}
