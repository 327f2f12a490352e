import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterwards } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { parseHttpAddress } from './http-address.js';
import { HttpConnection, type HttpConnectionOptions } from './http-connection.js';
import { statusError } from './status-error.js';

type Handler = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

/** A connection to a server in this process, and how many connections that has seen. */
async function connect(handler: Handler, options?: HttpConnectionOptions) {
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => handler(request, Buffer.concat(chunks), response));
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connection = new HttpConnection(
    parseHttpAddress(address, { flag: '--host', defaultPort: 80 }),
    options,
  );
  afterwards({
    async stop() {
      await connection.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    stopNow() {},
  });
  return { connection, address, connections: () => connections };
}

describe('HttpConnection', () => {
  it('sends a body as it is, whole or in pieces, over one connection', async () => {
    const large = new Uint8Array(602_112).map((_, i) => i % 251);
    const { connection, connections } = await connect((request, body, response) => {
      expect(request.headers['content-length']).toBe(String(body.length));
      expect(request.headers['transfer-encoding']).toBeUndefined();
      response.end(body);
    });
    const send = (body: Uint8Array | readonly Uint8Array[], length: number) =>
      connection.send({ method: 'POST', path: '/x', headers: { 'content-length': `${length}` }, body });
    const head = Buffer.from('head');
    for (let i = 0; i < 3; i++) {
      const pieces = await send([head, large, head], 602_120);
      expect(pieces.status).toBe(200);
      expect(pieces.body.equals(Buffer.concat([head, large, head]))).toBe(true);
      expect((await send(head, 4)).body.toString()).toBe('head');
    }
    expect(connections()).toBe(1);
  });

  it('gives every answer to whom it belongs, its headers in lower case', async () => {
    const { connection } = await connect((request, _body, response) => {
      response.setHeader('Inference-Header-Content-Length', '7');
      setTimeout(() => response.writeHead(201).end(request.url), request.url === '/slow' ? 30 : 0);
    });
    const answers = await Promise.all(
      ['/slow', '/fast'].map((path) => connection.send({ method: 'GET', path })),
    );
    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual(['201 /slow', '201 /fast']);
    expect(answers[0]!.headers['inference-header-content-length']).toBe('7');
  });

  it('refuses an answer that is longer than it takes, before memory is full of it', async () => {
    const { connection, address } = await connect(
      (_request, _body, response) => response.end(Buffer.alloc(2_000_000)),
      { maxAnswerBytes: 1_000_000 },
    );
    await expect(connection.send({ method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'AIBENCH_ANSWER',
      message: `${address} sends a longer answer than is taken`,
    });
  });

  it('gives up where nothing comes, and when it is closed', async () => {
    const { connection, address } = await connect(() => undefined, { timeoutMs: 50 });
    await expect(connection.send({ method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'AIBENCH_TIMEOUT',
      message: expect.stringContaining(address),
      hint: 'see --request-timeout',
    });
    // No hint at a flag that a program does not have.
    const bound = await connect(() => undefined, { timeoutMs: 50, timeoutFlag: '' });
    await expect(bound.connection.send({ method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'AIBENCH_TIMEOUT',
      hint: undefined,
    });
    const silent = await connect(() => undefined);
    const out = silent.connection.send({ method: 'GET', path: '/' });
    await silent.connection.close();
    await expect(out).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
    await expect(silent.connection.send({ method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'AIBENCH_CONNECTION',
    });
  });
});

describe('statusError', () => {
  it.each([
    ['{"error":"no such model"}', 'h:1 answered 404: no such model'],
    ['{\n  "code": 404, "message": "no such model"\n}', 'h:1 answered 404: no such model'],
    ['{"code": 404, "type": "X", "message": "no such\\nmodel"}', 'h:1 answered 404: no such model'],
    ['null', 'h:1 answered 404: null'],
    ['{"error": 7}', 'h:1 answered 404: {"error": 7}'],
    ['<p>not\n  here</p>', 'h:1 answered 404: <p>not here</p>'],
    ['', 'h:1 answered 404'],
    ['x'.repeat(5_000), `h:1 answered 404: ${'x'.repeat(200)}`],
  ])('has the words of %j', (body, message) => {
    const error = statusError('h:1', { status: 404, headers: {}, body: Buffer.from(body) });
    expect(error).toMatchObject({ code: 'AIBENCH_SERVER', status: '404', message });
  });

  it('tells where a redirect leads, and what helps', () => {
    const body = Buffer.from('<a href="/">here</a>');
    const headers = { location: 'https://other:1/predict' };
    expect(statusError('h:1', { status: 307, headers, body })).toMatchObject({
      ...{ code: 'AIBENCH_SERVER', status: '307', hint: 'ask that address itself' },
      message: 'h:1 answered 307, a redirect to https://other:1/predict, which is not followed',
    });
    expect(statusError('h:1', { status: 304, headers: {}, body }, 'why?')).toMatchObject({
      ...{ message: 'h:1 answered 304: <a href="/">here</a>', hint: 'why?' },
    });
  });
});
