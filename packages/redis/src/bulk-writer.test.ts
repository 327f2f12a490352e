import { startTcpPeer } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { type BulkWriter, type BulkWriterOptions, openBulkWriter } from './bulk-writer.js';
import { commandTemplate } from './command-template.js';
import { parseRedisAddresses } from './redis-address.js';
import { ReplyScanner } from './reply-scanner.js';

const set = commandTemplate(['SET', { key: (id) => `k:{${id}}` }, { blob: 8 }]);

/** A Redis that answers commands one by one; the answer to null is to hang up, to undefined to say nothing. */
async function fakeRedis(answer: (args: readonly string[], n: number) => string | null | undefined) {
  const commands: string[][] = [];
  let n = 0;
  const peer = await startTcpPeer((socket) => {
    const scanner = new ReplyScanner((command) => {
      const args = (command as Buffer[]).map(String);
      if (args[0] === 'PING') return void socket.write('+PONG\r\n');
      commands.push(args);
      const text = answer(args, n++);
      if (text === null) socket.destroy();
      else if (text !== undefined) socket.write(text);
    });
    socket.on('data', (chunk) => scanner.push(chunk));
  });
  return { ...peer, commands };
}

async function write(writer: BulkWriter, rows: number): Promise<void> {
  const blob = new Uint8Array(8);
  for (let id = 0; id < rows; id++) {
    blob.fill(id);
    await writer.add(set, id, [blob]);
  }
  await writer.flush();
}

function openAt(address: string, options: BulkWriterOptions = {}): Promise<BulkWriter> {
  return openBulkWriter(parseRedisAddresses([address]), options);
}

describe('BulkWriter', () => {
  it.each([
    { connections: 1, pipeline: 1 },
    { connections: 1, pipeline: 7 },
    { connections: 3, pipeline: 100 },
    { connections: 2, pipeline: 2_000 },
  ])('writes each command once, with $connections connections of $pipeline', async (options) => {
    const server = await fakeRedis(() => '+OK\r\n');
    const writer = await openAt(server.address, options);
    await write(writer, 1_234);
    expect(writer.totals).toEqual({
      added: 1_234,
      confirmed: 1_234,
      refused: 0,
      integerSum: 0,
      redirected: 0,
    });
    await writer.close();
    const written = server.commands
      .map(([name, key, blob]) => `${name} ${key} ${Buffer.from(blob!)[0]}`)
      .sort();
    const expected = Array.from({ length: 1_234 }, (_, id) => {
      const blob = Buffer.from(Buffer.alloc(8, id).toString());
      return `SET k:{${id}} ${blob[0]}`;
    }).sort();
    expect(written).toEqual(expected);
  });

  it('never has more commands on their way than the pipeline', async () => {
    let waiting = 0;
    let most = 0;
    const server = await startTcpPeer((socket) => {
      const scanner = new ReplyScanner((command) => {
        if (String((command as Buffer[])[0]) === 'PING') return void socket.write('+PONG\r\n');
        waiting += 1;
        most = Math.max(most, waiting);
        setTimeout(() => {
          waiting -= 1;
          socket.write('+OK\r\n');
        }, 1);
      });
      socket.on('data', (chunk) => scanner.push(chunk));
    });
    const writer = await openAt(server.address, { pipeline: 9 });
    await write(writer, 200);
    expect(most).toBeLessThanOrEqual(9);
    expect(most).toBeGreaterThan(4);
    await writer.close();
  });

  it('keeps the errors, with key and text', async () => {
    const server = await fakeRedis((_, n) => (n % 10 === 3 ? '-OOM command not allowed\r\n' : '+OK\r\n'));
    const writer = await openAt(server.address, { pipeline: 6 });
    await write(writer, 150);
    expect(writer.totals).toMatchObject({ added: 150, confirmed: 135, refused: 15 });
    expect(writer.refusals).toHaveLength(10);
    expect(writer.refusals[0]).toEqual({
      command: 'SET',
      key: 'k:{3}',
      address: server.address,
      text: 'OOM command not allowed',
    });
    await writer.close();
  });

  it('adds up the integers that are answered', async () => {
    const server = await fakeRedis((_, n) => `:${n % 2}\r\n`);
    const writer = await openAt(server.address);
    await write(writer, 100);
    expect(writer.totals.integerSum).toBe(50);
    await writer.close();
  });

  it('fails with the counts when the connection is lost', async () => {
    const server = await fakeRedis((_, n) => (n < 25 ? '+OK\r\n' : null));
    const writer = await openAt(server.address, { pipeline: 10 });
    const message = /^the connection to Redis at 127.* was lost; \d+ of \d+ commands were confirmed$/;
    await expect(write(writer, 1_000)).rejects.toMatchObject({
      code: 'AIBENCH_CONNECTION',
      message: expect.stringMatching(message),
    });
    const { confirmed, added } = writer.totals;
    expect(confirmed).toBeLessThanOrEqual(25);
    expect(added).toBeGreaterThan(confirmed);
    await expect(writer.flush()).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
    expect(() => writer.add(set, 1, [new Uint8Array(8)])).toThrow('was lost');
    await writer.close();
  });

  it('fails when the server falls silent', async () => {
    const server = await fakeRedis((_, n) => (n < 5 ? '+OK\r\n' : undefined));
    const writer = await openAt(server.address, { pipeline: 4, stallTimeoutMs: 100 });
    await expect(write(writer, 100)).rejects.toMatchObject({
      code: 'AIBENCH_TIMEOUT',
      message: `Redis at ${server.address} has not answered for 0.1 s; 5 of 8 commands were confirmed`,
    });
    await writer.close();
  });

  it('fails when the stream is no RESP', async () => {
    const server = await fakeRedis((_, n) => (n < 5 ? '+OK\r\n' : 'nonsense\r\n'));
    const writer = await openAt(server.address);
    await expect(write(writer, 100)).rejects.toMatchObject({ code: 'AIBENCH_ANSWER' });
    await writer.close();
  });
});
