import type { ServerResponse } from 'node:http';
import { parseHttpAddress } from '@aibench/http';
import { describe, expect, it } from 'vitest';
import {
  answerHealthy,
  answerUnhealthy,
  answerZeros,
  startFakeTorchServe,
} from './fake-torchserve.test.fixture.js';
import { type ProbeOptions, probeServer } from './probe-server.js';

async function probe(
  ping: (response: ServerResponse, n: number) => void,
  options: Partial<ProbeOptions> = {},
  describeApi?: (response: ServerResponse) => void,
) {
  const host = await startFakeTorchServe(answerZeros, { ping, ...(describeApi && { describeApi }) });
  const http = parseHttpAddress(host, { flag: '--torchserve-host', defaultPort: 1 });
  const place = {
    ...({ inference: { protocol: 'http', http }, address: host } as const),
    ...{ management: undefined, metrics: undefined },
  };
  return probeServer(place, {
    ...{ timeoutMs: 5_000, readyTimeoutMs: 5_000, headers: {}, isGateway: false },
    signal: new AbortController().signal,
    ...options,
  });
}

describe('probeServer', () => {
  it('waits until the server is healthy, however it says that it is not', async () => {
    let pings = 0;
    const identity = await probe((response, n) => {
      pings = n;
      if (n === 1) answerUnhealthy(response);
      else if (n === 2) response.writeHead(503).end('<html>starting</html>');
      else if (n === 3) response.end('{"status": "Unhealthy"}');
      else answerHealthy(response);
    });
    expect(pings).toBe(4);
    expect(identity).toEqual({ header: undefined, version: undefined });
  });

  it('takes a server with some of its workers down', async () => {
    await expect(probe((response) => response.end('{"status": "Partial Healthy"}'))).resolves.toBeDefined();
  });

  it('gives up at the limit, with the last words', async () => {
    const asked = probe((response) => response.writeHead(503).end('starting'), { readyTimeoutMs: 250 });
    await expect(asked).rejects.toMatchObject({
      code: 'AIBENCH_SERVER',
      message: expect.stringMatching(/is not healthy after 250ms: 127\.0\.0\.1:\d+ answered 503: starting$/),
      hint: expect.stringContaining('--ready-timeout'),
    });
  });

  it('stops waiting when it is told to', async () => {
    const abort = new AbortController();
    const asked = probe(
      (response) => {
        answerUnhealthy(response);
        abort.abort();
      },
      { signal: abort.signal, readyTimeoutMs: 600_000 },
    );
    await expect(asked).rejects.toThrow();
  });

  it('learns who it is', async () => {
    const identity = await probe(
      (response) => {
        response.setHeader('server', 'aibench-reference-server/1.2.3');
        answerHealthy(response);
      },
      {},
      (response) => response.end('{"info": {"title": "TorchServe APIs", "version": "0.12.0"}}'),
    );
    expect(identity).toEqual({ header: 'aibench-reference-server/1.2.3', version: '0.12.0' });
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['is torn off', (response) => response.socket?.destroy()],
    ['is no JSON', (response) => response.end('OK')],
    ['is refused', (response) => response.writeHead(401).end()],
    ['has no version', (response) => response.end('{"info": {}}')],
  ])('does without a description of the API that %s', async (_how, describeApi) => {
    expect(await probe(answerHealthy, {}, describeApi)).toEqual({ header: undefined, version: undefined });
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['no health check', (response) => response.writeHead(404).end('no')],
    ['a health check of its own', (response) => response.end('OK')],
  ])('takes a gateway with %s, and no such TorchServe', async (_what, ping) => {
    expect(await probe(ping, { isGateway: true })).toEqual({ header: undefined, version: undefined });
    await expect(probe(ping)).rejects.toMatchObject({
      code: 'AIBENCH_ANSWER',
      hint: expect.stringContaining('--torchserve-host'),
    });
  });
});
