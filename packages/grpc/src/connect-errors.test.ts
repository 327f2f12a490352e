import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterwards, makeTlsCertificate, startTcpPeer } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import type { GrpcAddress } from './grpc-address.js';
import { startHttp2Server } from './http2-server.test.fixture.js';
import { openControlClient, openGrpcClient } from './open-grpc-client.js';

const options = { flag: '--host', timeoutMs: 5_000, connectTimeoutMs: 500 };

/** All ways to connect must explain failures alike. */
const ways: { name: string; open: (address: GrpcAddress) => Promise<unknown> }[] = [
  { name: 'own', open: (address) => openGrpcClient(address, options) },
  { name: 'grpc-js', open: (address) => openGrpcClient(address, { ...options, implementation: 'grpc-js' }) },
  {
    name: 'control',
    async open(address) {
      const client = openControlClient(address, options);
      try {
        await client.call('/test.Service/Method', Buffer.alloc(0));
      } finally {
        await client.close();
      }
    },
  },
];

async function listen(server: Server): Promise<GrpcAddress> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  const stopNow = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  afterwards({ stop: stopNow, stopNow });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

async function peerThat(does: (socket: Socket) => void): Promise<GrpcAddress> {
  const { port } = await startTcpPeer(does);
  return { host: '127.0.0.1', port };
}

/** A server's answer to the first bytes that come. */
const saying = (text: string | Buffer) =>
  peerThat((socket) => void socket.once('data', () => socket.end(text)));

async function tlsServer(protocols: readonly string[]): Promise<GrpcAddress> {
  const { certificatePath, keyPath } = await makeTlsCertificate();
  const server = createTlsServer({
    key: readFileSync(keyPath),
    cert: readFileSync(certificatePath),
    ALPNProtocols: [...protocols],
  });
  server.on('tlsClientError', () => {});
  return listen(server);
}

const cases: readonly [string, () => Promise<GrpcAddress>, RegExp][] = [
  [
    'nobody listens',
    async () => {
      const peer = await startTcpPeer(() => {});
      await peer.stop();
      return { host: '127.0.0.1', port: peer.port };
    },
    /^cannot connect to the gRPC server at 127.0.0.1:\d+: connection refused \(is it running\? see --host\)$/,
  ],
  [
    'there is no such host',
    async () => ({ host: 'no-such-host.invalid', port: 8500 }),
    /no-such-host\.invalid:8500: (no such host name|the host name cannot be looked up)/,
  ],
  [
    'an HTTP/1 server answers',
    () => listen(createHttpServer((_, response) => response.end('hello'))),
    /^127.0.0.1:\d+ speaks HTTP\/1, not gRPC \(is it the port for gRPC\? see --host\)$/,
  ],
  ['a Redis answers', () => saying("-ERR unknown command 'PRI'\r\n"), /speaks the Redis protocol, not gRPC/],
  ['something else answers', () => saying('SSH-2.0-Any\r\n'), /127.0.0.1:\d+ does not speak gRPC/],
  ['something short answers', () => saying('hm'), /127.0.0.1:\d+ does not speak gRPC/],
  [
    'something speaks first and goes on',
    () => peerThat((socket) => void socket.write('220 welcome\r\n')),
    /127.0.0.1:\d+ does not speak gRPC/,
  ],
  [
    'something says nothing',
    () => peerThat(() => {}),
    /^127.0.0.1:\d+ did not answer as a gRPC server within 500 ms \(is it the port for gRPC\? see --host\)$/,
  ],
  [
    'something hangs up',
    () => peerThat((socket) => void socket.once('data', () => socket.destroy())),
    /it closed the connection \(see --host; a server that expects TLS is written grpcs:\/\/\)$/,
  ],
  ['something begins to speak HTTP/2 and stops', () => saying(Buffer.of(0, 0, 0, 4)), /does not speak gRPC/],
  [
    'a server with TLS hangs up on plain text',
    () => tlsServer(['h2']),
    /it closed the connection \(see --host; a server that expects TLS is written grpcs:\/\/\)$/,
  ],
  [
    'a server with TLS answers plain text with an alert',
    () => saying(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46])),
    /^127.0.0.1:\d+ expects TLS \(a server with TLS is written grpcs:\/\/ in --host\)$/,
  ],
  [
    'a server without TLS is asked for it',
    async () => ({ ...(await startHttp2Server({}, () => {})), tls: {} }),
    /^127.0.0.1:\d+ does not speak TLS as expected \(a server without TLS is written grpc:\/\/ in --host\)$/,
  ],
  [
    'an HTTP/1 server without TLS is asked for it',
    async () => ({ ...(await listen(createHttpServer())), tls: {} }),
    /127.0.0.1:\d+ does not speak TLS as expected/,
  ],
  [
    'nobody answers a request for TLS',
    async () => ({ ...(await peerThat(() => {})), tls: {} }),
    /did not answer as a gRPC server within 500 ms/,
  ],
  [
    'a server with TLS does not speak HTTP/2',
    async () => ({ ...(await tlsServer([])), tls: { insecure: true } }),
    /it speaks TLS, but not HTTP\/2 over it/,
  ],
  [
    'a certificate is not trusted',
    async () => ({ ...(await tlsServer(['h2'])), tls: {} }),
    /shows a certificate that is not trusted: .* \(--tls-ca names the authority/,
  ],
];

describe.each(ways)('connecting, "$name"', ({ open }) => {
  it.each(cases)('tells in one line that %s', async (_, start, expected) => {
    const { code, message, hint } = await open(await start()).then(
      () => expect.unreachable('it connected'),
      (error) => error,
    );
    expect(code).toBe('AIBENCH_CONNECTION');
    expect(`${message} (${hint})`).toMatch(expected);
  });

  it('tells that the file of authorities cannot be read', async () => {
    const opening = Promise.resolve().then(() =>
      open({ host: '127.0.0.1', port: 1, tls: { caPath: '/nonexistent/ca.pem' } }),
    );
    await expect(opening).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: expect.stringContaining('/nonexistent/ca.pem'),
      hint: 'see --tls-ca',
    });
  });
});
