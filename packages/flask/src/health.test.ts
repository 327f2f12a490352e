import { HttpConnection, parseHttpAddress } from '@aibench/http';
import { startTcpPeer } from '@aibench/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askHealth, readHealth } from './health.js';
import { identifyService } from './identify-service.js';

const tensor = { name: 'x', dtype: 'float32', shape: [-1, 30] };
const model = { name: 'm', inputs: [tensor], outputs: [{ ...tensor, name: 'y' }], sha256: 'ab' };
const told = {
  ...{ status: 'ok', service: 'aibench-flask', flask: '3.1.0', workers: 24 },
  backend: { name: 'tensorflow', version: '2.21.0' },
  models: [model, { name: 'n', inputs: [], outputs: [], error: 'no such op' }],
};

const read = (json: unknown) => readHealth(Buffer.from(JSON.stringify(json)), 'h:1');

describe('readHealth', () => {
  it('reads who it is and what it has', () => {
    expect(read(told)).toEqual({
      ...{ service: 'aibench-flask', version: undefined, status: 'ok' },
      identity: { flask: '3.1.0', workers: 24 },
      backend: { name: 'tensorflow', version: '2.21.0' },
      models: [
        { ...model, error: undefined },
        { name: 'n', inputs: [], outputs: [], sha256: undefined, error: 'no such op' },
      ],
    });
  });

  it.each([[{ status: 'ok' }], [[]], ['ok'], [null], [{ service: 'other', models: [] }], [{ service: 7 }]])(
    'takes %j for that of another service',
    (json) => {
      expect(read(json)).toBeUndefined();
    },
  );

  it('takes what is no JSON for that of another service', () => {
    expect(readHealth(Buffer.from('OK'), 'h:1')).toBeUndefined();
  });

  it.each([
    { backend: undefined },
    { models: {} },
    { models: [7] },
    { models: [{ ...model, name: 7 }] },
    { models: [{ ...model, inputs: undefined }] },
    { models: [{ ...model, outputs: [{ name: 'y' }] }] },
  ])('refuses its own with %j', (changes) => {
    expect(() => read({ ...told, ...changes })).toThrow(
      expect.objectContaining({
        ...{ code: 'AIBENCH_ANSWER', message: 'h:1 tells nothing of its models at /health' },
      }),
    );
  });
});

describe('askHealth', () => {
  async function ask(status: string, body = '') {
    const { address } = await startTcpPeer((socket) => {
      socket.once('data', () =>
        socket.write(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
      );
    });
    const connection = new HttpConnection(
      parseHttpAddress(address, { flag: '--restapi-host', defaultPort: 80 }),
    );
    onTestFinished(() => connection.close());
    return askHealth(connection);
  }

  it.each(['404 Not Found', '405 Method Not Allowed'])(
    'of a service that answers %s is none',
    async (status) => {
      expect(await ask(status, '<html>')).toBeUndefined();
    },
  );

  it.each([
    ['503 Service Unavailable', 'is it still starting? see --ready-timeout and its log'],
    ['401 Unauthorized', 'see --bearer-token and --header'],
    ['500 Internal Server Error', undefined],
  ])('fails where %s is answered', async (status, hint) => {
    await expect(ask(status, 'why')).rejects.toMatchObject({
      ...{ code: 'AIBENCH_SERVER', status: status.slice(0, 3), hint },
      message: expect.stringContaining(`answered ${status.slice(0, 3)}: why`),
    });
  });
});

describe('identifyService', () => {
  it('names who answers', () => {
    expect(identifyService(read(told))).toEqual({ product: 'Flask', version: '3.1.0', isReference: false });
    const reference = { ...told, service: 'aibench-reference-server', version: '0.1.0' };
    expect(identifyService(read(reference))).toEqual({
      ...{ product: 'aibench-reference-server', version: '0.1.0', isReference: true },
    });
    expect(identifyService(undefined)).toEqual({
      product: 'unknown',
      version: 'unknown',
      isReference: false,
    });
  });
});
