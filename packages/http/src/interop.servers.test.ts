// The clients against servers that were not written here, beside Node's: Go's net/http, fasthttp and Python's own.
// Triton, TorchServe and Gunicorn are asked in apps/run-inference-*.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeWithGo,
  describeWithServer,
  type GuardedProcess,
  makeTlsCertificate,
  repositoryRoot,
  startGuarded,
  temporaryFolder,
} from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { openClient } from './http-client.test.fixture.js';
import { httpImplementations } from './open-http-client.js';

type Start = (args?: readonly string[]) => Promise<GuardedProcess & { readonly ready: string }>;

const folder = join(repositoryRoot, 'packages', 'testing', 'go', 'http-go-server');

await describeWithGo(folder, "Go's net/http", (binary) => {
  const start: Start = (args = []) => startGo(binary, args);
  ask(start);

  describe.each(httpImplementations)('and the client "%s"', (implementation) => {
    it('put chunks with a trailer together', async () => {
      const client = await openClient((await start()).ready, { implementation });
      const route = client.route({ method: 'POST', path: '/chunked' });
      for (const length of [1, 999, 1_000, 3_500, 500_000]) {
        const body = Buffer.alloc(length, 'of some length ');
        const answer = await route.send(body);
        expect(answer.headers['transfer-encoding']).toBe('chunked');
        expect(answer.body.equals(body)).toBe(true);
      }
    });
  });
});

await describeWithGo(folder, 'fasthttp', (binary) => {
  ask((args = []) => startGo(binary, ['-server', 'fasthttp', ...args]));
});

describeWithServer('python3', "Python's http.server, of HTTP/1.0", () => {
  it.each(httpImplementations)(
    'is asked over a new connection each time, by "%s"',
    async (implementation) => {
      const files = temporaryFolder();
      const body = Buffer.alloc(300_000, 'of some length ');
      writeFileSync(join(files, 'file'), body);
      const command = [
        'python3',
        '-u',
        '-m',
        'http.server',
        '0',
        '--bind',
        '127.0.0.1',
        '--directory',
        files,
      ];
      const server = await startGuarded(
        command,
        (stdout) => /port (\d+)/.exec(stdout)?.[1] && `127.0.0.1:${/port (\d+)/.exec(stdout)![1]}`,
      );
      const client = await openClient(server.ready, { implementation });
      const route = client.route({ method: 'GET', path: '/file' });
      const answers = await Promise.all(Array.from({ length: 20 }, () => route.send()));
      for (const answer of answers) expect(answer.body.equals(body)).toBe(true);
      expect((await client.route({ method: 'GET', path: '/none' }).send()).status).toBe(404);
      expect((await client.route({ method: 'POST', path: '/file' }).send(body)).status).toBe(501);
      expect((await client.route({ method: 'HEAD', path: '/file' }).send()).body).toHaveLength(0);
      expect((await route.send()).status).toBe(200);
    },
  );
});

function startGo(binary: string, args: readonly string[]) {
  return startGuarded([binary, ...args], (stdout) => (stdout.endsWith('\n') ? stdout.trim() : undefined));
}

function ask(start: Start): void {
  describe.each(httpImplementations)('and the client "%s"', (implementation) => {
    it('exchange bodies of any length', { timeout: 120_000 }, async () => {
      const client = await openClient((await start()).ready, { implementation });
      const echo = client.route({ method: 'POST', path: '/echo' });
      for (const length of [0, 1, 1_300, 32_000, 33_000, 602_112, 20_000_000]) {
        const body = Buffer.alloc(length, 'of some length ');
        for (const sent of [body, [body.subarray(0, length >> 1), body.subarray(length >> 1)]]) {
          const answer = await echo.send(sent);
          expect(answer.body.equals(body), `${length} octets`).toBe(true);
        }
      }
    });

    it('connect anew where the server closes after each answer', async () => {
      const client = await openClient((await start()).ready, { implementation });
      const route = client.route({ method: 'POST', path: '/close' });
      for (let i = 0; i < 50; i++) {
        const answer = await route.send(Buffer.from(`body ${i}`));
        expect(String(answer.body)).toBe(`body ${i}`);
        expect(answer.headers['connection']).toBe('close');
      }
    });

    it('tell what is not there', async () => {
      const client = await openClient((await start()).ready, { implementation });
      expect((await client.route({ method: 'GET', path: '/none' }).send()).status).toBe(404);
    });

    it('keep many requests on many connections apart', { timeout: 120_000 }, async () => {
      const { ready } = await start();
      const clients = await Promise.all(
        Array.from({ length: 20 }, () => openClient(ready, { implementation, timeoutMs: 60_000 })),
      );
      const rounds = clients.map(async (client, i) => {
        const echo = client.route({ method: 'POST', path: '/echo' });
        for (let round = 0; round < 50; round++) {
          const body = `client ${i}, round ${round} `.repeat(round % 7 === 0 ? 5_000 : 50);
          expect(String((await echo.send(Buffer.from(body))).body)).toBe(body);
        }
      });
      await Promise.all(rounds);
    });

    it('speak TLS', async () => {
      const { certificatePath, keyPath } = await makeTlsCertificate();
      const server = await start(['-certificate', certificatePath, '-key', keyPath]);
      const place = `https://${server.ready}`;
      for (const path of ['/echo', '/close']) {
        const client = await openClient(place, { implementation }, { caPath: certificatePath });
        const route = client.route({ method: 'POST', path });
        for (const length of [0, 1_300, 602_112]) {
          const body = Buffer.alloc(length, 'of some length ');
          const answers = await Promise.all([1, 2, 3].map(() => route.send(body)));
          expect(answers.every((answer) => answer.body.equals(body))).toBe(true);
        }
      }
    });
  });
}
