import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterwards, startTcpPeer } from '@aibench/testing';
import { type HttpAddress, type HttpTls, parseHttpAddress } from './http-address.js';
import type { HttpClient } from './http-client.js';
import { type HttpClientOptions, openHttpClient } from './open-http-client.js';

/** A server in this process. */
export interface TestServer {
  readonly address: string;
  /** Connections accepted so far. */
  connections(): number;
}

/** Answers a request whose body has come. */
export type Handler = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

/** Starts Node's own server. */
export function startNodeServer(handler: Handler): Promise<TestServer> {
  return startListener((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => handler(request, Buffer.concat(chunks), response));
  });
}

/** Starts Node's own server, which gives its answers before it has the requests. */
export async function startListener(listener: RequestListener): Promise<TestServer> {
  let connections = 0;
  const server = createServer(listener);
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards({
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    stopNow() {},
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
  };
}

/** What a {@link startRawServer} does with a request, the n-th from 1 over all connections. */
export type RawHandler = (socket: Socket, n: number, request: string) => void;

/** Starts a server that answers with any bytes, once a head, and as much of a body as that says, has come. */
export async function startRawServer(handler: RawHandler): Promise<TestServer> {
  let requests = 0;
  return startTcpPeer((socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const head = text.indexOf('\r\n\r\n');
      const length = Number(/\r\ncontent-length: (\d+)/.exec(text.slice(0, head))?.[1] ?? 0);
      if (head === -1 || text.length < head + 4 + length) return;
      requests += 1;
      const request = text.slice(0, head + 4 + length);
      text = text.slice(head + 4 + length);
      handler(socket, requests, request);
    });
  });
}

/** Opens a client that is closed after the test. */
export async function openClient(
  address: string | HttpAddress,
  options: Partial<HttpClientOptions> = {},
  tls?: HttpTls,
): Promise<HttpClient> {
  const place =
    typeof address === 'string'
      ? parseHttpAddress(address, { flag: '--host', defaultPort: 80, tls })
      : address;
  const client = await openHttpClient(place, { flag: '--host', timeoutMs: 10_000, ...options });
  afterwards({ stop: () => client.close(), stopNow() {} });
  return client;
}
