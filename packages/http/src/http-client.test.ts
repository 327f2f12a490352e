import { startTcpPeer } from '@aibench/testing';
import { describe, expect, it, vi } from 'vitest';
import type { HttpAnswer } from './http-client.js';
import {
  type Handler,
  openClient,
  startListener,
  startNodeServer,
  startRawServer,
} from './http-client.test.fixture.js';
import { type HttpClientOptions, httpImplementations } from './open-http-client.js';

const post = { method: 'POST', path: '/' } as const;
const small = Buffer.from('a body');
const large = new Uint8Array(602_112).map((_, i) => i % 251);
const text = ({ status, body }: HttpAnswer) => `${status} ${body}`;

describe.each(httpImplementations)('HttpClient, "%s"', (implementation) => {
  async function open(handler: Handler, options: Partial<HttpClientOptions> = {}) {
    const server = await startNodeServer(handler);
    return { server, client: await openClient(server.address, { implementation, ...options }) };
  }

  /** A client of a server that answers every request with the same bytes, and closes the connection where asked to. */
  async function openRaw(answer: string | Buffer, options: Partial<HttpClientOptions> = {}, closes = false) {
    const bytes = typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer;
    const server = await startRawServer((socket) => {
      if (closes) socket.end(bytes);
      else socket.write(bytes);
    });
    return { server, client: await openClient(server.address, { implementation, ...options }) };
  }

  it('sends a body as it is, whole or in pieces, over one connection', async () => {
    const { client, server } = await open((request, body, response) => {
      expect(request.headers['content-length']).toBe(String(body.length));
      expect(request.headers['transfer-encoding']).toBeUndefined();
      expect(request.headers.host).toBe(server.address);
      expect(request.headers['content-type']).toBe('text/plain');
      response.end(body);
    });
    const route = client.route({ ...post, headers: { 'content-type': 'text/plain' } });
    const whole = Buffer.from(large);
    for (let i = 0; i < 3; i++) {
      for (const body of [small, whole, [small, whole, small], [small, Buffer.alloc(0), small], []]) {
        const answer = await route.send(body);
        expect(answer.status).toBe(200);
        expect(answer.body.equals(body instanceof Uint8Array ? body : Buffer.concat(body))).toBe(true);
      }
    }
    expect(server.connections()).toBe(1);
  });

  it('sends every method, a length only where there may be a body', async () => {
    const { client } = await open((request, body, response) =>
      response.end(`${request.method} ${request.url} ${request.headers['content-length']} ${body}`),
    );
    const answer = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS', body?: Buffer) =>
      String((await client.route({ method, path: '/a%20b?c=d&e' }).send(body)).body);
    expect(await answer('GET')).toBe('GET /a%20b?c=d&e undefined ');
    expect(await answer('DELETE')).toBe('DELETE /a%20b?c=d&e undefined ');
    expect(await answer('POST')).toBe('POST /a%20b?c=d&e 0 ');
    expect(await answer('PUT', Buffer.alloc(0))).toBe('PUT /a%20b?c=d&e 0 ');
    expect(await answer('PUT', small)).toBe('PUT /a%20b?c=d&e 6 a body');
    expect(await answer('OPTIONS')).toBe('OPTIONS /a%20b?c=d&e undefined ');
  });

  it('gives every answer to whom it belongs, one request after another', async () => {
    let out = 0;
    const { client } = await open((request, _body, response) => {
      out += 1;
      expect(out).toBe(1);
      setTimeout(
        () => {
          out -= 1;
          response.writeHead(201).end(request.url);
        },
        request.url === '/slow' ? 30 : 0,
      );
    });
    const paths = ['/slow', '/fast', '/slow', '/last'];
    const answers = await Promise.all(paths.map((path) => client.route({ method: 'GET', path }).send()));
    expect(answers.map(text)).toEqual(paths.map((path) => `201 ${path}`));
  });

  it('gives headers by their names in lower case, those that come twice as a list', async () => {
    const { client } = await open((_request, _body, response) => {
      response.setHeader('Inference-Header-Content-Length', '7');
      response.setHeader('Set-Cookie', ['a=1', 'b=2', 'c=3']);
      response.setHeader('X-Latin', 'k\xe4se');
      response.end();
    });
    const { headers } = await client.route(post).send(small);
    expect(headers['inference-header-content-length']).toBe('7');
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2', 'c=3']);
    expect(headers['x-latin']).toBe('k\xe4se');
    expect(headers['x-none']).toBeUndefined();
  });

  it('leaves statuses to the caller, and follows no redirect', async () => {
    const { client, server } = await open((request, _body, response) => {
      const status = Number(request.url!.slice(1));
      response.writeHead(status, status === 307 ? { location: '/200' } : {}).end(`is ${status}`);
    });
    for (const status of [200, 202, 307, 400, 404, 503, 599]) {
      const answer = await client.route({ ...post, path: `/${status}` }).send(small);
      expect(text(answer)).toBe(`${status} is ${status}`);
    }
    expect(server.connections()).toBe(1);
  });

  it.each<[string, 'GET' | 'HEAD', number]>([
    ['to HEAD', 'HEAD', 200],
    ['with 204', 'GET', 204],
    ['with 304', 'GET', 304],
  ])('knows that an answer %s has no body', async (_, method, status) => {
    const { client } = await open((request, _body, response) =>
      request.url === '/none' ? response.writeHead(status).end() : response.end('body'),
    );
    for (let i = 0; i < 3; i++) {
      expect(text(await client.route({ method, path: '/none' }).send())).toBe(`${status} `);
      expect(text(await client.route({ method: 'GET', path: '/' }).send())).toBe('200 body');
    }
  });

  it('puts chunks together', async () => {
    const { client, server } = await open((_request, body, response) => {
      response.setHeader('trailer', 'x-sum');
      for (let at = 0; at < body.length; at += 10_000) response.write(body.subarray(at, at + 10_000));
      response.addTrailers({ 'x-sum': 'none' });
      response.end();
    });
    for (let i = 0; i < 3; i++) {
      const answer = await client.route(post).send(large);
      expect(answer.headers['transfer-encoding']).toBe('chunked');
      expect(answer.body.equals(large)).toBe(true);
    }
    expect(server.connections()).toBe(1);
  });

  it('passes over interim answers', async () => {
    const { client, server } = await open((_request, _body, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.end('final');
    });
    for (let i = 0; i < 3; i++) expect(text(await client.route(post).send(small))).toBe('200 final');
    expect(server.connections()).toBe(1);
  });

  it('connects anew where the server closes after each answer', async () => {
    const { client, server } = await open((_request, body, response) => {
      response.setHeader('connection', 'close');
      response.end(body);
    });
    const route = client.route(post);
    for (let i = 1; i <= 5; i++) {
      expect(text(await route.send(small))).toBe('200 a body');
      expect(server.connections()).toBe(i);
    }
    const answers = await Promise.all([1, 2, 3].map((n) => route.send(Buffer.from(`${n}`))));
    expect(answers.map(text)).toEqual(['200 1', '200 2', '200 3']);
    expect(server.connections()).toBe(8);
  });

  it('connects anew where the server has closed the connection meanwhile', async () => {
    const closed = vi.fn();
    const server = await startRawServer((socket) => {
      socket.on('close', closed);
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na');
    });
    const client = await openClient(server.address, { implementation });
    for (let i = 1; i <= 3; i++) {
      expect(text(await client.route(post).send(small))).toBe('200 a');
      expect(server.connections()).toBe(i);
      await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(i));
    }
  });

  it('sends nothing behind a request whose rest nobody reads', async () => {
    const peer = await startTcpPeer((socket) => {
      socket.once('data', () => {
        socket.pause();
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na');
      });
    });
    const client = await openClient(peer.address, { implementation });
    for (let i = 1; i <= 3; i++) {
      expect(text(await client.route(post).send([small, Buffer.alloc(40_000_000)]))).toBe('200 a');
      expect(peer.connections()).toBe(i);
    }
  });

  it('takes an answer that comes before the request is over, and no more over that connection', async () => {
    let answered = 0;
    const server = await startListener((request, response) => {
      answered += 1;
      request.on('error', () => {});
      response.setHeader('connection', 'close');
      response.writeHead(413).end('too large');
    });
    const client = await openClient(server.address, { implementation });
    for (let i = 1; i <= 2; i++) {
      const answer = await client.route(post).send([small, Buffer.alloc(40_000_000)]);
      expect(text(answer)).toBe('413 too large');
      expect(answered).toBe(i);
    }
  });

  it.each<[string, string, string]>([
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab', '200 ab'],
    ['no reason', 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nab', '200 ab'],
    ['a status alone', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nab', '200 ab'],
    ['a field without a value', 'HTTP/1.1 200 OK\r\nX:\r\nContent-Length: 2\r\n\r\nab', '200 ab'],
    ['no body', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '200 '],
    [
      'chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n003\r\ncde\r\n0\r\n\r\n',
      '200 abcde',
    ],
    [
      'chunks with extensions',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA;a=b;c="d"\r\n0123456789\r\n0;e\r\n\r\n',
      '200 0123456789',
    ],
    [
      'chunks with trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n',
      '200 ab',
    ],
    ['no chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', '200 '],
    [
      'an older version that stays',
      'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nab',
      '200 ab',
    ],
    ['an empty line before it', '\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab', '200 ab'],
    ['early hints', 'HTTP/1.1 103 \r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab', '200 ab'],
    [
      'the coding of none',
      'HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: 2\r\n\r\nab',
      '200 ab',
    ],
  ])('reads an answer with %s, again and again', async (_, bytes, expected) => {
    const { client, server } = await openRaw(bytes);
    for (let i = 0; i < 3; i++) expect(text(await client.route(post).send(small))).toBe(expected);
    expect(server.connections()).toBe(1);
  });

  it.each<[string, string, string]>([
    ['its connection', 'HTTP/1.1 200 OK\r\nA: b\r\n\r\nabc', '200 abc'],
    ['its connection, when empty', 'HTTP/1.1 200 OK\r\n\r\n', '200 '],
    ['its connection, of an older version', 'HTTP/1.0 200 OK\r\n\r\nabc', '200 abc'],
    ['its length, of an older version', 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc', '200 abc'],
  ])('reads an answer that ends with %s', async (_, bytes, expected) => {
    const { client, server } = await openRaw(bytes, {}, true);
    for (let i = 1; i <= 3; i++) {
      expect(text(await client.route(post).send(small))).toBe(expected);
      expect(server.connections()).toBe(i);
    }
  });

  it.each<[string, string]>([
    ['nothing of HTTP', 'SSH-2.0-Any\r\n\r\n'],
    ['Redis', "-ERR unknown command 'POST'\r\n\r\n"],
    ['another version', 'HTTP/2 200 OK\r\n\r\n'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a field without a name', 'HTTP/1.1 200 OK\r\n: a\r\n\r\n'],
    ['a field without a colon', 'HTTP/1.1 200 OK\r\nabc\r\n\r\n'],
    ['a blank in a name', 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nab'],
    ['a carriage return in a value', 'HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n'],
    ['a zero in a value', 'HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab'],
    ['a length with a sign', 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab'],
    ['a hexadecimal length', 'HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nab'],
    ['a length that is empty', 'HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nab'],
    ['a chunk whose size is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxy\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n'],
    ['a chunk that is longer', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n'],
    ['a chunk that is shorter', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab\r\n0\r\n\r\n'],
  ])('refuses an answer with %s', async (_, bytes) => {
    const { client, server } = await openRaw(bytes);
    for (let i = 1; i <= 2; i++) {
      await expect(client.route(post).send(small)).rejects.toMatchObject({
        code: 'AIBENCH_CONNECTION',
        message: `${server.address} does not speak HTTP/1`,
        hint: 'is it the port for HTTP, and not that for gRPC? see --host; a server that expects TLS is written https://',
      });
      expect(server.connections()).toBe(i);
    }
  });

  it.each<[string, string]>([
    ['a head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['a body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
    ['a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nabc'],
    ['the chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n'],
    ['an interim answer', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('tells that the connection was lost within %s', async (_, bytes) => {
    const server = await startRawServer((socket, n) => {
      if (n === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      else socket.end(bytes);
    });
    const client = await openClient(server.address, { implementation });
    await client.route(post).send(small);
    for (let i = 1; i <= 2; i++) {
      await expect(client.route(post).send(small)).rejects.toMatchObject({
        code: 'AIBENCH_CONNECTION',
        message: `the connection to ${server.address} was lost`,
      });
      expect(server.connections()).toBe(i);
    }
  });

  it('tells that a server closes the connection instead of answering', async () => {
    const { client, server } = await openRaw('', {}, true);
    await expect(client.route(post).send(small)).rejects.toMatchObject({
      code: 'AIBENCH_CONNECTION',
      message: `${server.address} closed the connection instead of answering in HTTP/1`,
      hint: 'is it the port for HTTP? see --host; a server that expects TLS is written https://',
    });
  });

  it('never sends a request twice', async () => {
    const seen: string[] = [];
    const server = await startRawServer((socket, n, request) => {
      seen.push(request.slice(-6));
      if (n % 2 === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      else socket.destroy();
    });
    const client = await openClient(server.address, { implementation });
    for (let i = 0; i < 6; i++) {
      const sent = client.route(post).send(Buffer.from(`body ${i}`));
      if (i % 2 === 0) expect((await sent).status).toBe(200);
      else await expect(sent).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5].map((i) => `body ${i}`));
  });

  it.each<[string, string]>([
    ['a length', `HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n${'a'.repeat(1_001)}`],
    ['chunks', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n${'a'.repeat(1_001)}\r\n`],
    ['no length', `HTTP/1.1 200 OK\r\n\r\n${'a'.repeat(1_001)}`],
    ['a head', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(70_000)}\r\n\r\n`],
    ['a head that does not end', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(70_000)}`],
  ])('refuses an answer that is longer than it takes, by %s', async (_, bytes) => {
    const { client, server } = await openRaw(bytes, { maxAnswerBytes: 1_000 });
    await expect(client.route(post).send(small)).rejects.toMatchObject({
      code: 'AIBENCH_ANSWER',
      message: `${server.address} sends a longer answer than is taken`,
    });
  });

  it('takes an answer that is just as long as it may be', async () => {
    const { client } = await open((_request, _body, response) => response.end('a'.repeat(1_000)), {
      maxAnswerBytes: 1_000,
    });
    expect((await client.route(post).send(small)).body).toHaveLength(1_000);
  });

  it('refuses what is compressed', async () => {
    const { client, server } = await open((_request, _body, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end('compressed');
    });
    for (let i = 0; i < 2; i++) {
      await expect(client.route(post).send(small)).rejects.toMatchObject({
        code: 'AIBENCH_ANSWER',
        message: `${server.address} answers in the coding "gzip", which was not asked for`,
      });
    }
    expect(server.connections()).toBe(1);
  });

  it('gives up where nothing comes, naming the flag', async () => {
    const { client, server } = await open(() => undefined, { timeoutMs: 50, timeoutFlag: '--patience' });
    await expect(client.route(post).send(small)).rejects.toMatchObject({
      code: 'AIBENCH_TIMEOUT',
      message: `${server.address} did not answer in time`,
      hint: 'see --patience',
    });
  });

  it('fails what is out when it is closed, and all that comes after', async () => {
    const { client, server } = await open(() => undefined);
    const out = Promise.allSettled([1, 2, 3].map(() => client.route(post).send(small)));
    await vi.waitFor(() => expect(server.connections()).toBe(1));
    await client.close();
    const closed = {
      code: 'AIBENCH_CONNECTION',
      message: `the connection to ${server.address} was closed by this side`,
    };
    for (const settled of await out) expect(settled).toMatchObject({ status: 'rejected', reason: closed });
    await expect(client.route(post).send(small)).rejects.toMatchObject(closed);
    await client.close();
  });

  it('asks no proxy', async () => {
    const { client } = await open((_request, _body, response) => response.end('direct'));
    for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'all_proxy']) {
      vi.stubEnv(name, 'http://127.0.0.1:1');
    }
    expect(text(await client.route(post).send(small))).toBe('200 direct');
    vi.unstubAllEnvs();
  });

  it.each<[string, object, string]>([
    ['a path without a slash', { path: 'a' }, '"a" is no path of POST: it is written /path?query'],
    ['a path with a blank', { path: '/a b' }, '"/a b" is no path'],
    ['a path with a line feed', { path: '/a\nb' }, 'is no path'],
    ['a path that is not ASCII', { path: '/\xe4' }, 'is no path'],
    ['a name with a blank', { headers: { 'a b': 'c' } }, '"a b" is no name of a header field'],
    ['a name in upper case', { headers: { Accept: 'c' } }, '"Accept" is no name of a header field'],
    ['no name', { headers: { '': 'c' } }, '"" is no name of a header field'],
    ['a field of its own', { headers: { 'content-length': '1' } }, "content-length is the client's own"],
    [
      'a line feed in a value',
      { headers: { a: 'secret\r\nb: c' } },
      'field a has a character that cannot be sent',
    ],
    [
      'a character beyond Latin-1',
      { headers: { a: 'secret\u2026' } },
      'field a has a character that cannot be',
    ],
  ])('refuses a route with %s', async (_, head, message) => {
    const client = await openClient('127.0.0.1:1', { implementation });
    const route = () => client.route({ ...post, ...head });
    expect(route).toThrow(message);
    expect(route).toThrow(expect.objectContaining({ code: 'AIBENCH_USAGE' }));
    expect(route).not.toThrow('secret');
  });
});
