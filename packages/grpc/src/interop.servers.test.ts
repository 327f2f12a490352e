// The clients against servers that were not written here, beside @grpc/grpc-js: gRPC's C core and grpc-go.
// Triton is called in apps/run-inference-triton.
import { join } from 'node:path';
import {
  afterwards,
  describeWithGo,
  describeWithPython,
  type GuardedProcess,
  makeTlsCertificate,
  repositoryRoot,
  startGuarded,
  startPython,
} from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { parseGrpcAddress } from './grpc-address.js';
import {
  type GrpcClientOptions,
  grpcImplementations,
  openControlClient,
  openGrpcClient,
} from './open-grpc-client.js';

const testing = join(repositoryRoot, 'packages', 'testing');
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (message: Uint8Array) => new TextDecoder().decode(message);

/** Starts a server, which tells its address in its first line. */
type Start = (args?: readonly string[]) => Promise<GuardedProcess & { readonly ready: string }>;

await describeWithPython('grpcio', "gRPC's C core", (python) => {
  callServer((args) => startPython(python, join(testing, 'python', 'grpcio-server.py'), args));
});

await describeWithGo(join(testing, 'go', 'grpc-go-server'), 'grpc-go', (binary) => {
  callServer((args = []) =>
    startGuarded([binary, ...args], (stdout) => (stdout.endsWith('\n') ? stdout.trim() : undefined)),
  );
});

function callServer(start: Start): void {
  describe.each(grpcImplementations)('and the client "%s"', (implementation) => {
    async function open(server: { ready: string }, options: Partial<GrpcClientOptions> = {}, tls?: string) {
      const address = parseGrpcAddress(server.ready, { flag: '--host', defaultPort: 1 });
      const client = await openGrpcClient(
        tls === undefined ? address : { ...address, tls: { caPath: tls } },
        { flag: '--host', timeoutMs: 30_000, implementation, ...options },
      );
      afterwards({ stop: () => client.close(), stopNow() {} });
      return client;
    }

    it('exchange messages of any length, alone and many at once', { timeout: 120_000 }, async () => {
      const client = await open(await start());
      const echo = client.method('/test.Service/Echo');
      for (const length of [0, 1, 1_200, 16_379, 65_531, 600_000, 20_000_000]) {
        const message = Buffer.alloc(length, 'of some length ');
        const answer = await echo.call([message.subarray(0, length >> 1), message.subarray(length >> 1)]);
        expect(message.equals(answer), `${length} octets`).toBe(true);
      }
      const messages = Array.from({ length: 500 }, (_, i) => Buffer.alloc(i % 9 === 0 ? 100_000 : i, i));
      const answers = await Promise.all(messages.map((message) => echo.call(message)));
      expect(answers.every((answer, i) => messages[i]!.equals(answer))).toBe(true);
    });

    it('tell of failures, by trailers alone and late', async () => {
      const server = await start();
      const client = await open(server);
      const fail = client.method('/test.Service/Fail');
      await expect(fail.call(bytes('5 100 % of "größe" is\nnot there'))).rejects.toMatchObject({
        code: 'AIBENCH_SERVER',
        status: 'NOT_FOUND',
        message: `${server.ready} answered NOT_FOUND: 100 % of "größe" is\nnot there`,
      });
      await expect(client.method('/test.Service/FailLate').call(bytes(''))).rejects.toMatchObject({
        status: 'INTERNAL',
        message: expect.stringContaining('late'),
      });
      await expect(client.method('/test.Service/None').call(bytes(''))).rejects.toMatchObject({
        status: 'UNIMPLEMENTED',
      });
      expect(text(await client.method('/test.Service/Echo').call(bytes('still')))).toBe('still');
    });

    it('keep deadlines and limits', async () => {
      const client = await open(await start(), { maxMessageBytes: 100_000 });
      const silent = client.method('/test.Service/Silent').call(bytes(''), { timeoutMs: 50 });
      await expect(silent).rejects.toMatchObject({ status: 'DEADLINE_EXCEEDED' });
      const give = client.method('/test.Service/Give');
      await expect(give.call(bytes('100001'))).rejects.toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
      expect(await give.call(bytes('100000'))).toHaveLength(100_000);
    });

    // gRPC's C core counts calls for longer than a client can, and grpc-js asks only once more.
    if (implementation === 'own') {
      it('have no more calls at once than the server takes', async () => {
        const client = await open(await start(['--max-concurrent-streams', '2']));
        const echo = client.method('/test.Service/Echo');
        const messages = Array.from({ length: 100 }, (_, i) => `${i}`);
        const answers = await Promise.all(messages.map((message) => echo.call(bytes(message))));
        expect(answers.map(text)).toEqual(messages);
      });
    }

    it('speak TLS', { timeout: 120_000 }, async () => {
      const { certificatePath, keyPath } = await makeTlsCertificate();
      const server = await start(['--certificate', certificatePath, '--key', keyPath]);
      const client = await open(server, {}, certificatePath);
      const message = Buffer.alloc(2_000_000, 'secret');
      expect(message.equals(await client.method('/test.Service/Echo').call(message))).toBe(true);
    });

    it('come together again after a crash', { timeout: 120_000 }, async () => {
      const server = await start();
      const client = await open(server);
      const echo = client.method('/test.Service/Echo');
      const silent = client.method('/test.Service/Silent').call(bytes(''));
      const lost = expect(silent).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
      await echo.call(bytes(''));
      await server.kill();
      await lost;
      await expect(echo.call(bytes(''))).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
      await start(['--port', server.ready.split(':')[1]!]);
      await expect
        .poll(() => echo.call(bytes('back')).then(text, String), { timeout: 30_000, interval: 200 })
        .toBe('back');
    });
  });

  it('and the control client exchange metadata', async () => {
    const server = await start();
    const address = parseGrpcAddress(server.ready, { flag: '--host', defaultPort: 1 });
    const client = await openControlClient(address, { flag: '--host', timeoutMs: 30_000 });
    afterwards({ stop: () => client.close(), stopNow() {} });
    const { message, metadata } = await client.call('/test.Service/Echo', bytes('hello'));
    expect(text(message)).toBe('hello');
    expect(metadata['server']).toBe('a-server/1');
  });
}
