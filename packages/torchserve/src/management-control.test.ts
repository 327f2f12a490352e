import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseHttpAddress } from '@aibench/http';
import { afterwards } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { ManagementControl } from './management-control.js';

/** What a server answers to `GET /models?limit=1000`, and so on. */
type Answers = Readonly<Record<string, readonly [number, unknown]>>;

const unknownPath = {
  code: 404,
  type: 'ResourceNotFoundException',
  message: 'Requested resource is not found, please refer to API document.',
};

/** A control of a server that answers what is listed, and what it has been asked. */
async function control(answers: Answers, token?: string) {
  const asked: string[] = [];
  const tokens = new Set<string | undefined>();
  const server = createServer((request, response) => {
    const what = `${request.method} ${request.url}`;
    asked.push(what);
    tokens.add(request.headers.authorization);
    const [status, body] = answers[what] ?? [404, unknownPath];
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body, undefined, 2));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const parsed = parseHttpAddress(address, { flag: '--m', defaultPort: 8_081 });
  const made = new ManagementControl(parsed, { flag: '--m', tokenFlag: '--t', timeoutMs: 5_000, token });
  afterwards({
    async stop() {
      await made.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    stopNow() {},
  });
  return { control: made, address, asked, tokens };
}

describe('ManagementControl', () => {
  it('lists models page by page', async () => {
    const { control: made, asked } = await control({
      'GET /models?limit=1000': [200, { nextPageToken: '1000', models: [{ modelName: 'a' }] }],
      'GET /models?limit=1000&next_page_token=1000': [200, { models: [{ modelName: 'b' }] }],
    });
    expect(await made.list()).toEqual(['a', 'b']);
    expect(asked).toHaveLength(2);
  });

  it('registers, describes, scales and takes away', async () => {
    const registration = {
      ...{ archive: 'a b.mar', name: 'a b', workers: 2, batchSize: 8, maxBatchDelayMs: 5 },
      responseTimeoutS: 60,
    };
    const query =
      'url=a+b.mar&model_name=a+b&initial_workers=2&batch_size=8&max_batch_delay=5&response_timeout=60&synchronous=true';
    const done = [200, { status: 'done' }] as const;
    const { control: made, tokens } = await control(
      {
        [`POST /models?${query}`]: done,
        'GET /models/a%20b': [200, [{ modelName: 'a b', modelVersion: '1.0' }]],
        'PUT /models/a%20b?min_worker=0&max_worker=0&synchronous=true': done,
        'PUT /models/a%20b/1.0/set-default': done,
        'DELETE /models/a%20b/1.0': done,
      },
      'secret',
    );
    await made.register(registration);
    expect(await made.describe('a b')).toMatchObject([{ model: 'a b', version: '1.0' }]);
    await made.scale('a b', 0);
    await made.setDefault('a b', '1.0');
    await made.unregister('a b', '1.0');
    expect([...tokens]).toEqual(['Bearer secret']);
  });

  it('has no description of a model that the server does not have', async () => {
    const answer = { code: 404, type: 'ModelNotFoundException', message: 'Model not found: m' };
    const { control: made, tokens } = await control({ 'GET /models/m/all': [404, answer] });
    expect(await made.describe('m', 'all')).toEqual([]);
    expect([...tokens]).toEqual([undefined]);
  });

  it.each([
    [
      'another port of TorchServe',
      ...[404, unknownPath, 'AIBENCH_ANSWER', "does not answer as TorchServe's management API"],
      'see --m',
    ],
    ['no JSON', 200, '<html>', 'AIBENCH_ANSWER', "does not answer as TorchServe's management API", 'see --m'],
    ['other JSON', 200, '{}', 'AIBENCH_ANSWER', "does not answer as TorchServe's management API", 'see --m'],
    [
      'a token that is wanted',
      ...[400, { message: 'Token Authorization failed. Token either incorrect' }, 'AIBENCH_SERVER'],
      ...['answered 400: Token Authorization failed.', 'pass it as --t'],
    ],
    [
      'management that is off',
      ...[405, { message: 'Requested method is not allowed' }, 'AIBENCH_SERVER'],
      ...['answered 405: Requested method', 'start TorchServe with --enable-model-api'],
    ],
    ['its own error', 500, { message: 'broken' }, 'AIBENCH_SERVER', 'answered 500: broken', undefined],
  ] as const)('tells of %s', async (_what, status, body, code, message, hint) => {
    const { control: made, address } = await control({ 'GET /models?limit=1000': [status, body] });
    const error = await made.list().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringContaining(`${address} ${message}`) });
    if (hint === undefined) expect(error).toMatchObject({ hint });
    else expect(error).toMatchObject({ hint: expect.stringContaining(hint) });
  });
});
