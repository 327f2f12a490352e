import { AibenchError, DeadlineTimer, type MessageBytes } from '@aibench/core';
import type { ConnectionContext } from './connection-error.js';
import { formatGrpcAddress, type GrpcAddress } from './grpc-address.js';
import { cancelledError, deadlineError } from './grpc-answer.js';
import type { CallOptions, GrpcClient, UnaryMethod } from './grpc-client.js';
import { Http2Connection } from './http2-connection.js';
import { messageLength } from './message-cursor.js';
import { RequestHead } from './request-head.js';
import { type CallOutcome, UnaryCall } from './unary-call.js';

/** How a client behaves, all of it said. */
export interface OwnGrpcClientOptions {
  readonly flag: string;
  /** Limit of a call that names none; 0 for none. */
  readonly timeoutMs: number;
  readonly maxMessageBytes: number;
  readonly connectTimeoutMs: number;
  /** Metadata of every call, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** gRPC's lengths have 32 bits. */
const longestMessage = 0xffffffff;

/**
 * A client over our own HTTP/2. It has one connection at a time; a server that
 * sends it away with GOAWAY gets the next calls over a new one, and so does one
 * that has come back after a loss. No call is sent twice that the server may have
 * looked at.
 */
export class OwnGrpcClient implements GrpcClient {
  readonly address: string;
  readonly #place: GrpcAddress;
  readonly #options: OwnGrpcClientOptions;
  readonly #context: ConnectionContext;
  /** The one that calls go over; undefined while there is none. */
  #connection: Http2Connection | undefined;
  /** That one, and those that only finish what they have begun. */
  readonly #connections = new Set<Http2Connection>();
  /** Calls that wait for a connection. */
  #waiting: UnaryCall[] = [];
  #isConnecting = false;
  #isClosed = false;
  readonly #deadlines = new DeadlineTimer((nowMs) => this.#expire(nowMs));

  private constructor(place: GrpcAddress, options: OwnGrpcClientOptions) {
    this.address = formatGrpcAddress(place);
    this.#place = place;
    this.#options = options;
    this.#context = { address: this.address, flag: options.flag, tls: place.tls !== undefined };
  }

  /** Connects. @throws AIBENCH_CONNECTION in one line that names the address and the flag */
  static async open(place: GrpcAddress, options: OwnGrpcClientOptions): Promise<OwnGrpcClient> {
    const client = new OwnGrpcClient(place, options);
    client.#connection = await client.#connect();
    return client;
  }

  method(path: string): UnaryMethod {
    if (!/^\/[\x21-\x2e\x30-\x7e]{1,4000}\/[\x21-\x2e\x30-\x7e]{1,4000}$/.test(path)) {
      throw new AibenchError(
        'AIBENCH_USAGE',
        `"${path}" is no method: it is written /package.Service/Method`,
      );
    }
    const headFor = (timeoutMs: number) =>
      new RequestHead({
        scheme: this.#context.tls ? 'https' : 'http',
        authority: this.address,
        path,
        timeoutMs,
        headers: this.#options.headers,
      });
    const ownMs = this.#options.timeoutMs;
    const ownHead = headFor(ownMs);
    return {
      call: (message, options) =>
        new Promise((resolve, reject) => {
          const timeoutMs = options?.timeoutMs ?? ownMs;
          const head = timeoutMs === ownMs ? ownHead : headFor(timeoutMs);
          this.#call(head, message, timeoutMs, options, { resolve, reject });
        }),
    };
  }

  backlogBytes(): number {
    return this.#connection?.backlogBytes ?? 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#connection = undefined;
    this.#deadlines.stop();
    this.#failWaiting(this.#closedError());
    await Promise.all([...this.#connections].map((connection) => connection.close()));
  }

  #call(
    head: RequestHead,
    message: MessageBytes,
    timeoutMs: number,
    options: CallOptions | undefined,
    outcome: CallOutcome,
  ): void {
    const length = messageLength(message);
    const deadlineMs = timeoutMs > 0 ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
    const call = new UnaryCall(head, message, length, deadlineMs, this.#options.maxMessageBytes, outcome);
    if (length > longestMessage) {
      call.fail(new AibenchError('AIBENCH_USAGE', `a message of ${length} bytes is too long for gRPC`));
      return;
    }
    const signal = options?.signal;
    if (signal !== undefined) {
      const cancel = () => this.#abandon(call, cancelledError(this.#context, signal.reason));
      if (signal.aborted) {
        cancel();
        return;
      }
      signal.addEventListener('abort', cancel, { once: true });
      call.onSettled = () => signal.removeEventListener('abort', cancel);
    }
    this.#deadlines.add(deadlineMs);
    this.#start(call);
  }

  #start(call: UnaryCall): void {
    if (this.#connection !== undefined) this.#connection.start(call);
    else if (this.#isClosed) call.fail(this.#closedError());
    else {
      this.#waiting.push(call);
      if (!this.#isConnecting) void this.#reconnect();
    }
  }

  async #reconnect(): Promise<void> {
    this.#isConnecting = true;
    try {
      const connection = await this.#connect();
      this.#connection = connection;
      for (const call of this.#waiting.splice(0)) connection.start(call);
    } catch (error) {
      this.#failWaiting(error as AibenchError);
    } finally {
      this.#isConnecting = false;
    }
  }

  async #connect(): Promise<Http2Connection> {
    let connection: Http2Connection | undefined;
    const opened = await Http2Connection.open(this.#place, {
      context: this.#context,
      connectTimeoutMs: this.#options.connectTimeoutMs,
      onRetired: (unsent) => {
        if (this.#connection === connection) this.#connection = undefined;
        for (const call of unsent) this.#start(call);
      },
    });
    connection = opened;
    this.#connections.add(opened);
    void opened.closed.then(() => this.#connections.delete(opened));
    if (this.#isClosed) await opened.close();
    if (!opened.isUsable) {
      throw this.#isClosed ? this.#closedError() : this.#sentAwayError();
    }
    return opened;
  }

  #abandon(call: UnaryCall, error: AibenchError): void {
    call.fail(error);
    this.#waiting = this.#waiting.filter((waiting) => waiting !== call);
    for (const connection of this.#connections) connection.abandon(call, error);
  }

  #expire(nowMs: number): number {
    for (const call of this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs)) {
      this.#abandon(call, deadlineError(this.#context));
    }
    return Math.min(
      ...this.#waiting.map(({ deadlineMs }) => deadlineMs),
      ...[...this.#connections].map((connection) => connection.expire(nowMs)),
    );
  }

  #failWaiting(error: AibenchError): void {
    for (const call of this.#waiting.splice(0)) call.fail(error);
  }

  #closedError(): AibenchError {
    return new AibenchError('AIBENCH_CONNECTION', `the connection to ${this.address} is closed`);
  }

  #sentAwayError(): AibenchError {
    return new AibenchError('AIBENCH_CONNECTION', `${this.address} accepts no calls on a new connection`, {
      hint: `see ${this.#options.flag}`,
    });
  }
}
