import { createSecureServer, createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { MaybePromise } from '../inference/inference-engine.js';
import { type ListenOptions, listen } from '../net/listen.js';
import type { TlsIdentity } from '../net/tls-files.js';
import { GrpcCall } from './grpc-call.js';

/**
 * Answers one call: the encoded request in, the encoded answer out.
 *
 * @throws GrpcError, also as a rejection
 */
export type GrpcHandler = (request: Uint8Array) => MaybePromise<Uint8Array>;

/** What a gRPC port serves, and how. */
export interface GrpcService {
  /** By path: `/package.Service/Method`. */
  readonly handlers: ReadonlyMap<string, GrpcHandler>;
  /** The header `server` of every answer. */
  readonly server: string;
  /** Largest request; a larger one is answered RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number;
}

/** Where a gRPC port listens. */
export interface GrpcPortOptions extends GrpcService, ListenOptions {
  /** Undefined for an unencrypted port. */
  readonly tls: TlsIdentity | undefined;
}

/** Room that a connection gives its client for data on the way, all calls together and each. */
const connectionWindowBytes = 64 * 1024 * 1024;
const streamWindowBytes = 4 * 1024 * 1024;

const settings = { initialWindowSize: streamWindowBytes, maxFrameSize: 1024 * 1024, enablePush: false };

/** A port for gRPC's unary calls over HTTP/2. */
export class GrpcPort {
  readonly port: number;
  readonly #server: Http2Server;
  readonly #sessions: Set<ServerHttp2Session>;

  private constructor(port: number, server: Http2Server, sessions: Set<ServerHttp2Session>) {
    this.port = port;
    this.#server = server;
    this.#sessions = sessions;
  }

  /**
   * Begins to listen.
   *
   * @throws AIBENCH_CONNECTION when the port cannot be had
   */
  static async listen(options: GrpcPortOptions): Promise<GrpcPort> {
    const server =
      options.tls === undefined
        ? createServer({ settings })
        : createSecureServer({ settings, ...options.tls });
    const sessions = new Set<ServerHttp2Session>();
    server.on('session', (session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session));
      session.setLocalWindowSize(connectionWindowBytes);
    });
    server.on('stream', (stream, headers) => new GrpcCall(stream, headers, options));
    // What a peer does wrong concerns its own connection only.
    server.on('sessionError', () => undefined);
    server.on('tlsClientError', () => undefined);
    return new GrpcPort(await listen(server, options), server, sessions);
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.destroy();
    await closed;
  }
}
