import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterwards } from '@aibench/testing';

/** Answers one request, the n-th of its kind from 1. */
export type Handler = (response: ServerResponse, n: number) => void;

/** What a test's service does. */
export interface FakeFlask {
  /** Answers inferences. Default: numbers that are no right answer. */
  readonly predict?: Handler;
  /** Answers `GET /health`. Default: as the service does that has the fraud model without reference data. */
  readonly health?: Handler;
}

const health = {
  ...{ status: 'ok', service: 'aibench-flask', flask: '3.1.0', gunicorn: '23.0.0', workers: 4 },
  backend: { name: 'onnxruntime', version: '1.20.0', intraOpThreads: 1 },
  models: [
    {
      name: 'financialNet_NoReference',
      inputs: [{ name: 'transaction', dtype: 'float32', shape: [-1, 30] }],
      outputs: [{ name: 'out', dtype: 'float32', shape: [-1, 2] }],
      sha256: '00',
    },
  ],
};

/** Answers as the service does, with something in it changed. */
export function tellHealth(response: ServerResponse, changes: object = {}): void {
  response.end(JSON.stringify({ ...health, ...changes }));
}

/** Answers an inference. */
export function answerHalves(response: ServerResponse): void {
  response.end('{"outputs":[[0.5,0.5]]}');
}

/**
 * A service that says it has the fraud model, and answers as a test wants.
 *
 * @returns `127.0.0.1:<port>`
 */
export async function startFakeFlask({
  predict = answerHalves,
  health: ask = (response) => tellHealth(response),
}: FakeFlask): Promise<string> {
  const asked = { predict: 0, health: 0 };
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => {
      const kind = request.method === 'POST' ? 'predict' : 'health';
      asked[kind] += 1;
      (kind === 'predict' ? predict : ask)(response, asked[kind]);
    });
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
