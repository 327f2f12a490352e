import { constants, type Http2Session } from 'node:http2';
import { afterwards } from '@aibench/testing';
import { describe, expect, it, vi } from 'vitest';
import type { GrpcAddress } from './grpc-address.js';
import type { GrpcClient } from './grpc-client.js';
import { answer, type Http2Call, prefixed, startHttp2Server } from './http2-server.test.fixture.js';
import { openGrpcClient } from './open-grpc-client.js';

const path = '/test.Service/Method';
const text = (message: string) => Buffer.from(message);
const echo = ({ stream, message }: Http2Call) => answer(stream, message);

async function open(server: GrpcAddress, timeoutMs = 20_000): Promise<GrpcClient> {
  const client = await openGrpcClient(server, { flag: '--host', timeoutMs });
  afterwards({ stop: () => client.close(), stopNow() {} });
  return client;
}

describe('a server by node:http2', () => {
  it('gets the headers of a gRPC call', async () => {
    const seen: unknown[] = [];
    const server = await startHttp2Server({}, (call) => {
      seen.push(Object.fromEntries(Object.entries(call.headers)));
      echo(call);
    });
    const client = await open(server, 1_234);
    await client.method(path).call(text('a'));
    await client.method(path).call(text('a'), { timeoutMs: 0 });
    const headers = {
      ':method': 'POST',
      ':scheme': 'http',
      ':path': path,
      ':authority': client.address,
      te: 'trailers',
      'content-type': 'application/grpc',
      'user-agent': 'grpc-node-aibench/0.1.0',
    };
    expect(seen).toEqual([{ ...headers, 'grpc-timeout': '1234m' }, headers]);
  });

  it.each([1, 100, 65_535, 1_000_000])('may have windows of %i octets', async (initialWindowSize) => {
    const server = await startHttp2Server({ settings: { initialWindowSize } }, echo);
    const client = await open(server);
    const messages = [3, 0, initialWindowSize === 1 ? 50 : 300_000].map((length) =>
      Buffer.alloc(length, 'abc'),
    );
    const answers = await Promise.all(messages.map((message) => client.method(path).call(message)));
    expect(answers.every((bytes, i) => messages[i]!.equals(bytes))).toBe(true);
  });

  it('may change its windows while messages are on their way', async () => {
    const messages = [100_000, 200_000, 10].map((length) => Buffer.alloc(length, 'abc'));
    const server = await startHttp2Server({ settings: { initialWindowSize: 50_000 } }, echo);
    const client = await open(server);
    const calls = messages.map((message) => client.method(path).call(message));
    for (const initialWindowSize of [10, 70_000, 0, 100_000]) {
      await new Promise((resolve) => setImmediate(resolve));
      server.sessions[0]!.settings({ initialWindowSize });
    }
    const answers = await Promise.all(calls);
    expect(answers.every((bytes, i) => messages[i]!.equals(bytes))).toBe(true);
  });

  it('may take longer frames', async () => {
    const server = await startHttp2Server(
      { settings: { maxFrameSize: 16_777_215, initialWindowSize: 4_000_000 } },
      echo,
    );
    const client = await open(server);
    const message = Buffer.alloc(3_000_000, 'abc');
    expect(message.equals(await client.method(path).call(message))).toBe(true);
  });

  it('may want its header table small, at once or later', async () => {
    const server = await startHttp2Server({ settings: { headerTableSize: 0 } }, echo);
    const client = await open(server);
    for (const headerTableSize of [0, 100, 4_096, 10]) {
      server.sessions[0]!.settings({ headerTableSize });
      const ping = new Promise((resolve) => server.sessions[0]!.ping(resolve));
      await ping;
      for (const message of ['a', 'b']) {
        expect(String(await client.method(path).call(text(message)))).toBe(message);
      }
    }
  });

  it('may limit calls at once, and change that', async () => {
    const open_ = { now: 0, most: 0 };
    const server = await startHttp2Server({ settings: { maxConcurrentStreams: 2 } }, (call) => {
      open_.now += 1;
      open_.most = Math.max(open_.most, open_.now);
      setImmediate(() => {
        open_.now -= 1;
        echo(call);
      });
    });
    const client = await open(server);
    const calls = () =>
      Promise.all(Array.from({ length: 20 }, (_, i) => client.method(path).call(text(`${i}`))));
    expect((await calls()).map(String)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
    expect(open_.most).toBe(2);
    server.sessions[0]!.settings({ maxConcurrentStreams: 5 });
    await new Promise((resolve) => server.sessions[0]!.ping(resolve));
    await calls();
    expect(open_.most).toBe(5);
  });

  it('lets calls wait no longer than their deadline for others to end', async () => {
    const server = await startHttp2Server({ settings: { maxConcurrentStreams: 1 } }, () => {});
    const client = await open(server);
    const calls = [1, 2, 3].map(() => client.method(path).call(text(''), { timeoutMs: 50 }));
    const late = { code: 'AIBENCH_TIMEOUT', status: 'DEADLINE_EXCEEDED' };
    await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(late)));
  });

  it('may send padding', async () => {
    const server = await startHttp2Server({ paddingStrategy: constants.PADDING_STRATEGY_MAX }, echo);
    const client = await open(server);
    const message = Buffer.alloc(200_000, 'abc');
    expect(message.equals(await client.method(path).call(message))).toBe(true);
  });

  it('may send trailers that take CONTINUATION', async () => {
    const details = 'x'.repeat(40_000);
    const server = await startHttp2Server({ maxSendHeaderBlockLength: 100_000 }, ({ stream, message }) =>
      answer(stream, message, { 'grpc-status': '9', 'grpc-message': details, 'x-other': 'y'.repeat(10_000) }),
    );
    const client = await open(server);
    for (let i = 0; i < 3; i++) {
      await expect(client.method(path).call(text(''))).rejects.toMatchObject({
        status: 'FAILED_PRECONDITION',
        message: expect.stringContaining('x'.repeat(1_000)),
      });
    }
  });

  it('may send interim answers', async () => {
    const server = await startHttp2Server({}, (call) => {
      call.stream.additionalHeaders({ ':status': 103, 'x-early': '1' });
      echo(call);
    });
    const client = await open(server);
    expect(String(await client.method(path).call(text('a')))).toBe('a');
  });

  it('gets its PING answered', async () => {
    const server = await startHttp2Server({}, echo);
    await open(server);
    await vi.waitFor(() => expect(server.sessions).toHaveLength(1));
    const payload = text('12345678');
    const answered = await new Promise((resolve) => {
      server.sessions[0]!.ping(payload, (_error, _duration, bytes) => resolve(bytes));
    });
    expect(answered).toEqual(payload);
  });
});

