import { startReferenceServer, startTcpPeer } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { describeRedis, parseInfo } from './describe-redis.js';
import { parseRedisAddress } from './redis-address.js';
import { connectRedis } from './redis-connection.js';
import { ReplyScanner } from './reply-scanner.js';
import { encodeCommand } from './resp-encode.js';

/** A server that gives fixed answers to INFO, MODULE LIST and COMMAND INFO. */
async function describeAnswers(answers: Readonly<Record<string, string>>) {
  const peer = await startTcpPeer((socket) => {
    const scanner = new ReplyScanner((command) => {
      const name = String((command as Buffer[])[0]);
      socket.write(name === 'PING' ? '+PONG\r\n' : (answers[name] ?? '-NOPERM no permission\r\n'));
    });
    socket.on('data', (chunk) => scanner.push(chunk));
  });
  const connection = await connectRedis(parseRedisAddress(peer.address));
  const description = await describeRedis(connection);
  await connection.close();
  return description;
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

function moduleList(name: string, version: number): string {
  return `*1\r\n*4\r\n${bulk('name')}${bulk(name)}${bulk('ver')}:${version}\r\n`;
}

const info = bulk('# Server\r\nredis_version:6.2.7\r\ncluster_enabled:1\r\n');

describe('describeRedis', () => {
  it.each([
    [10_202, '1.2.2', 'run'],
    [10_203, '1.2.3', 'execute'],
    [999_999, '99.99.99', 'execute'],
  ])(
    'takes version %i of RedisAI for %s, with the commands named %s',
    async (number, version, aiCommands) => {
      expect(await describeAnswers({ INFO: info, MODULE: moduleList('ai', number) })).toEqual({
        product: 'RedisAI',
        version,
        redisVersion: '6.2.7',
        isReference: false,
        clusterEnabled: true,
        modules: [{ name: 'ai', version: number }],
        aiCommands,
      });
    },
  );

  it.each([
    ['execute', '*2\r\n*1\r\n$1\r\nx\r\n*-1\r\n'],
    ['run', '*2\r\n*-1\r\n*1\r\n$1\r\nx\r\n'],
    [undefined, '*2\r\n*-1\r\n*-1\r\n'],
  ])('finds the commands %s where modules are not told', async (aiCommands, reply) => {
    const description = await describeAnswers({ INFO: info, COMMAND: reply });
    expect(description.aiCommands).toBe(aiCommands);
    expect(description.product).toBe(aiCommands === undefined ? 'Redis' : 'RedisAI');
  });

  it('knows Valkey, and a server that tells nothing', async () => {
    const valkey = await describeAnswers({ INFO: bulk('redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n') });
    expect(valkey).toMatchObject({ product: 'Valkey', version: '8.0.1' });
    expect(await describeAnswers({})).toMatchObject({
      product: 'Redis',
      version: 'unknown',
      aiCommands: undefined,
    });
  });

  it.each([
    ['10202', 'run'],
    ['10205', 'execute'],
  ])('knows the reference server, as RedisAI %s', async (version, aiCommands) => {
    const { addresses } = await startReferenceServer(['--redisai-version', version]);
    const connection = await connectRedis(parseRedisAddress(addresses.redis));
    const description = await describeRedis(connection);
    expect(description).toMatchObject({ product: 'aibench-reference-server', isReference: true, aiCommands });
    expect(description.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(description.version).not.toBe(description.redisVersion);
    await connection.close();
  });
});

it('parseInfo reads what comes after the first colon', () => {
  expect([...parseInfo('# Server\r\na:1\r\n\r\nb:x:y\nnothing')]).toEqual([
    ['a', '1'],
    ['b', 'x:y'],
  ]);
});

it('encodes a command as RESP says', () => {
  expect(encodeCommand(['GET', 'é', 7, Buffer.from([0])]).toString()).toBe(
    '*4\r\n$3\r\nGET\r\n$2\r\né\r\n$1\r\n7\r\n$1\r\n\0\r\n',
  );
});
