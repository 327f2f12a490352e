import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterwards, makeTlsCertificate, startTcpPeer } from '@aibench/testing';
import { ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { type GrpcAddress, parseGrpcAddress } from './grpc-address.js';
import type { GrpcClient } from './grpc-client.js';
import { startGrpcServer } from './grpc-server.test.fixture.js';
import {
  type GrpcClientOptions,
  grpcImplementations,
  openControlClient,
  openGrpcClient,
} from './open-grpc-client.js';

const text = (message: string) => Buffer.from(message);

function allReject(calls: readonly Promise<unknown>[], error: object): Promise<unknown> {
  return Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(error)));
}

describe.each(grpcImplementations)('the client "%s" against @grpc/grpc-js', (implementation) => {
  async function open(
    place: GrpcAddress | { address: string },
    options: Partial<GrpcClientOptions> = {},
  ): Promise<GrpcClient> {
    const address =
      'address' in place ? parseGrpcAddress(place.address, { flag: '--host', defaultPort: 1 }) : place;
    const client = await openGrpcClient(address, {
      flag: '--host',
      timeoutMs: 20_000,
      implementation,
      ...options,
    });
    afterwards({ stop: () => client.close(), stopNow() {} });
    return client;
  }

  it('calls a method, whether the message is in pieces or not', async () => {
    const server = await startGrpcServer();
    const client = await open(server);
    expect(client.address).toBe(server.address);
    const echo = client.method('/test.Service/Echo');
    expect(text('hello').equals(await echo.call(text('hello')))).toBe(true);
    expect(text('hello').equals(await echo.call([text('he'), text(''), text('llo')]))).toBe(true);
    expect(await echo.call(text(''))).toHaveLength(0);
    expect(await echo.call([])).toHaveLength(0);
  });

  it('sends metadata with every call', async () => {
    const client = await open(await startGrpcServer(), {
      headers: { authorization: 'Bearer x', 'x-run': '7' },
    });
    const metadata = client.method('/test.Service/Metadata');
    for (const [name, value] of [
      ['authorization', 'Bearer x'],
      ['x-run', '7'],
      ['x-other', ''],
    ] as const) {
      expect(Buffer.from(await metadata.call(text(name))).toString()).toBe(value);
    }
  });

  it('takes messages of any length in both directions', async () => {
    const client = await open(await startGrpcServer());
    const echo = client.method('/test.Service/Echo');
    // Around one frame, around the windows that are there at the beginning, and far beyond.
    for (const length of [16_378, 16_379, 16_380, 65_530, 65_531, 600_000, 20_000_000]) {
      const message = Buffer.alloc(length, 'a message of some length ');
      const third = Math.floor(length / 3);
      const answer = await echo.call([message.subarray(0, third), message.subarray(third)]);
      expect(message.equals(answer), `${length} octets`).toBe(true);
    }
  });

  it('gives every call its own answer, with many and long ones at once', async () => {
    const client = await open(await startGrpcServer());
    const echo = client.method('/test.Service/Echo');
    const messages = Array.from({ length: 300 }, (_, i) => Buffer.alloc(i % 7 === 0 ? 150_000 : i, i));
    const answers = await Promise.all(messages.map((message) => echo.call(message)));
    expect(answers.every((answer, i) => messages[i]!.equals(answer))).toBe(true);
  });

  it('takes answers in any order', async () => {
    const server = await startGrpcServer();
    const client = await open(server);
    const held = client.method('/test.Service/Held');
    const order: number[] = [];
    const calls = [1, 2, 3].map(async (i) => {
      const answer = await held.call(text(`${i}`));
      order.push(Number(Buffer.from(answer).toString()));
    });
    await client.method('/test.Service/Echo').call(text(''));
    server.release();
    await Promise.all(calls);
    expect(order).toEqual([3, 2, 1]);
  });

  it.each([
    [5, 'AIBENCH_SERVER', 'NOT_FOUND'],
    [3, 'AIBENCH_SERVER', 'INVALID_ARGUMENT'],
    [8, 'AIBENCH_SERVER', 'RESOURCE_EXHAUSTED'],
    [4, 'AIBENCH_TIMEOUT', 'DEADLINE_EXCEEDED'],
    [14, 'AIBENCH_CONNECTION', 'UNAVAILABLE'],
  ])('tells status %i by code and name, with its text', async (number, code, status) => {
    const server = await startGrpcServer();
    const client = await open(server);
    const details = '100 % of "größe"\nfailed';
    const message = `${server.address} answered ${status}: ${details}`;
    const call = client.method('/test.Service/Fail').call(text(`${number} ${details}`));
    await expect(call).rejects.toMatchObject({ code, status, message });
  });

  it('tells a failure after the answer has begun, and a method that is not there', async () => {
    const client = await open(await startGrpcServer());
    await expect(client.method('/test.Service/FailLate').call(text(''))).rejects.toMatchObject({
      status: 'INTERNAL',
      message: expect.stringContaining('late'),
    });
    await expect(client.method('/test.Service/None').call(text(''))).rejects.toMatchObject({
      code: 'AIBENCH_SERVER',
      status: 'UNIMPLEMENTED',
      hint: 'is it the right kind of server? see --host',
    });
  });

  it('gives up at the deadline, and tells the server', async () => {
    const server = await startGrpcServer();
    const client = await open(server, { timeoutMs: 50 });
    const silent = client.method('/test.Service/Silent');
    const late = { code: 'AIBENCH_TIMEOUT', status: 'DEADLINE_EXCEEDED' };
    await expect(silent.call(text(''))).rejects.toMatchObject(late);
    const both = [silent.call(text(''), { timeoutMs: 100 }), silent.call(text(''), { timeoutMs: 20 })];
    await allReject(both, late);
    await vi.waitFor(() => expect(server.cancelled()).toBe(3));
    const answer = await client.method('/test.Service/Echo').call(text('x'), { timeoutMs: 10_000 });
    expect(answer).toHaveLength(1);
  });

  it('cancels, and tells the server', async () => {
    const server = await startGrpcServer();
    const client = await open(server);
    const silent = client.method('/test.Service/Silent');
    const abort = new AbortController();
    const calls = [1, 2].map(() => silent.call(text(''), { signal: abort.signal }));
    await client.method('/test.Service/Echo').call(text(''));
    const reason = new Error('enough');
    abort.abort(reason);
    const cancelled = { code: 'AIBENCH_INTERRUPTED', status: 'CANCELLED', cause: reason };
    await allReject(calls, cancelled);
    await vi.waitFor(() => expect(server.cancelled()).toBe(2));
    await expect(silent.call(text(''), { signal: abort.signal })).rejects.toMatchObject(cancelled);
  });

  it('refuses an answer over its limit', async () => {
    const client = await open(await startGrpcServer(), { maxMessageBytes: 1_000 });
    const give = client.method('/test.Service/Give');
    expect(await give.call(text('1000'))).toHaveLength(1_000);
    await expect(give.call(text('1001'))).rejects.toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
    expect(await give.call(text('1000'))).toHaveLength(1_000);
  });

  it('has no more calls at once than the server takes', async () => {
    const server = await startGrpcServer({ maxConcurrentStreams: 2 });
    const client = await open(server);
    const echo = client.method('/test.Service/Echo');
    const messages = Array.from({ length: 50 }, (_, i) => text(`${i}`));
    const answers = await Promise.all(messages.map((message) => echo.call(message)));
    expect(answers.map(String)).toEqual(messages.map(String));
  });

  it('speaks TLS', async () => {
    const { certificatePath, keyPath } = await makeTlsCertificate();
    const pair = { private_key: readFileSync(keyPath), cert_chain: readFileSync(certificatePath) };
    const server = await startGrpcServer({ credentials: ServerCredentials.createSsl(null, [pair]) });
    const place = { host: '127.0.0.1', port: server.port };
    for (const tls of [{ caPath: certificatePath }, { insecure: true }]) {
      const client = await open({ ...place, tls });
      const message = Buffer.alloc(2_000_000, 'secret');
      const answers = await Promise.all(
        [message, text('a'), text('b')].map((one) => client.method('/test.Service/Echo').call(one)),
      );
      expect(message.equals(answers[0]!)).toBe(true);
      expect(answers.slice(1).map(String)).toEqual(['a', 'b']);
    }
    await expect(open({ ...place, tls: {} })).rejects.toMatchObject({
      code: 'AIBENCH_CONNECTION',
      message: expect.stringContaining('certificate that is not trusted'),
      hint: expect.stringContaining('--tls-ca'),
    });
  });

  it('tells a lost connection, and calls again when the server is back', async () => {
    // Between them stands one that can hang up without a word, as a server does that is killed.
    const { port } = await startGrpcServer();
    const server = await startTcpPeer((socket) => void socket.pipe(connect(port, '127.0.0.1')).pipe(socket));
    const client = await open(server);
    const silent = client.method('/test.Service/Silent');
    const echo = client.method('/test.Service/Echo');
    const calls = [1, 2].map(() => silent.call(text('')));
    const lost = allReject(calls, {
      code: 'AIBENCH_CONNECTION',
      message: expect.stringContaining(server.address),
    });
    await echo.call(text(''));
    await Promise.all([lost, server.stop()]);
    await expect(echo.call(text(''))).rejects.toMatchObject({
      code: 'AIBENCH_CONNECTION',
      message: `cannot connect to the gRPC server at ${server.address}: connection refused`,
      hint: 'is it running? see --host',
    });
    await startGrpcServer({ port: server.port });
    await vi.waitFor(async () => expect(String(await echo.call(text('back')))).toBe('back'), 5_000);
  });

  it('fails what is called once it is closed', async () => {
    const server = await startGrpcServer();
    const client = await open(server);
    const silent = client.method('/test.Service/Silent');
    const failed = allReject([silent.call(text(''))], { code: 'AIBENCH_CONNECTION' });
    await client.method('/test.Service/Echo').call(text(''));
    await Promise.all([failed, client.close()]);
    await expect(silent.call(text(''))).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
    await client.close();
  });
});

describe('openControlClient', () => {
  it('gives the metadata that an answer begins with', async () => {
    const server = await startGrpcServer();
    const client = openControlClient(parseGrpcAddress(server.address, { flag: '--host', defaultPort: 1 }), {
      flag: '--host',
      timeoutMs: 5_000,
    });
    afterwards({ stop: () => client.close(), stopNow() {} });
    const { message, metadata } = await client.call('/test.Service/Echo', text('hello'));
    expect(String(message)).toBe('hello');
    expect(metadata).toMatchObject({ server: 'a-server/1' });
    await expect(client.call('/test.Service/Silent', text(''), { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'AIBENCH_TIMEOUT',
    });
  });
});
