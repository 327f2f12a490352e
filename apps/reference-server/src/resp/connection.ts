import type { Socket } from 'node:net';
import type { Keyspace } from '../store/keyspace.js';
import type { Client } from './client.js';
import type { Command } from './command.js';
import { ProtocolError, ReplyError, replyErrors } from './reply-error.js';
import { ReplyWriter } from './reply-writer.js';
import type { Request } from './request.js';
import { RequestParser } from './request-parser.js';
import type { RespService } from './resp-service.js';
import type { CommandStatistics } from './server-statistics.js';

/** Replies are handed to the socket when so many bytes have gathered, and in any case at the end of a round. */
const flushBytes = 256 * 1024;

/** While more than this waits to be sent, the client's further commands wait too. */
const maxUnsentBytes = 4 * 1024 * 1024;

/** While a command waits for a model, no more than about this is read ahead. */
const maxReadAheadBytes = 1024 * 1024;

/**
 * One connection: reads commands, runs them in order, sends their replies in
 * the same order. A command that waits for a model holds back only those that
 * come after it on the same connection.
 */
export class Connection implements Client {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  readonly connectedAtMs = Date.now();
  readonly service: RespService;
  readonly reply = new ReplyWriter();
  name = '';
  libraryName = '';
  libraryVersion = '';
  databaseIndex = 0;
  lastCommand = '';
  isBlocked = false;
  readonly #socket: Socket;
  readonly #parser = new RequestParser();
  #isAuthenticated: boolean;
  #isSending = false;
  #isClosing = false;

  constructor(socket: Socket, service: RespService) {
    this.#socket = socket;
    this.service = service;
    this.id = service.newClientId();
    this.address = `${socket.remoteAddress}:${socket.remotePort}`;
    this.localAddress = `${socket.localAddress}:${socket.localPort}`;
    this.#isAuthenticated = service.options.password === '';
    this.#parser.isAuthenticated = this.#isAuthenticated;
    service.clients.set(this.id, this);
    service.statistics.connections += 1;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('drain', () => {
      this.#isSending = false;
      this.#process();
    });
    // A client that goes away is its own business; its commands in progress run to their end unheard.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#isClosing = true;
      service.clients.delete(this.id);
    });
  }

  get keyspace(): Keyspace {
    return this.service.databases[this.databaseIndex]!;
  }

  get isAuthenticated(): boolean {
    return this.#isAuthenticated;
  }

  set isAuthenticated(value: boolean) {
    this.#isAuthenticated = value;
    this.#parser.isAuthenticated = value;
  }

  closeAfterReply(): void {
    this.#isClosing = true;
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#isClosing = true;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.service.statistics.inputBytes += chunk.length;
    this.#parser.feed(chunk);
    this.#process();
  }

  /** Runs the commands that have arrived, until one blocks or the client does not take its replies. */
  #process(): void {
    if (this.isBlocked || this.#isSending || this.#isClosing) {
      this.#limitReading();
      return;
    }
    try {
      while (!this.isBlocked && !this.#isSending && !this.#isClosing) {
        const request = this.#parser.next();
        if (request === undefined) break;
        this.#execute(request);
        if (this.reply.sizeBytes >= flushBytes) this.#flush();
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#replyError(`ERR Protocol error: ${error.message}`);
      this.#isClosing = true;
    }
    this.#flush();
    this.#limitReading();
  }

  #limitReading(): void {
    if (this.#isClosing) return;
    const waits = this.isBlocked || this.#isSending;
    if (waits && this.#parser.bufferedBytes > maxReadAheadBytes) this.#socket.pause();
    else if (this.#socket.isPaused() && !waits) this.#socket.resume();
  }

  #execute(request: Request): void {
    const { statistics, commands } = this.service;
    statistics.commands += 1;
    const name = request.text(0);
    const command = commands.find(name);
    if (command === undefined) {
      this.#replyError(unknownCommand(name, request));
      return;
    }
    this.lastCommand = command.name;
    const record = statistics.of(command.name);
    const refusal = this.#refusal(command, request);
    if (refusal !== undefined) {
      record.rejected += 1;
      this.#replyError(refusal);
      return;
    }
    this.#run(command, request, record);
  }

  #refusal(command: Command, request: Request): string | undefined {
    if (command.arity >= 0 ? request.length !== command.arity : request.length < -command.arity) {
      return replyErrors.wrongArity(command.name).message;
    }
    if (!this.#isAuthenticated && !command.flags.includes('no_auth')) {
      return 'NOAUTH Authentication required.';
    }
    return undefined;
  }

  #run(command: Command, request: Request, record: CommandStatistics): void {
    const startMs = performance.now();
    let replyBytes = this.reply.sizeBytes;
    const finish = (error?: unknown): void => {
      record.calls += 1;
      const timeUs = (performance.now() - startMs) * 1_000;
      record.timeUs += timeUs;
      record.latency.record(timeUs);
      if (error === undefined) return;
      record.failed += 1;
      this.#fail(error, this.reply.sizeBytes === replyBytes);
    };
    try {
      const running = command.run(this, request);
      if (running === undefined) {
        finish();
        return;
      }
      // What was answered before must not wait for the model.
      this.isBlocked = true;
      running.then(finish, finish).finally(() => {
        this.isBlocked = false;
        this.#process();
      });
      this.#flush();
      replyBytes = this.reply.sizeBytes;
    } catch (error) {
      finish(error);
    }
  }

  #fail(error: unknown, nothingWritten: boolean): void {
    if (error instanceof ReplyError && nothingWritten) {
      this.#replyError(error.message);
      return;
    }
    process.stderr.write(
      `aibench-reference-server: ${this.lastCommand} failed unexpectedly: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    // After half a reply the client cannot know where the next one begins.
    if (nothingWritten) this.#replyError(`ERR internal error in ${this.lastCommand}`);
    else this.destroy();
  }

  #replyError(message: string): void {
    this.service.statistics.errorReplies += 1;
    this.reply.error(message);
  }

  #flush(): void {
    const { sizeBytes } = this.reply;
    if (sizeBytes > 0) {
      this.service.statistics.outputBytes += sizeBytes;
      this.#send(this.reply.take());
    }
    if (this.#isClosing && !this.#socket.writableEnded) this.#socket.end();
  }

  #send(buffers: readonly Buffer[]): void {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return;
    if (buffers.length > 1) socket.cork();
    let hasRoom = true;
    for (const buffer of buffers) hasRoom = socket.write(buffer);
    if (buffers.length > 1) socket.uncork();
    if (!hasRoom && socket.writableLength > maxUnsentBytes) this.#isSending = true;
  }
}

function unknownCommand(name: string, request: Request): string {
  const shown = Buffer.from(name.slice(0, 128), 'latin1').toString();
  let list = '';
  for (let i = 1; i < request.length && list.length < 128; i++) list += `'${request.utf8(i).slice(0, 128)}' `;
  return `ERR unknown command '${shown}', with args beginning with: ${list}`;
}
