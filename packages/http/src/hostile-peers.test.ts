import type { Socket } from 'node:net';
import { startTcpPeer } from '@aibench/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { openClient, startRawServer } from './http-client.test.fixture.js';

const post = { method: 'POST', path: '/' } as const;
const small = Buffer.from('a body');
const chunkedHead = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

/** Sends the same bytes for as long as they are taken. */
function sendForEver(socket: Socket, bytes: Buffer | string): void {
  const send = () => {
    while (!socket.destroyed && socket.write(bytes));
    if (!socket.destroyed) socket.once('drain', send);
  };
  send();
}

/** How much resident memory grows meanwhile. */
async function growth(what: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().rss;
  await what();
  return process.memoryUsage().rss - before;
}

describe('a peer that never ends', () => {
  it.each<[string, string, string]>([
    ['a field', 'HTTP/1.1 200 OK\r\na: ', 'b'.repeat(10_000)],
    ['fields', 'HTTP/1.1 200 OK\r\n', 'a: b\r\n'.repeat(1_000)],
    ['folded lines', 'HTTP/1.1 200 OK\r\na: b\r\n', ' c\r\n'.repeat(1_000)],
    ['the status line', 'HTTP/1.1 200 ', 'O'.repeat(10_000)],
    ['empty lines', '', '\r\n'.repeat(1_000)],
    ['interim answers', '', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000)],
    ['an extension', `${chunkedHead}1;`, 'a'.repeat(10_000)],
    ['chunks with extensions', chunkedHead, `1;${'a'.repeat(1_000)}\r\nb\r\n`.repeat(10)],
    ['trailers', `${chunkedHead}0\r\n`, 'a: b\r\n'.repeat(1_000)],
    ['a size', `${chunkedHead}1`, '0'.repeat(1_000)],
    ['a body', 'HTTP/1.1 200 OK\r\n\r\n', 'a'.repeat(100_000)],
    ['chunks', chunkedHead, `1\r\na\r\n`.repeat(1_000)],
  ])('%s, is left, and costs little memory', async (_, start, rest) => {
    const closed = vi.fn();
    const server = await startRawServer((socket) => {
      socket.on('close', closed);
      socket.write(start);
      sendForEver(socket, rest);
    });
    const client = await openClient(server.address, { maxAnswerBytes: 1_000_000, timeoutMs: 60_000 });
    const grown = await growth(() =>
      expect(client.route(post).send(small)).rejects.toMatchObject({
        code: 'AIBENCH_ANSWER',
        message: `${server.address} sends a longer answer than is taken`,
      }),
    );
    expect(grown).toBeLessThan(200_000_000);
    await vi.waitFor(() => expect(closed).toHaveBeenCalled());
  });
});

describe('a peer that promises much', () => {
  it.each<[string, string]>([
    ['a length', 'HTTP/1.1 200 OK\r\ncontent-length: 999999999999999\r\n\r\n'],
    ['a length beyond any', `HTTP/1.1 200 OK\r\ncontent-length: ${'9'.repeat(400)}\r\n\r\n`],
    ['a chunk', `${chunkedHead}fffffffffffff\r\n`],
    ['a chunk beyond any', `${chunkedHead}${'f'.repeat(400)}\r\n`],
  ])('is refused: %s', async (_, bytes) => {
    const server = await startRawServer((socket) => void socket.write(bytes));
    const client = await openClient(server.address);
    await expect(client.route(post).send(small)).rejects.toMatchObject({
      code: expect.stringMatching(/^AIBENCH_(ANSWER|CONNECTION)$/),
      message: expect.stringContaining(server.address),
    });
  });

  it.each<[string, string]>([
    ['a length', 'HTTP/1.1 200 OK\r\ncontent-length: 250000000\r\n\r\na'],
    ['a chunk', `${chunkedHead}eeeeeee\r\na`],
  ])('gets memory for what it sends only: %s', async (_, bytes) => {
    const server = await startRawServer((socket) => void socket.end(bytes));
    const clients = await Promise.all(Array.from({ length: 20 }, () => openClient(server.address)));
    const grown = await growth(async () => {
      for (const sent of await Promise.allSettled(clients.map((one) => one.route(post).send(small)))) {
        expect(sent).toMatchObject({ status: 'rejected', reason: { code: 'AIBENCH_CONNECTION' } });
      }
    });
    expect(grown).toBeLessThan(400_000_000);
  });
});

