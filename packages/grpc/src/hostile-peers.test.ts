import { afterwards } from '@aibench/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { parseGrpcAddress } from './grpc-address.js';
import type { GrpcClient } from './grpc-client.js';
import { FrameType } from './http2-protocol.js';
import { openGrpcClient } from './open-grpc-client.js';
import {
  answerFrames,
  frame,
  headersBlock,
  type RawConnection,
  startRawPeer,
  trailersBlock,
} from './raw-peer.test.fixture.js';

const path = '/test.Service/Method';
const message = Buffer.from('a');

async function open(peer: { address: string }, timeoutMs = 5_000): Promise<GrpcClient> {
  const address = parseGrpcAddress(peer.address, { flag: '--host', defaultPort: 1 });
  const client = await openGrpcClient(address, { flag: '--host', timeoutMs, maxMessageBytes: 1_000_000 });
  afterwards({ stop: () => client.close(), stopNow() {} });
  return client;
}

/** A peer that sends something when a call has come. */
function answering(bytes: Buffer | ((connection: RawConnection) => void)) {
  return startRawPeer((connection) => {
    connection.onFrame = ({ type }) => {
      if (type !== FrameType.data) return;
      if (typeof bytes === 'function') bytes(connection);
      else connection.socket.write(bytes);
    };
  });
}

const huge = frame(FrameType.settings, 0, 0, '000400000001').fill(0xff, 0, 3);
const { headers, data, settings, ping, goaway, rstStream, windowUpdate, continuation, pushPromise } =
  FrameType;

describe('a peer that breaks HTTP/2', () => {
  it.each<[string, Buffer, string]>([
    ['a frame that is too long', huge, 'FRAME_SIZE_ERROR'],
    ['SETTINGS that is cut off', frame(settings, 0, 0, '0004000000'), 'FRAME_SIZE_ERROR'],
    ['SETTINGS for a stream', frame(settings, 0, 1), 'PROTOCOL_ERROR'],
    ['an acknowledgement with contents', frame(settings, 1, 0, '000400000001'), 'FRAME_SIZE_ERROR'],
    ['a window that is too large', frame(settings, 0, 0, '000480000000'), 'FLOW_CONTROL_ERROR'],
    ['frames that are too short', frame(settings, 0, 0, '000500000001'), 'PROTOCOL_ERROR'],
    ['a window that overflows', frame(windowUpdate, 0, 0, '7fffffff'), 'FLOW_CONTROL_ERROR'],
    ['a window that grows by nothing', frame(windowUpdate, 0, 0, '00000000'), 'PROTOCOL_ERROR'],
    ['WINDOW_UPDATE of a wrong length', frame(windowUpdate, 0, 1, '000001'), 'FRAME_SIZE_ERROR'],
    ['PING of a wrong length', frame(ping, 0, 0, '00'), 'FRAME_SIZE_ERROR'],
    ['PING for a stream', frame(ping, 0, 1, '0000000000000000'), 'PROTOCOL_ERROR'],
    ['GOAWAY that is cut off', frame(goaway, 0, 0, '00000000'), 'FRAME_SIZE_ERROR'],
    ['RST_STREAM of a wrong length', frame(rstStream, 0, 1, ''), 'FRAME_SIZE_ERROR'],
    ['RST_STREAM for no stream', frame(rstStream, 0, 0, '00000000'), 'PROTOCOL_ERROR'],
    ['HEADERS for no stream', frame(headers, 5, 0, trailersBlock), 'PROTOCOL_ERROR'],
    ['HEADERS for a stream that is not there', frame(headers, 5, 9, trailersBlock), 'PROTOCOL_ERROR'],
    ['HEADERS that are cut off', frame(headers, 0x24, 1, '00'), 'FRAME_SIZE_ERROR'],
    ['HEADERS with too much padding', frame(headers, 0xc, 1, '05ff'), 'PROTOCOL_ERROR'],
    ['headers that cannot be decoded', frame(headers, 4, 1, 'ff'), 'COMPRESSION_ERROR'],
    ['DATA for a stream that is not there', frame(data, 0, 3, '00'), 'PROTOCOL_ERROR'],
    ['DATA for no stream', frame(data, 0, 0, '00'), 'PROTOCOL_ERROR'],
    ['CONTINUATION alone', frame(continuation, 4, 1, '88'), 'PROTOCOL_ERROR'],
    [
      'another frame within headers',
      Buffer.concat([frame(headers, 0, 1, headersBlock), frame(ping, 0, 0, '0000000000000000')]),
      'PROTOCOL_ERROR',
    ],
    [
      'DATA within headers',
      Buffer.concat([frame(headers, 0, 1, headersBlock), frame(data, 0, 1, '00')]),
      'PROTOCOL_ERROR',
    ],
    ['a push', frame(pushPromise, 4, 1, '0000000282'), 'PROTOCOL_ERROR'],
  ])('is told so and left: %s', async (_, bytes, error) => {
    const seen: RawConnection[] = [];
    const peer = await answering((connection) => {
      seen.push(connection);
      connection.socket.write(bytes);
    });
    const client = await open(peer);
    await expect(client.method(path).call(message)).rejects.toMatchObject({
      code: 'AIBENCH_ANSWER',
      message: expect.stringMatching(new RegExp(`^${client.address} breaks HTTP/2: .* \\(${error}\\)$`)),
    });
    await vi.waitFor(() => expect(seen[0]!.socket.destroyed).toBe(true));
    expect(seen[0]!.seen.at(-1)?.type).toBe(goaway);
  });

  it.each<[string, Buffer]>([
    ['a body without headers', frame(data, 0, 1, '000000000141')],
    ['headers within an answer', Buffer.concat([1, 2].map(() => frame(headers, 4, 1, headersBlock)))],
  ])('loses the call, not the connection: %s', async (_, bytes) => {
    let calls = 0;
    const peer = await answering(({ socket }) => {
      calls += 1;
      socket.write(calls === 1 ? bytes : answerFrames(3));
    });
    const client = await open(peer);
    await expect(client.method(path).call(message)).rejects.toMatchObject({ code: 'AIBENCH_ANSWER' });
    expect(String(await client.method(path).call(message))).toBe('A');
    expect(peer.connections()).toBe(1);
  });

  it('may send what nobody knows, and what comes too late', async () => {
    const known = Buffer.concat([
      frame(0x2a, 0xff, 1, 'abcdef'),
      frame(FrameType.priority, 0, 1, '0000000001'),
      frame(settings, 0, 0, '00ff00000001'),
      frame(windowUpdate, 0, 1, '00000001'),
      answerFrames(1),
      frame(data, 0, 1, '000000000141'),
      frame(headers, 5, 1, trailersBlock),
      frame(rstStream, 0, 1, '00000000'),
      frame(windowUpdate, 0, 1, '7fffffff'),
    ]);
    const peer = await answering(known);
    const client = await open(peer);
    expect(String(await client.method(path).call(message))).toBe('A');
    await expect(client.method(path).call(message, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'AIBENCH_TIMEOUT',
    });
    expect(peer.connections()).toBe(1);
  });
});

