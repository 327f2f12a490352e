import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { listen } from '../net/listen.js';
import type { TlsIdentity } from '../net/tls-files.js';
import { Connection } from './connection.js';
import { RespService, type RespServiceOptions } from './resp-service.js';

/** Connections at once, as Redis's default. */
const maxClients = 10_000;

/** Where the RESP port listens. */
export interface RespServerOptions extends RespServiceOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Undefined for an unencrypted port. */
  readonly tls: TlsIdentity | undefined;
}

/** The RESP port: Redis's protocol with RedisAI's commands. */
export class RespServer {
  readonly service: RespService;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #housekeeping: NodeJS.Timeout;

  private constructor(service: RespService, server: Server) {
    this.service = service;
    this.#server = server;
    this.#housekeeping = setInterval(() => {
      service.removeExpired();
      service.statistics.sample();
    }, 1_000);
  }

  /**
   * Begins to listen.
   *
   * @throws AIBENCH_CONNECTION when the port cannot be had
   */
  static async listen(options: RespServerOptions): Promise<RespServer> {
    const service = new RespService(options);
    const socketServer = newSocketServer(options.tls);
    const server = new RespServer(service, socketServer);
    try {
      const { host, port } = options;
      service.port = await listen(socketServer, { host, port, flag: 'redis-port' });
    } catch (error) {
      clearInterval(server.#housekeeping);
      throw error;
    }
    socketServer.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) =>
      server.#accept(socket),
    );
    return server;
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    clearInterval(this.#housekeeping);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= maxClients) {
      this.service.statistics.rejectedConnections += 1;
      socket.on('error', () => socket.destroy());
      socket.end('-ERR max number of clients reached\r\n');
      return;
    }
    const connection = new Connection(socket, this.service);
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
  }
}

function newSocketServer(tls: TlsIdentity | undefined): Server {
  if (tls === undefined) return createServer();
  const server = createTlsServer({ ...tls });
  // A failed handshake concerns that client only.
  server.on('tlsClientError', () => undefined);
  return server;
}
