import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterwards } from '@aibench/testing';

/** Answers one inference, the n-th from 1. */
export type InferHandler = (response: ServerResponse, n: number, request: IncomingMessage) => void;

/** What a {@link startFakeTorchServe} does beside inferring. */
export interface FakeOptions {
  /** Answers the n-th health check, from 1. Default: healthy. */
  readonly ping?: (response: ServerResponse, n: number, request: IncomingMessage) => void;
  /** Answers `OPTIONS /`. Default: 404. */
  readonly describeApi?: (response: ServerResponse) => void;
  /** Sees every request's headers. Default: nobody. */
  readonly onRequest?: (request: IncomingMessage) => void;
}

/**
 * A server over HTTP that says it is a healthy TorchServe, and answers inferences as a test wants.
 *
 * @returns `127.0.0.1:<port>`
 */
export async function startFakeTorchServe(
  infer: InferHandler,
  { describeApi = answerNothing, onRequest, ping = answerHealthy }: FakeOptions = {},
): Promise<string> {
  let inferences = 0;
  let pings = 0;
  const server = createServer((request, response) => {
    onRequest?.(request);
    request.resume();
    request.once('end', () => {
      if (request.method === 'POST') {
        inferences += 1;
        infer(response, inferences, request);
      } else if (request.url === '/ping') {
        pings += 1;
        ping(response, pings, request);
      } else describeApi(response);
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

function answerNothing(response: ServerResponse): void {
  response.writeHead(404).end('{}');
}

/** TorchServe's answer where it is healthy. */
export function answerHealthy(response: ServerResponse): void {
  response.end('{\n  "status": "Healthy"\n}\n');
}

/** Its answer while workers are missing. */
export function answerUnhealthy(response: ServerResponse): void {
  response.writeHead(500, { connection: 'close' }).end('{\n  "status": "Unhealthy"\n}\n');
}

/** A right answer in form, whose numbers are zeros. */
export function answerZeros(response: ServerResponse): void {
  response.end('{"outputs": [[0, 0]]}');
}

/** An error as TorchServe writes it. */
export function answerError(response: ServerResponse, code: number, type: string, message: string): void {
  response.writeHead(code, { connection: 'close', 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ code, type, message }, undefined, 2)}\n`);
}
