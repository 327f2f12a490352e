import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTcpPeer } from '@aibench/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRedisAddress } from './redis-address.js';
import { answerText } from './redis-connection.js';
import { openRequestConnection } from './request-connection.js';
import { encodeCommand } from './resp-encode.js';

const options = { connectTimeoutMs: 2_000, flag: '--host' };
const get = encodeCommand(['GET', 'a']);

/**
 * A connection to a peer that lets it log in.
 *
 * @param onData gets what comes after the login, a call for each chunk
 */
async function connectTo(onData: (socket: Socket, chunk: Buffer) => void) {
  const peer = await startTcpPeer((socket) => {
    socket.once('data', () => {
      socket.on('data', (chunk: Buffer) => onData(socket, chunk));
      socket.write('+PONG\r\n');
    });
  });
  const connection = await openRequestConnection(parseRedisAddress(peer.address), options);
  return { peer, connection };
}

describe('RequestConnection', () => {
  it('gives every kind of reply, in the order of the requests', async () => {
    const replies = [
      ['+OK\r\n', Buffer.from('OK')],
      ['+fine\r\n', Buffer.from('fine')],
      [':-12\r\n', -12],
      ['$-1\r\n', null],
      ['*-1\r\n', null],
      ['$0\r\n\r\n', Buffer.alloc(0)],
      ['*0\r\n', []],
      [
        '*3\r\n+OK\r\n*2\r\n:1\r\n*1\r\n+in\r\n$5\r\na\r\nb.\r\n',
        [Buffer.from('OK'), [1, [Buffer.from('in')]], Buffer.from('a\r\nb.')],
      ],
    ] as const;
    const { connection } = await connectTo((socket) => {
      socket.write(replies.map(([wire]) => wire).join(''));
    });
    const got = await Promise.all(replies.map(() => connection.send(get)));
    expect(got).toEqual(replies.map(([, value]) => value));
    await connection.close();
  });

  it('rejects with the words of the server, and goes on', async () => {
    const { peer, connection } = await connectTo((socket) => {
      socket.write('-ERR no such thing\r\n*2\r\n+OK\r\n-OOM within\r\n-MOVED 5 1.2.3.4:5\r\n:1\r\n');
    });
    const [first, second, third, fourth] = await Promise.allSettled(
      [1, 2, 3, 4].map(() => connection.send(get)),
    );
    expect(first).toMatchObject({
      reason: { code: 'AIBENCH_SERVER', message: `${peer.address} answered: ERR no such thing` },
    });
    expect(answerText((first as PromiseRejectedResult).reason)).toBe('ERR no such thing');
    const { value } = second as PromiseFulfilledResult<unknown[]>;
    expect(value).toEqual([Buffer.from('OK'), expect.any(Error)]);
    expect(value[1]).toMatchObject({ message: 'OOM within' });
    expect(third).toMatchObject({ reason: { hint: expect.stringContaining('--cluster-mode') } });
    expect(fourth).toEqual({ status: 'fulfilled', value: 1 });
    await connection.close();
  });

  it('finds replies wherever the chunks end', async () => {
    const reply = '*3\r\n+OK\r\n$12\r\n0123456789\r\n\r\n:77\r\n';
    const wanted = [Buffer.from('OK'), Buffer.from('0123456789\r\n'), 77];
    let cuts: readonly number[] = [];
    const { connection } = await connectTo(async (socket) => {
      let start = 0;
      for (const end of [...cuts, reply.length]) {
        socket.write(reply.slice(start, end));
        start = end;
        await sleep(1);
      }
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: reply.length - 1 }), { maxLength: 6 }),
        async (at) => {
          cuts = at.sort((a, b) => a - b);
          expect(await connection.send(get)).toEqual(wanted);
        },
      ),
      { numRuns: 30 },
    );
    await connection.close();
  });

  it('keeps replies apart from what is read after them, and takes long ones', async () => {
    const sizes = [3, 5_000_000, 40, 70_000];
    let next = 0;
    const { connection } = await connectTo((socket) => {
      const size = sizes[next]!;
      next += 1;
      socket.write(
        Buffer.concat([Buffer.from(`$${size}\r\n`), Buffer.alloc(size, next), Buffer.from('\r\n')]),
      );
    });
    const got: unknown[] = [];
    for (const _ of sizes) got.push(await connection.send(get));
    for (const [i, size] of sizes.entries())
      expect(Buffer.alloc(size, i + 1).equals(got[i] as Buffer)).toBe(true);
    await connection.close();
  });

  it('sends all of a turn in one write, in order, whatever its size', async () => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const { connection } = await connectTo((socket, chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes === 3 * get.length) socket.write(':1\r\n:2\r\n:3\r\n');
      if (bytes === 3 * get.length + 4_000_004) socket.write(':4\r\n:5\r\n:6\r\n');
    });
    expect(await Promise.all([1, 2, 3].map(() => connection.send(get)))).toEqual([1, 2, 3]);
    expect(chunks).toEqual([Buffer.concat([get, get, get])]);
    chunks.length = 0;
    const large = [Buffer.alloc(4_000_000, 1), Buffer.from('ab'), Buffer.from('cd')];
    const replies = large.map((wire) => connection.send(wire));
    expect(connection.backlogBytes).toBe(4_000_004);
    expect(await Promise.all(replies)).toEqual([4, 5, 6]);
    expect(Buffer.concat(chunks).equals(Buffer.concat(large))).toBe(true);
    expect(connection.backlogBytes).toBe(0);
    await connection.close();
  });

  it('holds back what is corked, over turns', async () => {
    const chunks: Buffer[] = [];
    const { connection } = await connectTo((socket, chunk) => {
      chunks.push(chunk);
      socket.write(':1\r\n:2\r\n');
    });
    connection.cork();
    const first = connection.send(get);
    await sleep(20);
    expect(chunks).toEqual([]);
    const second = connection.send(get);
    connection.uncork();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    expect(chunks).toEqual([Buffer.concat([get, get])]);
    await connection.close();
  });

  it.each([
    ['bytes that are no reply', 'HTTP/1.1 400 Bad Request\r\n'],
    ['a length that is none', '$12x\r\n'],
    ['an array nested without end', '*1\r\n'.repeat(1_000)],
    ['a bulk string that does not end where it says', '$1\r\nabc\r\n'],
    ['more replies than were asked for', ':1\r\n:2\r\n:3\r\n'],
  ])('takes %s for what it is', async (_, bytes) => {
    const { peer, connection } = await connectTo((socket) => socket.write(bytes));
    const isSurplus = bytes.startsWith(':1');
    const noRedis = {
      code: 'AIBENCH_ANSWER',
      message: `${peer.address} does not speak the Redis protocol`,
    };
    const out = await Promise.allSettled([connection.send(get), connection.send(get)]);
    for (const { status } of out) expect(status).toBe(isSurplus ? 'fulfilled' : 'rejected');
    await expect(connection.send(get)).rejects.toMatchObject(noRedis);
    await connection.close();
  });

  it('notices what comes right behind the login', async () => {
    const peer = await startTcpPeer((socket) => {
      socket.once('data', () => socket.end('+PONG\r\nHTTP/1.1 400 Bad Request\r\n'));
    });
    const connection = await openRequestConnection(parseRedisAddress(peer.address), options);
    await expect(connection.send(get)).rejects.toMatchObject({ code: 'AIBENCH_ANSWER' });
    await connection.close();
  });

  it('rejects what is out when the peer hangs up in the middle of a reply', async () => {
    const { peer, connection } = await connectTo((socket) => socket.end('*2\r\n:1\r\n$5\r\nab'));
    const out = [connection.send(get), connection.send(get)];
    for (const { reason } of (await Promise.allSettled(out)) as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({
        code: 'AIBENCH_CONNECTION',
        message: `the connection to Redis at ${peer.address} was lost`,
      });
    }
    await connection.close();
  });

  it('rejects what is out, and what has not left yet, when it is closed', async () => {
    let received = 0;
    const { connection } = await connectTo((_, chunk) => {
      received += chunk.length;
    });
    const sent = connection.send(get);
    while (received === 0) await sleep(1);
    const unsent = connection.send(get);
    const settled = Promise.allSettled([sent, unsent]);
    await Promise.all([connection.close(), connection.close()]);
    for (const result of await settled) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'AIBENCH_CONNECTION' } });
    }
    await expect(connection.send(get)).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
    await connection.close();
    expect(received).toBe(get.length);
  });

  it('does not mind silence while nothing is asked', async () => {
    const { address } = await startTcpPeer((socket) => {
      const answers = ['+PONG\r\n', ':1\r\n'];
      socket.on('data', () => {
        const answer = answers.shift();
        if (answer !== undefined) socket.write(answer);
      });
    });
    const connection = await openRequestConnection(parseRedisAddress(address), {
      ...options,
      readTimeoutMs: 50,
    });
    await sleep(150);
    expect(await connection.send(get)).toBe(1);
    await expect(connection.send(get)).rejects.toMatchObject({
      code: 'AIBENCH_TIMEOUT',
      message: `${address} did not answer in time`,
    });
    await connection.close();
  });
});
