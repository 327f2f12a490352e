import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { AibenchError } from '@aibench/core';
import { Connection } from './connection.js';
import { RespService, type RespServiceOptions } from './resp-service.js';

/** Connections at once, as Redis's default. */
const maxClients = 10_000;

/** Where the RESP port listens. */
export interface RespServerOptions extends RespServiceOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Paths of PEM files; both, or none for an unencrypted port. */
  readonly tls: { readonly certificatePath: string; readonly keyPath: string } | undefined;
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
   * @throws AIBENCH_CONNECTION when the port cannot be had, AIBENCH_INPUT when a TLS file cannot be read
   */
  static async listen(options: RespServerOptions): Promise<RespServer> {
    const service = new RespService(options);
    const socketServer = newSocketServer(options.tls);
    const server = new RespServer(service, socketServer);
    try {
      service.port = await listen(socketServer, options.host, options.port);
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

function newSocketServer(tls: RespServerOptions['tls']): Server {
  if (tls === undefined) return createServer();
  const cert = readPem(tls.certificatePath, '--tls-cert');
  const key = readPem(tls.keyPath, '--tls-key');
  let server: Server;
  try {
    server = createTlsServer({ cert, key });
  } catch (cause) {
    throw new AibenchError(
      'AIBENCH_INPUT',
      `${tls.certificatePath} and ${tls.keyPath} are no certificate and its key: ${(cause as Error).message}`,
      { hint: 'pass PEM files with --tls-cert and --tls-key', cause },
    );
  }
  // A failed handshake concerns that client only.
  server.on('tlsClientError', () => undefined);
  return server;
}

function readPem(path: string, flag: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AibenchError('AIBENCH_INPUT', `${path} cannot be read: ${(cause as Error).message}`, {
      hint: `see ${flag}`,
      cause,
    });
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
      reject(
        new AibenchError('AIBENCH_CONNECTION', `cannot listen on ${host}:${port}: ${reason}`, {
          hint: 'pass another --redis-port, or 0 for a free one',
          cause,
        }),
      );
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