describe('a peer that is slow', () => {
  it.each<[string, string]>([
    ['in its head', 'HTTP/1.1 200 OK\r\ncontent-length: 50\r\nserver: slow\r\n'],
    ['in its body', `HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n${'a'.repeat(100)}`],
    ['in its chunks', `${chunkedHead}${'1\r\na\r\n'.repeat(50)}`],
    ['in its interim answers', 'HTTP/1.1 102 \r\n\r\n'.repeat(20)],
  ])('has no longer than the whole answer may take: %s', async (_, bytes) => {
    const server = await startRawServer((socket) => {
      let at = 0;
      const timer = setInterval(() => socket.write(bytes[at++ % bytes.length]!), 5);
      socket.on('close', () => clearInterval(timer));
    });
    const client = await openClient(server.address, { timeoutMs: 150 });
    await expect(client.route(post).send(small)).rejects.toMatchObject({ code: 'AIBENCH_TIMEOUT' });
  });

  it('to read, has no longer either', async () => {
    const { address } = await startTcpPeer((socket) => void socket.pause());
    const client = await openClient(address, { timeoutMs: 150 });
    const sent = client.route(post).send(Buffer.alloc(50_000_000));
    await vi.waitFor(() => expect(client.backlogBytes()).toBeGreaterThan(0));
    await expect(sent).rejects.toMatchObject({ code: 'AIBENCH_TIMEOUT' });
    expect(client.backlogBytes()).toBe(0);
  });
});

describe('a peer that hangs up', () => {
  it('after any part of an answer, fails the request, and gets the next', async () => {
    const whole = `${chunkedHead}3;a=b\r\nabc\r\n0\r\nx: y\r\n\r\n`;
    const server = await startRawServer((socket, n) => {
      if (n % 2 === 1) socket.end(whole.slice(0, (n - 1) / 2));
      else socket.write(whole);
    });
    const client = await openClient(server.address);
    for (let cut = 0; cut < whole.length; cut++) {
      await expect(client.route(post).send(small)).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
      expect(String((await client.route(post).send(small)).body)).toBe('abc');
    }
    expect(server.connections()).toBe(whole.length + 1);
  });

  it('with a reset, too', async () => {
    const server = await startRawServer((socket, n) => {
      if (n % 2 === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      else socket.resetAndDestroy();
    });
    const client = await openClient(server.address);
    for (let i = 0; i < 5; i++) {
      expect((await client.route(post).send(small)).status).toBe(200);
      await expect(client.route(post).send(small)).rejects.toMatchObject({
        code: 'AIBENCH_CONNECTION',
        message: `the connection to ${server.address} was lost`,
      });
    }
  });

  it('while a large request is on its way, fails it', async () => {
    const { address } = await startTcpPeer((socket) => {
      let bytes = 0;
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes > 100_000) socket.resetAndDestroy();
      });
    });
    const client = await openClient(address);
    for (let i = 0; i < 5; i++) {
      await expect(client.route(post).send([small, Buffer.alloc(20_000_000)])).rejects.toMatchObject({
        code: 'AIBENCH_CONNECTION',
      });
    }
  });
});

describe('a peer that sends anything', () => {
  const octets = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
  const plausible = fc
    .constantFrom(
      ...[
        'HTTP/1.1 200 OK\r\n',
        'HTTP/1.1 100 \r\n\r\n',
        'content-length: 3\r\n',
        'connection: close\r\n',
        '\r\n',
      ],
      ...['transfer-encoding: chunked\r\n', '3\r\nabc\r\n', '0\r\n\r\n', 'abc', 'keep-alive: timeout=0\r\n'],
    )
    .map((text) => Buffer.from(text));
  const stream = fc.record({
    parts: fc.array(fc.oneof({ weight: 3, arbitrary: plausible }, octets), { maxLength: 10 }),
    ends: fc.boolean(),
  });

  it('never crashes the client, and never keeps a request for longer than it has', async () => {
    let next = { parts: [] as Buffer[], ends: false };
    const server = await startRawServer((socket) => {
      const { parts, ends } = next;
      for (const part of parts) socket.write(part);
      if (ends) socket.end();
    });
    const client = await openClient(server.address, { timeoutMs: 30 });
    await fc.assert(
      fc.asyncProperty(stream, async (one) => {
        next = one;
        const sent = [small, [small, Buffer.alloc(100_000)]].map((body) => client.route(post).send(body));
        for (const settled of await Promise.allSettled(sent)) {
          if (settled.status === 'rejected') expect(settled.reason).toHaveProperty('code');
        }
      }),
      { numRuns: 150 },
    );
  });
});
