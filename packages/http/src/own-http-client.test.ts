import dns from 'node:dns';
import type { Socket } from 'node:net';
import { startTcpPeer } from '@aibench/testing';
import { describe, expect, it, vi } from 'vitest';
import { openClient, startNodeServer, startRawServer } from './http-client.test.fixture.js';

// Beside http-client.test.ts: what undici does otherwise, or not at all.

const post = { method: 'POST', path: '/' } as const;
const small = Buffer.from('a body');

async function openRaw(answer: string) {
  const server = await startRawServer((socket) => void socket.write(Buffer.from(answer, 'latin1')));
  return { server, client: await openClient(server.address) };
}

describe('OwnHttpClient', () => {
  it.each<[string, string]>([
    ['blanks around a value', 'HTTP/1.1 200 OK\r\nContent-Length: \t 2 \t\r\n\r\nab'],
    ['bare line feeds', 'HTTP/1.1 200 OK\nA: b\nContent-Length: 2\n\nab'],
    ['line feeds of both kinds', 'HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\nab'],
    ['a folded field', 'HTTP/1.1 200 OK\r\nA: b\r\n  c\r\n\td\r\nContent-Length:\r\n 2\r\n\r\nab'],
    ['a continuation', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab'],
    [
      'many interim answers',
      `${'HTTP/1.1 102 \r\n\r\n'.repeat(1_000)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab`,
    ],
    [
      'many octets of extensions, each time anew',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;${'a'.repeat(40_000)}\r\nab\r\n0\r\n\r\n`,
    ],
    ['an empty line behind it', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab\r\n'],
    [
      'no blank after its chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding:chunked\r\n\r\n2 \r\nab\r\n0\t;a\r\n\r\n',
    ],
  ])('reads an answer with %s', async (_, bytes) => {
    const { client, server } = await openRaw(bytes);
    for (let i = 0; i < 3; i++) expect(String((await client.route(post).send(small)).body)).toBe('ab');
    expect(server.connections()).toBe(1);
  });

  it('puts a blank where a field was folded', async () => {
    const { client } = await openRaw('HTTP/1.1 200 OK\r\nA: b \r\n  c\r\n\td\r\nContent-Length: 0\r\n\r\n');
    expect((await client.route(post).send(small)).headers['a']).toBe('b c d');
  });

  it('takes names of fields as names only', async () => {
    const { client } = await openRaw(
      'HTTP/1.1 200 OK\r\n__proto__: a\r\nconstructor: b\r\nContent-Length: 0\r\n\r\n',
    );
    const { headers } = await client.route(post).send(small);
    expect(Object.entries(headers)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['content-length', '0'],
    ]);
  });

  it.each<[string, string]>([
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab'],
    ['the same length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab'],
    ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n',
    ],
    ['a coding of its transfer', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab'],
    [
      'a coding below its chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n',
    ],
    [
      'chunks of chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n',
    ],
    ['a change of protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n'],
    ['a first line that is folded', 'HTTP/1.1 200 OK\r\n a: b\r\n\r\n'],
    [
      'a bare line feed after a size',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n',
    ],
    [
      'a bare line feed after a chunk',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\n0\r\n\r\n',
    ],
    [
      'a bare line feed in an extension',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a\nab\r\n0\r\n\r\n',
    ],
    [
      'a carriage return in a trailer',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: b\rc\r\n\r\n',
    ],
  ])('refuses an answer with %s', async (_, bytes) => {
    const { client, server } = await openRaw(bytes);
    await expect(client.route(post).send(small)).rejects.toMatchObject({
      code: 'AIBENCH_CONNECTION',
      message: `${server.address} does not speak HTTP/1`,
    });
  });

  it.each<[string, string]>([
    ['a body', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc'],
    ['no body', 'HTTP/1.1 204 None\r\n\r\na'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\na'],
    ['a body, another answer', `${'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab'.repeat(2)}`],
  ])('refuses what stands behind %s', async (_, bytes) => {
    const { client, server } = await openRaw(bytes);
    for (let i = 1; i <= 2; i++) {
      await expect(client.route(post).send(small)).rejects.toMatchObject({
        code: 'AIBENCH_ANSWER',
        message: `${server.address} sends more than it was asked for`,
      });
      expect(server.connections()).toBe(i);
    }
  });

  it('does not wait for more from what is no HTTP', async () => {
    for (const bytes of ['220 welcome', 'HTTP/2', 'h']) {
      const { client, server } = await openRaw(bytes);
      await expect(client.route(post).send(small)).rejects.toThrow(`${server.address} does not speak HTTP/1`);
    }
  });

  it('leaves a connection that something comes over without a request', async () => {
    const closed = vi.fn();
    const server = await startRawServer((socket) => {
      socket.on('close', closed);
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na');
      setTimeout(() => socket.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'), 10);
    });
    const client = await openClient(server.address);
    for (let i = 1; i <= 3; i++) {
      expect((await client.route(post).send(small)).status).toBe(200);
      expect(server.connections()).toBe(i);
      await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(i));
    }
  });

  it('uses no connection that the server is about to close', async () => {
    const { address, connections } = await startRawServer((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2, max=9\r\nContent-Length: 1\r\n\r\na'),
    );
    const client = await openClient(address);
    for (let i = 0; i < 3; i++) await client.route(post).send(small);
    expect(connections()).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    await client.route(post).send(small);
    expect(connections()).toBe(2);
  });

  it('lets the server close a connection that it has given up, and waits for it a while only', async () => {
    const ended = vi.fn();
    const server = await startRawServer((socket) => {
      socket.on('close', ended);
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na');
    });
    const client = await openClient(server.address);
    for (let i = 0; i < 2; i++) await client.route(post).send(small);
    expect(ended).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(ended).toHaveBeenCalledTimes(2), 5_000);
    await client.route(post).send(small);
    await client.close();
    await vi.waitFor(() => expect(ended).toHaveBeenCalledTimes(3));
  });

  it('looks a name up for its first connection, and again after one has failed', async () => {
    const answer = (socket: Socket) =>
      socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    const peer = await startTcpPeer((socket) => void socket.on('data', () => answer(socket)));
    const lookup = vi.spyOn(dns, 'lookup');
    const client = await openClient(`localhost:${peer.port}`);
    for (let i = 0; i < 4; i++) expect((await client.route(post).send(small)).status).toBe(200);
    expect(peer.connections()).toBe(4);
    expect(lookup).toHaveBeenCalledTimes(1);
    await peer.stop();
    for (let i = 0; i < 2; i++) {
      await expect(client.route(post).send(small)).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
    }
    expect(lookup).toHaveBeenCalledTimes(2);
    lookup.mockRestore();
  });

  it('holds requests that wait to their limit too', async () => {
    const server = await startRawServer(() => {});
    const client = await openClient(server.address, { timeoutMs: 60 });
    const sent = [1, 2, 3].map(() => client.route(post).send(small));
    for (const { status, ...rest } of await Promise.allSettled(sent)) {
      expect([status, rest]).toMatchObject(['rejected', { reason: { code: 'AIBENCH_TIMEOUT' } }]);
    }
  });

  it('answers in time after one that did not', async () => {
    const server = await startNodeServer((request, _body, response) => {
      if (request.url === '/fast') response.end('fast');
    });
    const client = await openClient(server.address, { timeoutMs: 1_000 });
    const slow = client.route({ ...post, path: '/slow' }).send(small);
    await expect(slow).rejects.toMatchObject({ code: 'AIBENCH_TIMEOUT' });
    for (let i = 0; i < 3; i++) {
      expect(String((await client.route({ ...post, path: '/fast' }).send(small)).body)).toBe('fast');
    }
    expect(server.connections()).toBe(2);
  });

  it('counts what the kernel has not taken', async () => {
    const server = await startNodeServer((_request, _body, response) => response.end());
    const client = await openClient(server.address);
    expect(client.backlogBytes()).toBe(0);
    await client.route(post).send(small);
    const sent = client.route(post).send(Buffer.alloc(50_000_000));
    expect(client.backlogBytes()).toBeGreaterThan(1_000_000);
    expect((await sent).status).toBe(200);
    expect(client.backlogBytes()).toBe(0);
  });

  it('keeps a body that waits for the kernel as it was, whatever else is sent meanwhile', async () => {
    const server = await startNodeServer((_request, body, response) => response.end(body));
    const clients = await Promise.all([1, 2, 3, 4].map(() => openClient(server.address)));
    const rounds = clients.map(async (client, i) => {
      const route = client.route(post);
      for (let round = 0; round < 20; round++) {
        const body = Buffer.alloc(20_000, 16 * i + round);
        expect((await route.send(body)).body.equals(body)).toBe(true);
      }
    });
    await Promise.all(rounds);
  });
});
