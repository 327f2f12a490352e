import type { Socket } from 'node:net';
import { startTcpPeer } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { parseRedisAddress, type RedisAddress } from './redis-address.js';
import { connectRedis } from './redis-connection.js';
import { RedisSocket } from './redis-socket.js';
import { openRequestConnection } from './request-connection.js';
import { encodeCommand } from './resp-encode.js';

/** All ways to connect must explain failures alike. */
const ways = [
  { name: 'connectRedis', open: connectRedis },
  { name: 'openRequestConnection', open: openRequestConnection },
  { name: 'RedisSocket.open', open: RedisSocket.open },
];
const options = { connectTimeoutMs: 400, flag: '--host' };

async function failure(open: (typeof ways)[number]['open'], address: RedisAddress) {
  return open(address, options).then(
    () => expect.unreachable('it connected'),
    ({ code, message, hint }) => ({ code, line: `${message} (${hint})` }),
  );
}

describe.each(ways)('$name', ({ open }) => {
  async function failureWith(
    peer: (socket: Socket) => void,
    url = (address: string) => `redis://${address}`,
  ) {
    const { address } = await startTcpPeer(peer);
    return { address, ...(await failure(open, parseRedisAddress(url(address)))) };
  }

  it('tells that nobody listens', async () => {
    const peer = await startTcpPeer(() => {});
    await peer.stop();
    const { code, line } = await failure(open, parseRedisAddress(peer.address));
    expect(code).toBe('AIBENCH_CONNECTION');
    expect(line).toBe(
      `cannot connect to Redis at ${peer.address}: connection refused (is it running? see --host)`,
    );
  });

  it('tells that the host has no address', async () => {
    const { code, line } = await failure(open, parseRedisAddress('no-such-host.invalid'));
    expect(code).toBe('AIBENCH_CONNECTION');
    expect(line).toMatch(/no-such-host\.invalid:6379: (no such host name|the host name cannot be looked up)/);
  });

  it('tells that the peer is no Redis', async () => {
    const { code, address, line } = await failureWith((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    expect(code).toBe('AIBENCH_ANSWER');
    expect(line).toContain(`${address} does not speak the Redis protocol`);
  });

  it('tells that the peer expects TLS', async () => {
    const { code, line } = await failureWith((socket) => {
      // The alert that a TLS server answers plain text with.
      socket.once('data', () => socket.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46])));
    });
    expect(code).toBe('AIBENCH_ANSWER');
    expect(line).toContain('rediss://');
  });

  it('tells that the peer does not speak TLS', async () => {
    const { address, code, line } = await failureWith(
      (socket) => void socket.once('data', () => socket.end('-ERR Protocol error\r\n')),
      (peer) => `rediss://${peer}`,
    );
    expect(code).toBe('AIBENCH_CONNECTION');
    expect(line).toBe(
      `${address} does not speak TLS as expected (a server without TLS is written redis:// in --host)`,
    );
  });

  it('tells that the peer hangs up', async () => {
    const { code, address, line } = await failureWith(
      (socket) => void socket.once('data', () => socket.destroy()),
    );
    expect(code).toBe('AIBENCH_CONNECTION');
    expect(line).toContain(`cannot connect to Redis at ${address}: it closed the connection`);
  });

  it('does not wait for ever', async () => {
    const { code, address, line } = await failureWith(() => {});
    expect(code).toBe('AIBENCH_CONNECTION');
    expect(line).toContain(`Redis at ${address} did not answer within 400 ms`);
  });

  it('tells that the login is refused, without the password', async () => {
    const { code, address, line } = await failureWith(
      (socket) =>
        void socket.once('data', () => socket.write('-WRONGPASS invalid username-password pair\r\n')),
      (peer) => `redis://user:hunter2@${peer}`,
    );
    expect(code).toBe('AIBENCH_SERVER');
    expect(line).toContain(`${address} refuses the login: WRONGPASS`);
    expect(line).not.toContain('hunter2');
  });

  it('takes a password that is not asked for', async () => {
    const { address } = await startTcpPeer((socket) => {
      const answers = [
        '-ERR AUTH <password> called without any password configured for the default user.',
        '+PONG',
      ];
      socket.on('data', () => socket.write(`${answers.shift()}\r\n`));
    });
    const connection = await open(parseRedisAddress(`redis://:p@${address}`), options);
    await ('close' in connection ? connection.close() : connection.destroy());
  });

  it('tells that the file of authorities cannot be read', async () => {
    const address = parseRedisAddress('rediss://127.0.0.1:1', { tls: { caPath: '/nonexistent/ca.pem' } });
    const { code, line } = await failure(open, address);
    expect(code).toBe('AIBENCH_INPUT');
    expect(line).toMatch(/cannot read the certificates in \/nonexistent\/ca\.pem: .*see --tls-ca/);
  });
});

const get = encodeCommand(['GET', 'a']);

describe.each([
  { name: 'RedisConnection', open: connectRedis },
  { name: 'RequestConnection', open: openRequestConnection },
])('$name', ({ open }) => {
  it('rejects what is on its way when the connection is lost, and does not come back', async () => {
    const peer = await startTcpPeer((socket) => {
      socket.once('data', () => {
        socket.write('+PONG\r\n');
        socket.once('data', () => socket.destroy());
      });
    });
    const connection = await open(parseRedisAddress(peer.address), options);
    const lost = {
      code: 'AIBENCH_CONNECTION',
      message: `the connection to Redis at ${peer.address} was lost`,
    };
    await expect(connection.send(get)).rejects.toMatchObject(lost);
    await expect(connection.send(get)).rejects.toMatchObject(lost);
    expect(peer.connections()).toBe(1);
    await connection.close();
  });

  it('gives up on an answer that does not come', async () => {
    const { address } = await startTcpPeer(
      (socket) => void socket.once('data', () => socket.write('+PONG\r\n')),
    );
    const connection = await open(parseRedisAddress(address), { ...options, readTimeoutMs: 100 });
    await expect(connection.send(get)).rejects.toMatchObject({ code: 'AIBENCH_TIMEOUT' });
  });
});
