import { describe, expect, it } from 'vitest';
import { type Argument, encodeCommand } from '../testing/test-client.js';
import { additionOnnx, floatBytes, floatValues } from '../testing/test-models.js';
import { connectToTestServer, startTestServer } from '../testing/test-server.js';

const store: Argument[] = ['AI.MODELSTORE', 'm', 'ONNX', 'CPU', 'BLOB', additionOnnx];

/** A DAG whose answer tells which request it belongs to. */
function addition(value: number): Argument[] {
  return [
    ...['AI.DAGRUN', '|>', 'AI.TENSORSET', 'x', 'FLOAT', 1, 2, 'BLOB', floatBytes(value, value)],
    ...['|>', 'AI.MODELRUN', 'm', 'INPUTS', 'x', 'x', 'OUTPUTS', 'z', '|>', 'AI.TENSORGET', 'z', 'BLOB'],
  ];
}

describe('a connection', () => {
  it.each([{}, { delayDistribution: 'uniform:0s-3ms' }])(
    'replies in the order of the requests, whether they wait for a model or not (%j)',
    async (overrides) => {
      const client = await connectToTestServer(overrides);
      const commands: Argument[][] = [store];
      for (let i = 0; i < 60; i++) commands.push(addition(i), ['ECHO', `after ${i}`], ['INCR', 'n']);
      const replies = await client.pipeline(commands);
      expect(replies[0]).toBe('OK');
      for (let i = 0; i < 60; i++) {
        const [, , z] = replies[1 + 3 * i] as unknown[];
        expect(floatValues(z)).toEqual([2 * i, 2 * i]);
        expect(replies.slice(2 + 3 * i, 4 + 3 * i)).toEqual([`after ${i}`, i + 1]);
      }
    },
  );

  it('answers what came before a command that waits', async () => {
    const client = await connectToTestServer({ nullModel: true, delayMs: 60_000 });
    await client.call(...store);
    client.socket.write(Buffer.concat([encodeCommand(['PING', 'first']), encodeCommand(addition(1))]));
    expect(await client.next()).toBe('first');
  });

  it('goes on while another connection waits for a model', async () => {
    const server = await startTestServer({ nullModel: true, delayMs: 60_000 });
    const waiting = await server.connect();
    await waiting.call(...store);
    waiting.socket.write(encodeCommand(addition(1)));
    const other = await server.connect();
    await expect.poll(() => other.call('INFO', 'clients')).toContain('blocked_clients:1');
    waiting.close();
    await expect.poll(() => other.call('INFO', 'clients')).toContain('connected_clients:1');
    expect(await other.call('SET', 'a', 'b')).toBe('OK');
  });

  it('gives each of several clients its own answers', async () => {
    const server = await startTestServer();
    const clients = await Promise.all(Array.from({ length: 8 }, () => server.connect()));
    await clients[0]!.call(...store);
    await Promise.all(
      clients.map(async (client, index) => {
        for (let i = 0; i < 40; i++) {
          const value = index * 1_000 + i;
          const [, , z] = (await client.call(...addition(value))) as unknown[];
          expect(floatValues(z)).toEqual([2 * value, 2 * value]);
        }
      }),
    );
    const info = (await clients[0]!.call('AI.INFO', 'm')) as unknown[];
    expect(info.slice(12, 18)).toEqual(['samples', 320, 'calls', 320, 'errors', 0]);
  });

  it.each([
    ['*1\r\n!4\r\nPING\r\n', "-ERR Protocol error: expected '$', got '!'\r\n"],
    ['*1\r\n$99999999999\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
    ['*2000000000\r\n', '-ERR Protocol error: invalid multibulk length\r\n'],
    ['PING\r\nGET "a\r\nPING\r\n', '+PONG\r\n-ERR Protocol error: unbalanced quotes in request\r\n'],
  ])('answers %j and closes', async (text, reply) => {
    const client = await connectToTestServer();
    client.socket.write(text);
    expect(await client.closed()).toBe(reply);
  });

  it('outlives clients that leave in the middle of things', async () => {
    const server = await startTestServer();
    const stays = await server.connect();
    await stays.call(...store);
    for (let i = 0; i < 20; i++) {
      const leaves = await server.connect();
      leaves.socket.write(
        Buffer.concat([encodeCommand(addition(i)), encodeCommand(addition(i)), Buffer.from('*3\r\n$3')]),
      );
      if (i % 2 === 0) leaves.socket.destroy();
      else leaves.socket.resetAndDestroy();
    }
    expect(await stays.call('PING')).toBe('PONG');
    await expect.poll(() => stays.call('INFO', 'clients')).toContain('connected_clients:1');
  });

  it('holds back a client that does not read its replies', async () => {
    const server = await startTestServer();
    const client = await server.connect();
    await client.call('SET', 'big', Buffer.alloc(1_000_000, 'x'));
    client.socket.pause();
    const count = 200;
    client.socket.write(Buffer.concat(Array.from({ length: count }, () => encodeCommand(['GET', 'big']))));
    const other = await server.connect();
    // The server stops running the client's commands once its replies pile up, long before the last.
    await expect.poll(() => other.call('INFO', 'commandstats')).toMatch(/cmdstat_get:calls=[1-9]/);
    const calls = /cmdstat_get:calls=(\d+)/.exec(String(await other.call('INFO', 'commandstats')));
    expect(Number(calls![1])).toBeLessThan(count);
    client.socket.resume();
    for (let i = 0; i < count; i++) expect(String(await client.next()).length).toBe(1_000_000);
    expect(await client.call('PING')).toBe('PONG');
  });
});
