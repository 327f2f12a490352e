import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defaultValues } from '@aibench/harness/cli';
import { parseHttpAddress } from '@aibench/http';
import { afterwards } from '@aibench/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeModel } from './describe-model.js';
import { flags, type TorchServeFlags } from './flags.js';

afterEach(() => vi.unstubAllEnvs());

/** A model's description with these workers. */
function described(workers: readonly string[], more: object = {}) {
  return [
    {
      ...{ modelName: 'm', modelVersion: '1.0', modelUrl: 'm.mar', minWorkers: workers.length, batchSize: 4 },
      workers: workers.map((status) => ({ status })),
      ...more,
    },
  ];
}

/** A management port that answers as a test wants: what it gives goes out as JSON. */
async function startManagement(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = createServer((request, response) => {
    const json = answer(request, response);
    if (json !== undefined) response.end(JSON.stringify(json));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards({
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    stopNow() {},
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Asked {
  readonly isGiven?: boolean;
  readonly version?: string;
  readonly values?: Partial<TorchServeFlags>;
}

function ask(address: string, { isGiven = true, values = {}, version = '' }: Asked = {}) {
  return describeModel(
    { http: parseHttpAddress(address, { flag: '--torchserve-management-host', defaultPort: 1 }), isGiven },
    { model: 'm', version },
    { ...defaultValues(flags), ...values },
    { timeoutMs: 5_000, signal: new AbortController().signal },
  );
}

function notFound(response: ServerResponse): object {
  response.statusCode = 404;
  return { code: 404, type: 'ModelNotFoundException', message: 'Model not found: m' };
}

describe('describeModel', () => {
  it('waits for the workers that there should be', async () => {
    let looks = 0;
    const address = await startManagement(({ url }) => {
      if (url?.endsWith('/all')) return described(['READY', 'UNLOADING']);
      looks += 1;
      return described(['READY', looks < 3 ? 'UNLOADING' : 'READY']);
    });
    const found = await ask(address);
    expect(found).toMatchObject({
      ...{ kind: 'described', versions: ['1.0'] },
      chosen: { version: '1.0', batchSize: 4, workers: ['READY', 'READY'] },
    });
    expect(looks).toBe(3);
  });

  it('takes what is ready at the limit, if any is', async () => {
    const values = { readyTimeoutMs: 100 };
    const some = await startManagement(() => described(['READY', 'UNLOADING']));
    expect(await ask(some, { values })).toMatchObject({ chosen: { workers: ['READY', 'UNLOADING'] } });
    const none = await startManagement(() => described(['UNLOADING']));
    await expect(ask(none, { values })).rejects.toMatchObject({
      ...{ code: 'AIBENCH_SERVER', message: `${none}: none of the 1 workers of model m is ready` },
      hint: expect.stringContaining('--ready-timeout'),
    });
  });

  it('does not wait for workers that nobody starts', async () => {
    const address = await startManagement(() => described([]));
    await expect(ask(address)).rejects.toMatchObject({
      message: `${address}: none of the 0 workers of model m is ready`,
      hint: expect.stringContaining('give it workers'),
    });
  });

  it.each([true, false])('names what is there instead of a model (port given: %j)', async (isGiven) => {
    const address = await startManagement(({ url }, response) =>
      url?.startsWith('/models/m')
        ? notFound(response)
        : { models: [{ modelName: 'a' }, { modelName: 'b' }] },
    );
    await expect(ask(address, { isGiven })).rejects.toMatchObject({
      ...{ code: 'AIBENCH_MISSING_KEY', message: `${address} has no model m, but a, b` },
      hint: expect.stringContaining('aibench-setup-model --server torchserve'),
    });
  });

  it('names what is there instead of a version', async () => {
    const address = await startManagement(({ url }, response) =>
      url?.endsWith('/all')
        ? [...described(['READY']), ...described(['READY'], { modelVersion: '2.0' })]
        : notFound(response),
    );
    await expect(ask(address, { version: '3.0' })).rejects.toMatchObject({
      message: `${address} has no version 3.0 of model m, but 1.0, 2.0`,
      hint: 'see --model-version',
    });
  });

  it.each<[string, (response: ServerResponse) => unknown, RegExp]>([
    [
      'is no TorchServe',
      (response) => void response.end('<p>hello</p>'),
      /does not answer as TorchServe's management/,
    ],
    ['describes otherwise', () => ({ model: 'm' }), /in a form that is not TorchServe's/],
    ['hangs up', (response) => void response.socket?.destroy(), /closed the connection|was lost/],
    [
      'wants a key',
      (response) => {
        response.statusCode = 400;
        return { code: 400, type: 'InvalidKeyException', message: 'Token Authorization failed.' };
      },
      /Token Authorization failed/,
    ],
  ])('does without a port that %s, unless it was given', async (_what, answer, words) => {
    const address = await startManagement((_request, response) => answer(response));
    await expect(ask(address)).rejects.toThrow(words);
    expect(await ask(address, { isGiven: false })).toMatchObject({
      ...{ kind: 'unknown', reason: expect.stringMatching(words) },
    });
  });

  it('does without a port that is not there, and without any', async () => {
    const address = await startManagement(() => []);
    const closed = address.replace(/\d+$/, '9');
    expect(await ask(closed, { isGiven: false })).toMatchObject({
      reason: expect.stringContaining('connection refused'),
    });
    await expect(ask(closed)).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
    const options = { timeoutMs: 1, signal: new AbortController().signal };
    expect(
      await describeModel(undefined, { model: 'm', version: '' }, defaultValues(flags), options),
    ).toEqual({ kind: 'unknown', reason: 'pass --torchserve-management-host' });
  });

  it.each([
    [{ bearerToken: 'b' }, {}, 'Bearer b'],
    [{ bearerToken: 'b', managementToken: 'm' }, {}, 'Bearer m'],
    [{ bearerToken: 'b' }, { AIBENCH_MANAGEMENT_TOKEN: 'e' }, 'Bearer e'],
    [{}, { AIBENCH_BEARER_TOKEN: 'f\n' }, 'Bearer f'],
    [{}, {}, undefined],
  ])('sends the key for management: %j and %j', async (values, environment, expected) => {
    for (const name of ['AIBENCH_MANAGEMENT_TOKEN', 'AIBENCH_BEARER_TOKEN']) vi.stubEnv(name, undefined);
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const seen = new Set<string | undefined>();
    const address = await startManagement(({ headers }) => {
      seen.add(headers.authorization);
      return described(['READY']);
    });
    await ask(address, { values });
    expect([...seen]).toEqual([expected]);
  });
});