describe('a peer that hangs up', () => {
  const whole = answerFrames(1);
  it('after any part of an answer, fails the call', async () => {
    let cut = 0;
    const peer = await answering(({ socket }) => void socket.end(whole.subarray(0, cut)));
    const client = await open(peer);
    for (; cut < whole.length; cut += 3) {
      await expect(client.method(path).call(message)).rejects.toMatchObject({
        code: 'AIBENCH_CONNECTION',
        message: `the connection to ${peer.address} was lost`,
      });
    }
  });

  it('after GOAWAY, when the last call is done, sees the client close', async () => {
    const connections: RawConnection[] = [];
    const peer = await answering((connection) => {
      connections.push(connection);
      connection.socket.write(frame(goaway, 0, 0, '7fffffff00000000'));
      connection.socket.write(answerFrames(1));
    });
    const client = await open(peer);
    for (let i = 1; i <= 3; i++) {
      expect(String(await client.method(path).call(message))).toBe('A');
      expect(peer.connections()).toBe(i);
    }
    await vi.waitFor(() =>
      expect(connections.map(({ socket }) => socket.destroyed)).toEqual([true, true, true]),
    );
  });
});

describe('a peer that wants memory', () => {
  it('gets none for lengths that it only promises', async () => {
    const promised = Buffer.concat([
      frame(headers, 4, 1, headersBlock),
      frame(data, 0, 1, '00fffffff0'),
      frame(data, 0, 1, Buffer.alloc(1_000)),
    ]);
    const client = await open(await answering(promised));
    await expect(client.method(path).call(message)).rejects.toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
  });

  it('gets none by a field that is named over and over', async () => {
    // A field of 4,000 octets in the table, and then 100,000 times its index: 400 MB when written out.
    const field = Buffer.concat([Buffer.from('4001617fa11e', 'hex'), Buffer.alloc(4_000, 'b')]);
    const block = Buffer.concat([field, Buffer.alloc(100_000, 0xbe)]);
    let calls = 0;
    const peer = await answering(({ socket }) => {
      calls += 1;
      socket.write(calls > 20 ? answerFrames(calls * 2 - 1) : frame(headers, 4, calls * 2 - 1, block));
    });
    const client = await open(peer);
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 20; i++) {
      await expect(client.method(path).call(message)).rejects.toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
    expect(String(await client.method(path).call(message))).toBe('A');
  });

  it.each([
    ['long', Buffer.alloc(16_000, 0)],
    ['empty', Buffer.alloc(0)],
  ])('gets none by headers that never end, in %s frames', async (_, contents) => {
    const peer = await answering(({ socket }) => {
      socket.write(frame(headers, 0, 1, headersBlock));
      const more = Buffer.concat(Array.from({ length: 100 }, () => frame(continuation, 0, 1, contents)));
      const send = () => {
        while (!socket.destroyed && socket.write(more));
        if (!socket.destroyed) socket.once('drain', send);
      };
      send();
    });
    const client = await open(peer);
    await expect(client.method(path).call(message)).rejects.toMatchObject({
      code: 'AIBENCH_ANSWER',
      message: expect.stringContaining('ENHANCE_YOUR_CALM'),
    });
  });

  it.each([
    ['PING', frame(ping, 0, 0, '0000000000000000')],
    ['SETTINGS', frame(settings, 0, 0)],
  ])('gets none by %s without listening', async (_, one) => {
    const peer = await answering(({ socket }) => {
      socket.pause();
      const many = Buffer.concat(Array.from({ length: 4_000 }, () => one));
      const send = () => {
        while (!socket.destroyed && socket.write(many));
        if (!socket.destroyed) socket.once('drain', send);
      };
      send();
    });
    const client = await open(peer, 60_000);
    const before = process.memoryUsage().rss;
    await expect(client.method(path).call(message)).rejects.toMatchObject({
      code: 'AIBENCH_ANSWER',
      message: expect.stringContaining('ENHANCE_YOUR_CALM'),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
  });
});

describe('a peer that does not read', () => {
  it('lets a call fail at its deadline', async () => {
    const peer = await startRawPeer(({ socket }) => {
      socket.write(frame(settings, 0, 0, '00047fffffff'));
      socket.write(frame(windowUpdate, 0, 0, '7fff0000'));
      socket.pause();
    });
    const client = await open(peer);
    const call = client.method(path).call(Buffer.alloc(30_000_000), { timeoutMs: 200 });
    await vi.waitFor(() => expect(client.backlogBytes()).toBeGreaterThan(0));
    await expect(call).rejects.toMatchObject({ code: 'AIBENCH_TIMEOUT' });
  });
});

describe('a peer that sends anything', () => {
  const octets = fc.uint8Array({ maxLength: 60 });
  const anyFrame = fc
    .tuple(fc.integer({ min: 0, max: 11 }), fc.nat(255), fc.constantFrom(0, 1, 1, 3, 2, 9), octets)
    .map(([type, flags, id, contents]) => frame(type, flags, id, contents));
  const plausible = fc.constantFrom(
    frame(headers, 4, 1, headersBlock),
    frame(headers, 0, 1, headersBlock),
    frame(continuation, 4, 1, trailersBlock),
    frame(data, 0, 1, '0000000002'),
    frame(data, 0, 1, '41'),
    frame(headers, 5, 1, trailersBlock),
    frame(settings, 0, 0, '000400000000'),
    frame(windowUpdate, 0, 0, '00000010'),
    frame(goaway, 0, 0, '0000000100000000'),
    frame(rstStream, 0, 1, '00000007'),
  );
  const stream = fc.array(
    fc.oneof(
      plausible,
      anyFrame,
      octets.map((bytes) => Buffer.from(bytes)),
    ),
    {
      maxLength: 12,
    },
  );

  it('never crashes the client, and never keeps a call for longer than it has', async () => {
    let bytes = Buffer.alloc(0);
    const peer = await answering(({ socket }) => void socket.write(bytes));
    const client = await open(peer, 30);
    await fc.assert(
      fc.asyncProperty(stream, async (parts) => {
        bytes = Buffer.concat(parts);
        const calls = [message, Buffer.alloc(100_000)].map((one) => client.method(path).call(one));
        for (const settled of await Promise.allSettled(calls)) {
          if (settled.status === 'rejected') expect(settled.reason).toHaveProperty('code');
        }
      }),
      { numRuns: 150 },
    );
  });
});
