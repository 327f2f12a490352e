import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterwards } from '@aibench/testing';

/** Answers one inference, the n-th from 1. */
export type InferHandler = (response: ServerResponse, n: number) => void;

/** What a Triton answers over HTTP for the fraud model without reference data, until it comes to inferring. */
const answers: Readonly<Record<string, unknown>> = {
  '/v2/health/live': undefined,
  '/v2/health/ready': undefined,
  '/v2': { name: 'triton', version: '2.0.0', extensions: ['binary_tensor_data'] },
  '/v2/models/financialNet_NoReference': {
    ...{ name: 'financialNet_NoReference', versions: ['1'], platform: 'onnxruntime_onnx' },
    inputs: [{ name: 'transaction', datatype: 'FP32', shape: [-1, 30] }],
    outputs: [{ name: 'out', datatype: 'FP32', shape: [-1, 2] }],
  },
  '/v2/models/financialNet_NoReference/ready': undefined,
  '/v2/models/financialNet_NoReference/config': { max_batch_size: 0, backend: 'onnxruntime' },
  '/v2/models/financialNet_NoReference/stats': { model_stats: [] },
};

/**
 * A server over HTTP that says it has the fraud model, and answers inferences as a test wants.
 *
 * @returns `127.0.0.1:<port>`
 */
export async function startFakeTriton(infer: InferHandler): Promise<string> {
  let inferences = 0;
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => {
      if (request.method === 'POST' && request.url?.endsWith('/infer') === true) {
        inferences += 1;
        infer(response, inferences);
      } else answer(request, response);
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

function answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
  if (!(url in answers)) {
    response.writeHead(404).end(JSON.stringify({ error: `no ${url}` }));
    return;
  }
  const json = answers[url];
  response.end(json === undefined ? '' : JSON.stringify(json));
}

/** A right answer in form, whose numbers are zeros. */
export function answerZeros(response: ServerResponse): void {
  const json = JSON.stringify({
    model_name: 'financialNet_NoReference',
    outputs: [{ name: 'out', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } }],
  });
  response.setHeader('Inference-Header-Content-Length', json.length);
  response.end(Buffer.concat([Buffer.from(json), Buffer.alloc(8)]));
}
