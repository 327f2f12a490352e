import { isIP } from 'node:net';
import { checkServerIdentity as checkIdentity, type PeerCertificate } from 'node:tls';
import { AibenchError, type MessageBytes } from '@aibench/core';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { formatGrpcAddress, type GrpcAddress } from './grpc-address.js';
import { cancelledError } from './grpc-answer.js';
import type { CallOptions, GrpcClient, UnaryMethod } from './grpc-client.js';
import { type StatusContext, statusError } from './grpc-status.js';
import { readAuthorities } from './http2-socket.js';
import { OwnGrpcClient, type OwnGrpcClientOptions } from './own-grpc-client.js';

/** An answer with what came with it. */
export interface AnswerWithMetadata {
  readonly message: Uint8Array;
  /** What the answer began with, by lower-case name; binary values are left out. */
  readonly metadata: Record<string, string>;
}

/**
 * The same calls through @grpc/grpc-js: for set-up, and as a cross-check of our
 * own client. What is wrong with an address is found out by our own connection,
 * so that both clients tell it in the same words.
 */
export class GrpcJsClient implements GrpcClient {
  readonly address: string;
  readonly #place: GrpcAddress;
  readonly #options: OwnGrpcClientOptions;
  readonly #context: StatusContext;
  readonly #client: Client;
  readonly #metadata = new Metadata();
  /** How to cancel the calls that are out. */
  readonly #cancels = new Set<() => void>();
  #isClosed = false;

  constructor(place: GrpcAddress, options: OwnGrpcClientOptions) {
    this.address = formatGrpcAddress(place);
    this.#place = place;
    this.#options = options;
    this.#context = { address: this.address, flag: options.flag };
    this.#client = new Client(this.address, channelCredentials(place), channelOptions(place, options));
    for (const [name, value] of Object.entries(options.headers)) this.#metadata.set(name, value);
  }

  /** Sees that a gRPC server is there. @throws AIBENCH_CONNECTION as our own client does */
  async check(): Promise<void> {
    await (await OwnGrpcClient.open(this.#place, this.#options)).close();
  }

  method(path: string): UnaryMethod {
    return { call: async (message, options) => (await this.call(path, message, options)).message };
  }

  /** Calls a method. @throws as {@link UnaryMethod.call} */
  async call(path: string, message: MessageBytes, options: CallOptions = {}): Promise<AnswerWithMetadata> {
    const { signal, timeoutMs = this.#options.timeoutMs } = options;
    const isAborted = () => signal?.aborted === true;
    if (this.#isClosed) throw this.#closedError();
    if (isAborted()) throw cancelledError(this.#context, signal?.reason);
    try {
      return await this.#send(path, message, timeoutMs, signal);
    } catch (cause) {
      const { code, details } = cause as ServiceError;
      if (isAborted()) throw cancelledError(this.#context, signal?.reason);
      if (this.#isClosed) throw this.#closedError();
      // UNAVAILABLE is the server's own answer, or grpc-js' for having none.
      if (code === 14) await this.check();
      throw statusError(this.#context, code, details, cause);
    }
  }

  backlogBytes(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#cancels) cancel();
    this.#client.close();
  }

  #send(
    path: string,
    message: MessageBytes,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<AnswerWithMetadata> {
    return new Promise((resolve, reject) => {
      let metadata: Record<string, string> = {};
      const cancel = () => call.cancel();
      const call = this.#client.makeUnaryRequest(
        path,
        toBuffer,
        (bytes: Buffer) => bytes,
        message,
        this.#metadata,
        timeoutMs > 0 ? { deadline: Date.now() + timeoutMs } : {},
        (error, answer) => {
          signal?.removeEventListener('abort', cancel);
          this.#cancels.delete(cancel);
          if (error === null) resolve({ message: answer!, metadata });
          else reject(error);
        },
      );
      call.on('metadata', (received) => {
        metadata = textMetadata(received);
      });
      signal?.addEventListener('abort', cancel, { once: true });
      this.#cancels.add(cancel);
    });
  }

  #closedError(): AibenchError {
    return new AibenchError('AIBENCH_CONNECTION', `the connection to ${this.address} is closed`);
  }
}

function channelCredentials({ host, tls }: GrpcAddress): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const checkServerIdentity = (_: string, certificate: PeerCertificate) =>
    tls.insecure === true ? undefined : checkIdentity(host, certificate);
  return credentials.createSsl(readAuthorities(tls) ?? null, null, null, {
    rejectUnauthorized: tls.insecure !== true,
    checkServerIdentity,
  });
}

function channelOptions(place: GrpcAddress, options: OwnGrpcClientOptions): ChannelOptions {
  return {
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
    // Our own client goes straight to the server, whatever the environment says of proxies.
    'grpc.enable_http_proxy': 0,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.default_authority': formatGrpcAddress(place),
    // It would send an IP address as a server name, which Node warns of; the certificate is checked against the address.
    ...(place.tls !== undefined && isIP(place.host) !== 0
      ? { 'grpc.ssl_target_name_override': 'localhost' }
      : {}),
  };
}

function toBuffer(message: MessageBytes): Buffer {
  if (!(message instanceof Uint8Array)) return Buffer.concat(message);
  return Buffer.from(message.buffer, message.byteOffset, message.byteLength);
}

function textMetadata(metadata: Metadata): Record<string, string> {
  const entries = Object.entries(metadata.getMap());
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
