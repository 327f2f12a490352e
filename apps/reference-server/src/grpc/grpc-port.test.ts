import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { makeTlsCertificate } from '@aibench/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GrpcCaller } from '../testing/grpc-caller.js';
import { encodeGrpcMessage, GrpcError } from './grpc-error.js';
import { GrpcPort } from './grpc-port.js';
import type { GrpcHandler } from './grpc-service.js';
import { parseGrpcTimeout } from './grpc-timeout.js';

const path = '/test.Service/Method';

async function start(
  handler: GrpcHandler,
  options: { maxMessageBytes?: number; tls?: { cert: Buffer; key: Buffer } } = {},
) {
  const port = await GrpcPort.listen({
    ...{ host: '127.0.0.1', port: 0, flag: 'port', server: 'it/1', maxMessageBytes: 2 ** 31 - 1 },
    ...{ handlers: new Map([[path, handler]]), tls: undefined },
    ...options,
  });
  onTestFinished(() => port.close());
  return { port, address: `127.0.0.1:${port.port}` };
}

const echo: GrpcHandler = (request) => request;

describe('GrpcPort', () => {
  it.each([0, 1, 1_200, 16_384, 100_000, 5_000_000])('carries %d bytes both ways', async (sizeBytes) => {
    const { address } = await start(echo);
    const sent = Buffer.alloc(sizeBytes, 'abc');
    const { message, metadata } = await new GrpcCaller(address).callBytes(path, sent);
    expect(message.equals(sent)).toBe(true);
    expect(metadata['server']).toBe('it/1');
  });

  it('answers many calls of one connection, as each is ready', async () => {
    const { address } = await start(async (request) => {
      await new Promise((resolve) => setTimeout(resolve, request[0]! % 7));
      return request;
    });
    const caller = new GrpcCaller(address);
    const sent = Array.from({ length: 300 }, (_, i) => Buffer.alloc(1 + 100 * i, i % 256));
    const answers = await Promise.all(sent.map((bytes) => caller.callBytes(path, bytes)));
    answers.forEach(({ message }, i) => {
      expect(message.equals(sent[i]!)).toBe(true);
    });
  });

  it('speaks TLS', async () => {
    const { certificatePath, keyPath } = await makeTlsCertificate();
    const cert = readFileSync(certificatePath);
    const { address } = await start(echo, { tls: { cert, key: readFileSync(keyPath) } });
    expect((await new GrpcCaller(address, cert).callBytes(path, Buffer.from('x'))).message.toString()).toBe(
      'x',
    );
  });

  it.each([
    [new GrpcError('notFound', 'no "model", 100 % gone: é\n '), 5, 'no "model", 100 % gone: é\n '],
    [new TypeError('a bug'), 13, 'a bug'],
  ])('tells the status of %s', async (error, code, details) => {
    for (const handler of [
      () => {
        throw error;
      },
      () => Promise.reject(error),
    ]) {
      const { address } = await start(handler);
      await expect(new GrpcCaller(address).callBytes(path, Buffer.alloc(10))).rejects.toMatchObject({
        code,
        details,
      });
    }
  });

  it('has no other methods', async () => {
    const { address } = await start(echo);
    await expect(
      new GrpcCaller(address).callBytes('/test.Service/Other', Buffer.alloc(0)),
    ).rejects.toMatchObject({
      code: 12,
      details: 'there is no method /test.Service/Other here',
    });
  });

  it('refuses a message above its limit, whatever comes after it', async () => {
    const { address } = await start(echo, { maxMessageBytes: 1_000 });
    const caller = new GrpcCaller(address);
    await expect(caller.callBytes(path, Buffer.alloc(1_001))).rejects.toMatchObject({
      code: 8,
      details: 'Received message larger than max (1001 vs. 1000)',
    });
    await expect(caller.callBytes(path, Buffer.alloc(3_000_000))).rejects.toMatchObject({ code: 8 });
    expect((await caller.callBytes(path, Buffer.alloc(1_000))).message).toHaveLength(1_000);
  });

  it('gives up at the deadline of the call', async () => {
    const { address } = await start(() => new Promise(() => undefined));
    await expect(new GrpcCaller(address).callBytes(path, Buffer.alloc(0), 50)).rejects.toMatchObject({
      code: 4,
    });
  });

  it('ends the connection of a peer that speaks no HTTP/2, and goes on', async () => {
    const { address, port } = await start(echo);
    const socket = connect({ host: '127.0.0.1', port: port.port });
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => socket.resume().on('close', resolve));
    expect((await new GrpcCaller(address).callBytes(path, Buffer.from('x'))).message.toString()).toBe('x');
  });

  it('ends while calls are out', async () => {
    const { address, port } = await start(() => new Promise(() => undefined));
    const call = new GrpcCaller(address).callBytes(path, Buffer.alloc(0));
    const failed = expect(call).rejects.toMatchObject({ code: 14 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await port.close();
    await failed;
  });
});

describe('parseGrpcTimeout', () => {
  it.each([
    ['1S', 1_000],
    ['250m', 250],
    ['1500u', 1.5],
    ['99999999n', 99.999999],
    ['2H', 7_200_000],
    ['3M', 180_000],
    ['', undefined],
    ['1', undefined],
    ['m', undefined],
    ['123456789m', undefined],
    ['-1m', undefined],
  ])('reads %j', (text, expectedMs) => {
    expect(parseGrpcTimeout(text)).toEqual(
      expectedMs === undefined ? undefined : expect.closeTo(expectedMs, 9),
    );
  });
});

describe('encodeGrpcMessage', () => {
  it.each([
    ['plain text', 'plain text'],
    ['50%', '50%25'],
    ['a\nb', 'a%0Ab'],
    ['é', '%C3%A9'],
    [' x ', '%20x%20'],
  ])('writes %j', (message, expected) => {
    expect(encodeGrpcMessage(message)).toBe(expected);
  });
});
