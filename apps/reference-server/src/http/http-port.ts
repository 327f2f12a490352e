import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type ListenOptions, listen } from '../net/listen.js';
import type { TlsIdentity } from '../net/tls-files.js';

/** Answers one request. What it throws is answered with status 500. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Where an HTTP port listens. */
export interface HttpPortOptions extends ListenOptions {
  readonly tls: TlsIdentity | undefined;
  readonly handler: HttpHandler;
  /** The header `server` of every answer. */
  readonly server: string;
}

/** A port for HTTP/1.1. */
export class HttpPort {
  readonly port: number;
  readonly #server: Server;

  private constructor(port: number, server: Server) {
    this.port = port;
    this.#server = server;
  }

  /**
   * Begins to listen.
   *
   * @throws AIBENCH_CONNECTION when the port cannot be had
   */
  static async listen(options: HttpPortOptions): Promise<HttpPort> {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      response.setHeader('server', options.server);
      void answer(options.handler, request, response);
    };
    // A benchmark's connections stay open however long it pauses.
    const timeouts = { keepAliveTimeout: 0, requestTimeout: 0 };
    const server: Server =
      options.tls === undefined
        ? createServer(timeouts, listener)
        : createTlsServer({ ...timeouts, ...options.tls }, listener);
    server.on('tlsClientError', () => undefined);
    return new HttpPort(await listen(server, options), server);
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(
  handler: HttpHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await handler(request, response);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else sendJson(response, 500, { error: (error as Error).message });
  }
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** Answers with Prometheus's text. */
export function sendMetrics(response: ServerResponse, text: string): void {
  response.writeHead(200, {
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