describe('GOAWAY', () => {
  it('lets what was accepted finish, fails the rest, and moves on to a new connection', async () => {
    const held: Http2Call[] = [];
    const server = await startHttp2Server({}, (call) => {
      if (call.message.toString() === 'hold') held.push(call);
      else echo(call);
    });
    const client = await open(server);
    const method = client.method(path);
    const calls = [1, 2].map(() => method.call(text('hold')));
    const refused = expect(calls[1]).rejects.toMatchObject({
      code: 'AIBENCH_CONNECTION',
      status: 'UNAVAILABLE',
      message: `${client.address} answered UNAVAILABLE: it ends the connection (ENHANCE_YOUR_CALM)`,
    });
    await vi.waitFor(() => expect(held).toHaveLength(2));
    server.sessions[0]!.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 1);
    await refused;
    expect(String(await method.call(text('new')))).toBe('new');
    expect(server.sessions).toHaveLength(2);
    echo(held[0]!);
    expect(String(await calls[0])).toBe('hold');
    expect(String(await method.call(text('again')))).toBe('again');
    expect(server.sessions).toHaveLength(2);
  });

  it('sends what had to wait over the new connection', async () => {
    const held: Http2Call[] = [];
    const server = await startHttp2Server({ settings: { maxConcurrentStreams: 1 } }, (call) => {
      if (call.message.toString() === 'hold') held.push(call);
      else echo(call);
    });
    const client = await open(server);
    const method = client.method(path);
    const calls = ['hold', 'a', 'b', 'c'].map((message) => method.call(text(message)));
    await vi.waitFor(() => expect(held).toHaveLength(1));
    server.sessions[0]!.goaway();
    expect((await Promise.all(calls.slice(1))).map(String)).toEqual(['a', 'b', 'c']);
    echo(held[0]!);
    expect(String(await calls[0])).toBe('hold');
  });

  it('does not end a load that goes on', async () => {
    const server = await startHttp2Server({}, (call) => {
      echo(call);
      if (call.message.toString() === '7') (call.stream.session as Http2Session).goaway(0, call.stream.id!);
    });
    const client = await open(server);
    for (let i = 0; i < 30; i++) {
      const message = text(`${i % 10}`);
      expect(String(await client.method(path).call(message))).toBe(String(message));
    }
    expect(server.sessions.length).toBe(4);
  });
});

