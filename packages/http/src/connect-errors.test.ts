import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterwards, makeTlsCertificate, startTcpPeer } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { openClient } from './http-client.test.fixture.js';
import { httpImplementations } from './open-http-client.js';

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  const stopNow = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  afterwards({ stop: stopNow, stopNow });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const peerThat = async (does: (socket: Socket) => void) => (await startTcpPeer(does)).address;

/** A server's answer to the first bytes that come. */
const saying = (text: string | Buffer) =>
  peerThat((socket) => void socket.once('data', () => socket.end(text)));

async function tlsServer(): Promise<{ address: string; certificatePath: string }> {
  const { certificatePath, keyPath } = await makeTlsCertificate();
  const server = createTlsServer(
    { key: readFileSync(keyPath), cert: readFileSync(certificatePath) },
    (socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'));
    },
  );
  server.on('tlsClientError', () => {});
  return { address: await listen(server), certificatePath };
}

const cases: readonly [string, () => Promise<string>, RegExp][] = [
  [
    'nobody listens',
    async () => {
      const peer = await startTcpPeer(() => {});
      await peer.stop();
      return peer.address;
    },
    /^cannot connect to the HTTP server at 127.0.0.1:\d+: connection refused \(is it running\? see --host\)$/,
  ],
  [
    'there is no such host',
    async () => 'no-such-host.invalid:80',
    /no-such-host\.invalid:80: (no such host name|the host name cannot be looked up)/,
  ],
  [
    'a Redis answers',
    () => saying("-ERR unknown command 'POST'\r\n"),
    /127.0.0.1:\d+ does not speak HTTP\/1 \(is it/,
  ],
  [
    'a gRPC server answers',
    () => saying(Buffer.from('00000604000000000000', 'hex')),
    /^127.0.0.1:\d+ does not speak HTTP\/1 \(is it/,
  ],
  [
    'something hangs up',
    () => peerThat((socket) => void socket.once('data', () => socket.end())),
    /^127.0.0.1:\d+ closed the connection instead of answering in HTTP\/1 \(.* written https:\/\/\)$/,
  ],
  [
    'a server with TLS is asked without',
    async () => (await tlsServer()).address,
    /a server that expects TLS is written/,
  ],
  [
    'a server without TLS is asked for it',
    async () => `https://${await saying('HTTP/1.1 400 Bad Request\r\n\r\n')}`,
    /^127.0.0.1:\d+ does not speak TLS as expected \(a server without TLS is written http:\/\/ in --host\)$/,
  ],
  [
    'a server hangs up when asked for TLS',
    async () => `https://${await saying('')}`,
    /^127.0.0.1:\d+ does not speak TLS as expected/,
  ],
  [
    'nobody answers a request for TLS',
    async () => `https://${await peerThat(() => {})}`,
    /^cannot connect to the HTTP server at 127.0.0.1:\d+: the connection timed out \(is it running\? see --host\)$/,
  ],
  [
    'a certificate is not trusted',
    async () => `https://${(await tlsServer()).address}`,
    /shows a certificate that is not trusted: .* \(--tls-ca names the authority/,
  ],
];

describe.each(httpImplementations)('connecting, "%s"', (implementation) => {
  const options = { implementation, timeoutMs: 5_000, connectTimeoutMs: 500 };

  it.each(cases)('tells in one line that %s', async (_, start, expected) => {
    const client = await openClient(await start(), options);
    for (let i = 0; i < 2; i++) {
      const { code, message, hint } = await client
        .route({ method: 'POST', path: '/' })
        .send(Buffer.from('a body'))
        .then(
          () => expect.unreachable('it connected'),
          (error) => error,
        );
      expect(code).toBe('AIBENCH_CONNECTION');
      expect(`${message} (${hint})`).toMatch(expected);
    }
  });

  it('speaks TLS with whom it is told to trust', async () => {
    const { address, certificatePath } = await tlsServer();
    for (const tls of [{ caPath: certificatePath }, { insecure: true }]) {
      const client = await openClient(`https://${address}`, options, tls);
      for (let i = 0; i < 3; i++) {
        const answer = await client.route({ method: 'GET', path: '/' }).send();
        expect(String(answer.body)).toBe('hi');
      }
    }
  });

  it('tells that the file of authorities cannot be read', async () => {
    const tls = { caPath: '/nonexistent/ca.pem' };
    await expect(openClient('https://127.0.0.1:1', options, tls)).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: 'cannot read /nonexistent/ca.pem: there is no such file',
      hint: 'see --tls-ca',
    });
  });

  it('is given up when the client is closed', async () => {
    const client = await openClient(`https://${await peerThat(() => {})}`, options);
    const sent = Promise.allSettled([1, 2].map(() => client.route({ method: 'GET', path: '/' }).send()));
    await client.close();
    for (const settled of await sent) {
      expect(settled).toMatchObject({
        status: 'rejected',
        reason: { code: 'AIBENCH_CONNECTION', message: expect.stringContaining('closed by this side') },
      });
    }
  });

  it('reaches a server that has come meanwhile', async () => {
    const peer = await startTcpPeer(() => {});
    await peer.stop();
    const client = await openClient(peer.address, options);
    const route = client.route({ method: 'GET', path: '/' });
    const sent = await Promise.allSettled([1, 2, 3].map(() => route.send()));
    expect(sent.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    const server = createServer((socket) => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'));
    });
    await new Promise<void>((resolve) => server.listen(peer.port, '127.0.0.1', resolve));
    afterwards({ stop: () => void server.close(), stopNow() {} });
    expect(String((await route.send()).body)).toBe('hi');
    await client.close();
  });
});
