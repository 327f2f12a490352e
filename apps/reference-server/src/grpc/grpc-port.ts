import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type ListenOptions, listen } from '../net/listen.js';
import type { TlsIdentity } from '../net/tls-files.js';
import { AnswerFrames } from './answer-sender.js';
import { GrpcConnection } from './grpc-connection.js';
import type { GrpcService } from './grpc-service.js';

/** Where a gRPC port listens. */
export interface GrpcPortOptions extends GrpcService, ListenOptions {
  /** Undefined for an unencrypted port. */
  readonly tls: TlsIdentity | undefined;
}

/** How long an ended connection may take to be closed, ms. */
const closingMs = 200;

/** A port for gRPC's unary calls over HTTP/2. */
export class GrpcPort {
  readonly port: number;
  readonly #server: Server;
  readonly #connections: ReadonlyMap<Socket, GrpcConnection>;

  private constructor(port: number, server: Server, connections: ReadonlyMap<Socket, GrpcConnection>) {
    this.port = port;
    this.#server = server;
    this.#connections = connections;
  }

  /**
   * Begins to listen.
   *
   * @throws AIBENCH_CONNECTION when the port cannot be had
   */
  static async listen(options: GrpcPortOptions): Promise<GrpcPort> {
    const { tls } = options;
    const frames = new AnswerFrames(options.server);
    const connections = new Map<Socket, GrpcConnection>();
    const accept = (socket: Socket): void => {
      connections.set(socket, new GrpcConnection(socket, tls !== undefined, options, frames));
      socket.on('close', () => connections.delete(socket));
    };
    const server =
      tls === undefined
        ? createServer({ noDelay: true }, accept)
        : createTlsServer({ noDelay: true, ALPNProtocols: ['h2'], ...tls }, accept);
    // What a peer does wrong concerns its own connection only.
    server.on('tlsClientError', () => undefined);
    return new GrpcPort(await listen(server, options), server, connections);
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const [socket, connection] of this.#connections) {
      connection.close();
      // A client that does not read would keep it open.
      setTimeout(() => socket.destroy(), closingMs).unref();
    }
    await closed;
  }
}