describe('an answer that is none', () => {
  const grpc = { ':status': 200, 'content-type': 'application/grpc' };
  it.each<[string, (call: Http2Call) => void, object]>([
    [
      'HTTP status 404',
      ({ stream }) => {
        stream.respond({ ':status': 404, 'content-type': 'text/html' });
        stream.end('<html>');
      },
      {
        code: 'AIBENCH_ANSWER',
        status: 'UNIMPLEMENTED',
        message: expect.stringContaining('HTTP status 404'),
      },
    ],
    [
      'HTTP status 503',
      ({ stream }) => stream.respond({ ':status': 503 }, { endStream: true }),
      { code: 'AIBENCH_CONNECTION', status: 'UNAVAILABLE' },
    ],
    [
      'HTTP status 502 with a gRPC status',
      ({ stream }) => stream.respond({ ':status': 502, 'grpc-status': '7' }, { endStream: true }),
      { code: 'AIBENCH_SERVER', status: 'PERMISSION_DENIED' },
    ],
    [
      'a web page',
      ({ stream }) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' });
        stream.end('<html>');
      },
      {
        code: 'AIBENCH_ANSWER',
        status: 'UNKNOWN',
        message: expect.stringContaining('content type text/html'),
      },
    ],
    [
      'no status at the end',
      ({ stream }) => {
        stream.respond(grpc);
        stream.end(prefixed(text('a')));
      },
      { code: 'AIBENCH_ANSWER', status: 'INTERNAL', message: expect.stringContaining('without a status') },
    ],
    [
      'trailers without a status',
      ({ stream }) => answer(stream, text('a'), { 'x-a': 'b' }),
      { code: 'AIBENCH_ANSWER', message: expect.stringContaining('without a status') },
    ],
    [
      'a status that is no number',
      ({ stream }) => stream.respond({ ...grpc, 'grpc-status': 'bad' }, { endStream: true }),
      { code: 'AIBENCH_SERVER', status: 'UNKNOWN' },
    ],
    [
      'OK without a message',
      ({ stream }) => stream.respond({ ...grpc, 'grpc-status': '0' }, { endStream: true }),
      { code: 'AIBENCH_ANSWER', message: expect.stringContaining('without a message') },
    ],
    [
      'a compressed message',
      ({ stream }) => {
        stream.respond({ ...grpc, 'grpc-encoding': 'gzip' });
        stream.end(prefixed(text('zzz'), 1));
      },
      { code: 'AIBENCH_ANSWER', message: expect.stringContaining('compressed its answer') },
    ],
    [
      'two messages',
      ({ stream }) => {
        stream.respond(grpc);
        stream.write(prefixed(text('a')));
        stream.end(prefixed(text('b')));
      },
      { code: 'AIBENCH_ANSWER', message: expect.stringContaining('more than one message') },
    ],
    [
      'part of a message',
      ({ stream }) => {
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.respond(grpc, { waitForTrailers: true });
        stream.end(prefixed(text('abc')).subarray(0, 6));
      },
      { code: 'AIBENCH_ANSWER', message: expect.stringContaining('within its message') },
    ],
    [
      'too many headers',
      ({ stream }) => stream.respond({ ...grpc, 'x-a': 'a'.repeat(70_000) }, { endStream: true }),
      { code: 'AIBENCH_ANSWER', status: 'RESOURCE_EXHAUSTED' },
    ],
    [
      'REFUSED_STREAM',
      ({ stream }) => stream.close(7),
      { code: 'AIBENCH_CONNECTION', status: 'UNAVAILABLE' },
    ],
    ['CANCEL', ({ stream }) => stream.close(8), { code: 'AIBENCH_SERVER', status: 'CANCELLED' }],
    [
      'ENHANCE_YOUR_CALM',
      ({ stream }) => stream.close(11),
      { code: 'AIBENCH_SERVER', status: 'RESOURCE_EXHAUSTED', message: expect.stringContaining('YOUR_CALM') },
    ],
    ['INTERNAL_ERROR', ({ stream }) => stream.close(2), { code: 'AIBENCH_SERVER', status: 'INTERNAL' }],
  ])('fails a call: %s', async (_, onCall, error) => {
    const server = await startHttp2Server({ maxSendHeaderBlockLength: 200_000 }, (call) => {
      if (call.message.length > 0) echo(call);
      else onCall(call);
    });
    const client = await open(server);
    await expect(client.method(path).call(text(''))).rejects.toMatchObject(error);
    // The connection is none the worse for it.
    expect(String(await client.method(path).call(text('a')))).toBe('a');
    expect(server.sessions).toHaveLength(1);
  });

  it('is asked for once more where the server has refused to look at the call', async () => {
    let calls = 0;
    const server = await startHttp2Server({ settings: { initialWindowSize: 1_000 } }, (call) => {
      calls += 1;
      if (calls % 2 === 1) call.stream.close(7);
      else echo(call);
    });
    const client = await open(server);
    for (const message of [text('a'), Buffer.alloc(50_000, 'abc')]) {
      expect(message.equals(await client.method(path).call(message))).toBe(true);
    }
    expect(calls).toBe(4);
  });

  it('may come before the whole of the request', async () => {
    const refusing = await startHttp2Server({}, () => {});
    const client = await open(refusing);
    await vi.waitFor(() => expect(refusing.sessions).toHaveLength(1));
    refusing.sessions[0]!.on('stream', (stream) => {
      stream.pause();
      stream.respond({ ...grpc, 'grpc-status': '8', 'grpc-message': 'too long' }, { endStream: true });
    });
    await expect(client.method(path).call(Buffer.alloc(1_000_000))).rejects.toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      message: expect.stringContaining('too long'),
    });
  });
});
