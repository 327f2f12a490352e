import { AibenchError, type MessageBytes } from '@aibench/core';
import { answeredError, connectionError } from './connection-error.js';
import type { RedisAddress } from './redis-address.js';
import type { RedisClient, RedisReply } from './redis-client.js';
import type { ConnectOptions } from './redis-connection.js';
import { RedisSocket } from './redis-socket.js';
import { ReplyError, ReplySyntaxError, type ScannedReply } from './reply-scanner.js';
import { runAtTurnEnd, type TurnEndTask } from './turn-end.js';

/** A request whose reply is still to come. */
interface Pending {
  readonly resolve: (reply: RedisReply) => void;
  readonly reject: (error: AibenchError) => void;
}

/** Up to this size commands that leave together are copied into one buffer, which is cheaper than a gathering write. */
const joinedBytes = 16_384;

/** The answer to most commands. */
const ok = Buffer.from('OK');

/**
 * One connection to one Redis for requests that are timed: our own socket,
 * login and replies, with as little as possible between the caller and the
 * kernel. What is sent in one turn of the event loop leaves at its end, in one
 * write. Nothing is retried or sent again.
 */
export class RequestConnection implements RedisClient, TurnEndTask {
  readonly address: string;
  readonly #socket: RedisSocket;
  readonly #pending: Pending[] = [];
  #unsent: Uint8Array[] = [];
  #isScheduled = false;
  #corked = 0;
  #lost: AibenchError | undefined;

  /** Use {@link openRequestConnection}. */
  constructor(socket: RedisSocket) {
    this.address = socket.address;
    this.#socket = socket;
    socket.listen({
      onReply: (reply) => this.#take(reply),
      onLost: (error) => this.#lose(error),
      onSilence: () => this.#giveUpWaiting(),
    });
  }

  /**
   * Sends one encoded command.
   *
   * @param wire the command in RESP, whole or in pieces; must not change until the promise settles
   * @returns the reply, which must not be written to
   * @throws AIBENCH_SERVER for an error answer, AIBENCH_CONNECTION when the connection is lost or closed,
   * AIBENCH_ANSWER when what comes is not RESP
   */
  send(wire: MessageBytes): Promise<RedisReply> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      this.#pending.push({ resolve, reject });
      if (wire instanceof Uint8Array) this.#unsent.push(wire);
      else this.#unsent.push(...wire);
      if (this.#corked === 0) this.#schedule();
    });
  }

  /** Holds back what is sent until {@link uncork}, over turns of the event loop. */
  cork(): void {
    this.#corked += 1;
  }

  /** Lets go what {@link cork} has held back, at the end of the turn. */
  uncork(): void {
    this.#corked -= 1;
    if (this.#corked === 0 && this.#unsent.length > 0) this.#schedule();
  }

  /** Bytes sent that the kernel has not taken yet. */
  get backlogBytes(): number {
    return this.#socket.backlogBytes + this.#unsent.reduce((sum, { length }) => sum + length, 0);
  }

  /** Closes the connection; requests that are out are rejected. */
  async close(): Promise<void> {
    const closed = this.#socket.closed();
    this.#socket.destroy();
    this.#lose(connectionError(closedContext(this.address), new Error('closed by this side')));
    await closed;
  }

  /** For the end of the turn only. */
  atTurnEnd(): void {
    this.#isScheduled = false;
    if (this.#corked > 0 || this.#unsent.length === 0) return;
    const chunks = this.#unsent;
    this.#unsent = [];
    if (chunks.length === 1) this.#socket.write(chunks[0]!);
    else if (chunks.reduce((sum, { length }) => sum + length, 0) <= joinedBytes) {
      this.#socket.write(Buffer.concat(chunks));
    } else this.#socket.writeAll(chunks);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    runAtTurnEnd(this);
  }

  #take(reply: ScannedReply): void {
    // With one request out at a time, the usual case, pop() is the cheaper.
    const pending = this.#pending.length === 1 ? this.#pending.pop() : this.#pending.shift();
    if (pending === undefined) throw new ReplySyntaxError('a reply came that nothing had asked for');
    if (reply instanceof ReplyError) {
      pending.reject(answeredError(this.address, reply.text, new AnsweredError(reply.text)));
    } else pending.resolve(plainReply(reply));
  }

  #lose(error: AibenchError): void {
    this.#lost ??= error;
    this.#unsent = [];
    for (const { reject } of this.#pending.splice(0)) reject(this.#lost);
  }

  #giveUpWaiting(): void {
    if (this.#pending.length === 0) return;
    this.#socket.abandon(new AibenchError('AIBENCH_TIMEOUT', `${this.address} did not answer in time`));
  }
}

/**
 * Opens a connection for requests and logs in.
 *
 * @throws AIBENCH_CONNECTION when it cannot be reached, AIBENCH_SERVER when it refuses the login,
 * AIBENCH_ANSWER when it is no Redis; each names `host:port`
 */
export async function openRequestConnection(
  address: RedisAddress,
  options: ConnectOptions = {},
): Promise<RequestConnection> {
  return new RequestConnection(await RedisSocket.open(address, options));
}

/** An error answer in the form that callers of any `RedisClient` see it in. */
class AnsweredError extends Error {
  override readonly name = 'ReplyError';
}

function plainReply(reply: ScannedReply): RedisReply {
  if (typeof reply === 'string') return reply === 'OK' ? ok : Buffer.from(reply);
  if (reply instanceof ReplyError) return new AnsweredError(reply.text);
  return isList(reply) ? reply.map(plainReply) : reply;
}

function isList(reply: Exclude<ScannedReply, string | ReplyError>): reply is readonly ScannedReply[] {
  return Array.isArray(reply);
}

function closedContext(address: string) {
  return { address, tls: false, flag: '', connecting: false };
}
