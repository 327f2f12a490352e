import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { Random } from '@aibench/core';
import { connectionPreface, FrameType, frameHeaderBytes, writeFrameHeader } from '@aibench/grpc/http2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GrpcPort } from './grpc-port.js';
import type { GrpcHandler } from './grpc-service.js';

const path = '/test.Service/Method';

async function start(handler: GrpcHandler = (request) => request): Promise<number> {
  const port = await GrpcPort.listen({
    ...{ host: '127.0.0.1', port: 0, flag: 'port', server: 'it/1', maxMessageBytes: 2 ** 31 - 1 },
    ...{ handlers: new Map([[path, handler]]), tls: undefined },
  });
  onTestFinished(() => port.close());
  return port.port;
}

function connectSession(port: number, options: Parameters<typeof connectHttp2>[1] = {}): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`, options);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}

interface Answer {
  readonly status: unknown;
  readonly grpcStatus: unknown;
  readonly body: Buffer;
}

/** Calls through Node's own HTTP/2. */
async function call(
  session: ClientHttp2Session,
  message: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
    ...headers,
  });
  let status: unknown;
  let grpcStatus: unknown;
  stream.on('response', (fields) => {
    status = fields[':status'];
    grpcStatus = fields['grpc-status'];
  });
  stream.on('trailers', (fields) => {
    grpcStatus = fields['grpc-status'];
  });
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.end(framed(message));
  await once(stream, 'close');
  return { status, grpcStatus, body: Buffer.concat(chunks) };
}

async function expectEcho(session: ClientHttp2Session, sizeBytes: number, headers = {}): Promise<void> {
  const sent = Buffer.alloc(sizeBytes, 'xyz');
  const { status, grpcStatus, body } = await call(session, sent, headers);
  expect({ status, grpcStatus }).toEqual({ status: 200, grpcStatus: '0' });
  expect(body.equals(framed(sent))).toBe(true);
}

/** What a peer's frame header and contents are. */
function frame(type: number, flags: number, streamId: number, contents: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(frameHeaderBytes), contents]);
  writeFrameHeader(bytes, 0, contents.length, type, flags, streamId);
  return bytes;
}

/** Sends bytes and waits until the server ends the connection. */
async function sendRaw(port: number, ...bytes: Buffer[]): Promise<Buffer> {
  const socket: Socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.write(Buffer.concat(bytes));
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

describe('GrpcConnection', () => {
  it('keeps to the windows of its client, however small', async () => {
    const session = connectSession(await start(), { settings: { initialWindowSize: 1_000 } });
    await Promise.all([expectEcho(session, 50_000), expectEcho(session, 10), expectEcho(session, 3_000)]);
    session.settings({ initialWindowSize: 100_000 });
    await expectEcho(session, 300_000);
  });

  it('sends what a window kept back once it opens', async () => {
    const session = connectSession(await start(), { settings: { initialWindowSize: 0 } });
    const answer = expectEcho(session, 200_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    session.settings({ initialWindowSize: 70_000 });
    await answer;
  });

  it('takes padding, CONTINUATION and headers of every length', async () => {
    const { PADDING_STRATEGY_MAX } = constants;
    const session = connectSession(await start(), { paddingStrategy: PADDING_STRATEGY_MAX });
    await expectEcho(session, 20_000);
    await expectEcho(session, 20_000, { long: 'x'.repeat(40_000) });
    for (let length = 0; length < 40; length++)
      await expectEcho(session, length, { [`field-${length}`]: 'é!'.repeat(length) });
  });

  it('answers PING', async () => {
    const session = connectSession(await start());
    await expectEcho(session, 1);
    const payload = await new Promise((resolve, reject) => {
      session.ping(Buffer.from('12345678'), (error, _, bytes) =>
        error === null ? resolve(bytes) : reject(error),
      );
    });
    expect(String(payload)).toBe('12345678');
  });

  it('forgets a call that its client cancels', async () => {
    let finish: (message: Uint8Array) => void = () => undefined;
    const port = await start((request) =>
      request.length > 0
        ? request
        : new Promise((resolve) => {
            finish = resolve;
          }),
    );
    const session = connectSession(port);
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    stream.on('error', () => undefined);
    stream.end(framed(new Uint8Array(0)));
    await new Promise((resolve) => setTimeout(resolve, 30));
    stream.close(constants.NGHTTP2_CANCEL);
    await expectEcho(session, 10);
    finish(new Uint8Array(3));
    await expectEcho(session, 10);
  });

  it('ends a call at its deadline by itself', async () => {
    const session = connectSession(await start(() => new Promise(() => undefined)));
    expect(await call(session, Buffer.alloc(3), { 'grpc-timeout': '20m' })).toMatchObject({
      grpcStatus: '4',
    });
  });

  it.each([
    ['no gRPC', { 'content-type': 'text/plain' }, { status: 415, grpcStatus: undefined }],
    ['compression', { 'grpc-encoding': 'gzip' }, { status: 200, grpcStatus: '12' }],
    ['another path', { ':path': '/x' }, { status: 200, grpcStatus: '12' }],
  ])('refuses %s', async (_, headers, expected) => {
    const session = connectSession(await start());
    expect(await call(session, Buffer.alloc(100_000), headers)).toMatchObject(expected);
    await expectEcho(session, 1);
  });

  it('refuses a request that is cut off, or more than one', async () => {
    const session = connectSession(await start());
    for (const [body, grpcStatus] of [
      [Buffer.alloc(3), '13'],
      [framed(Buffer.alloc(10)).subarray(0, 12), '13'],
      [Buffer.concat([framed(Buffer.alloc(1)), framed(Buffer.alloc(1))]), '12'],
      [Buffer.concat([Buffer.of(1), framed(Buffer.alloc(1)).subarray(1)]), '13'],
    ] as const) {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
      });
      const response = once(stream, 'response');
      stream.end(body);
      expect((await response)[0]).toMatchObject({ 'grpc-status': grpcStatus });
      stream.resume();
    }
  });

  const open = frame(FrameType.headers, 0x4, 1, Buffer.of(0x83));
  it.each<[string, Buffer]>([
    ['a frame that is too long', frame(FrameType.data, 0, 1, Buffer.alloc(0)).fill(0xff, 0, 3)],
    ['DATA for no stream', frame(FrameType.data, 0, 1, Buffer.alloc(4))],
    ['HEADERS of an even stream', frame(FrameType.headers, 0x4, 2, Buffer.of(0x83))],
    ['a field that is in no table', frame(FrameType.headers, 0x4, 1, Buffer.of(0xff, 0x80, 0x01))],
    ['CONTINUATION without HEADERS', frame(FrameType.continuation, 0x4, 1, Buffer.alloc(1))],
    [
      'a frame within headers',
      Buffer.concat([
        frame(FrameType.headers, 0, 1, Buffer.of(0x83)),
        frame(FrameType.ping, 0, 0, Buffer.alloc(8)),
      ]),
    ],
    [
      'headers without an end',
      Buffer.concat([
        frame(FrameType.headers, 0, 1, Buffer.of(0x83)),
        ...Array(5).fill(frame(FrameType.continuation, 0, 1, Buffer.alloc(16_000, 0x83))),
      ]),
    ],
    [
      'a window that grows by nothing',
      Buffer.concat([open, frame(FrameType.windowUpdate, 0, 0, Buffer.alloc(4))]),
    ],
    ['a window that grows too large', frame(FrameType.windowUpdate, 0, 0, Buffer.of(0x7f, 0xff, 0xff, 0xff))],
    ['SETTINGS of an odd length', frame(FrameType.settings, 0, 0, Buffer.alloc(5))],
    ['a push', frame(FrameType.pushPromise, 0x4, 1, Buffer.alloc(5))],
  ])('ends the connection for %s, and only that', async (_, bytes) => {
    const port = await start();
    const session = connectSession(port);
    await expectEcho(session, 10);
    const answer = await sendRaw(
      port,
      Buffer.from(connectionPreface),
      frame(FrameType.settings, 0, 0, Buffer.alloc(0)),
      bytes,
    );
    // GOAWAY comes last.
    expect(answer.at(-(8 + frameHeaderBytes) + 3)).toBe(FrameType.goaway);
    await expectEcho(session, 10);
  });

  it('withstands random frames and random bytes', async () => {
    const port = await start();
    const random = new Random(7);
    const bytes = (length: number) =>
      Buffer.from(Array.from({ length }, () => Math.floor(random.uniform() * 256)));
    const sockets: Socket[] = [];
    for (let peer = 0; peer < 60; peer++) {
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('error', () => undefined).resume();
      sockets.push(socket);
      if (peer % 3 > 0) socket.write(connectionPreface);
      for (let i = 0; i < 20; i++) {
        const contents = bytes(Math.floor(random.uniform() * 40));
        const [type, flags, streamId] = bytes(3);
        socket.write(peer % 3 === 1 ? frame(type! % 10, flags!, streamId! % 8, contents) : contents);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const socket of sockets) socket.destroy();
    await expectEcho(connectSession(port), 10);
  });
});
