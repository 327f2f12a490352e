import { float32Tensor } from '@aibench/core';
import { httpImplementations, openHttpClient, parseHttpAddress } from '@aibench/http';
import { afterwards } from '@aibench/testing';
import type { InferenceTask } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { httpChannel } from './channel.js';
import {
  answerError,
  answerZeros,
  type InferHandler,
  startFakeTorchServe,
} from './fake-torchserve.test.fixture.js';
import type { TorchServeFlags } from './flags.js';

const task: Pick<InferenceTask, 'batchSize' | 'inputs' | 'references' | 'outputs'> = {
  batchSize: 1,
  inputs: [{ name: 'transaction', dtype: 'float32', shape: [1, 3], keyPrefix: '' }],
  references: [],
  outputs: [{ name: 'out', dtype: 'float32', shape: [1, 2], keyPrefix: '' }],
};
const data = [float32Tensor('transaction', [1, 3], [1, 2, 3]).data];

describe.each(httpImplementations)('httpChannel, by the client %s,', (implementation) => {
  /** Asks a server once, for row 7. */
  async function ask(infer: InferHandler, body: TorchServeFlags['body'] = 'json') {
    const host = await startFakeTorchServe(infer);
    const flag = '--torchserve-host';
    const client = await openHttpClient(parseHttpAddress(host, { flag, defaultPort: 1 }), {
      ...{ flag, implementation },
    });
    afterwards({ stop: () => client.close(), stopNow() {} });
    const choice = { model: 'm', version: '', path: '/predictions/m' };
    const channel = httpChannel(client, { choice, task, body, headers: { 'x-run': '7' } });
    const read = await channel.encode(data, { id: 7, rowCount: 1 })();
    return read();
  }

  it('sends the tensors under their names, and reads the answer', async () => {
    let seen = '';
    const outputs = await ask((response, _n, request) => {
      seen = `${request.method} ${request.url} ${request.headers['content-type']} ${request.headers['x-run']}`;
      response.end('{\n  "outputs": [[0.25, 0.75]]\n}');
    });
    expect(seen).toBe('POST /predictions/m application/json 7');
    expect(outputs).toMatchObject([float32Tensor('out', [1, 2], [0.25, 0.75])]);
  });

  it('reads bytes where bytes are sent', async () => {
    const bytes = Buffer.from(Float32Array.of(0.25, 0.75).buffer);
    const outputs = await ask((response) => response.end(bytes), 'binary');
    expect(outputs).toMatchObject([{ name: 'out', dtype: 'float32', shape: [1, 2] }]);
    expect(Buffer.from(outputs[0]!.data).equals(bytes)).toBe(true);
  });

  it('reads an answer that comes in chunks', async () => {
    const outputs = await ask((response) => {
      response.write('{"outp');
      response.write('uts": [[0.5, ');
      setTimeout(() => response.end('0.5]]}'), 2);
    });
    expect(outputs).toMatchObject([float32Tensor('out', [1, 2], [0.5, 0.5])]);
  });

  it.each<[string, InferHandler, TorchServeFlags['body'], RegExp]>([
    ['no JSON', (response) => response.end('hello'), 'json', /row 7 with what is no JSON: "hello"/],
    ['nothing', (response) => response.end(), 'json', /row 7 with what is no JSON/],
    ['NaN', (response) => response.end('{"outputs": [[NaN, 1]]}'), 'json', /a number that is none/],
    ['words', (response) => response.end('{"outputs": [["a", 1]]}'), 'json', /no number in out/],
    ['a number too many', (response) => response.end('[[0.1, 0.2, 0.3]]'), 'json', /3 numbers in out/],
    ['no outputs', (response) => response.end('{"code": 200}'), 'json', /without output out/],
    [
      'a byte too few',
      (response) => response.end(Buffer.alloc(7)),
      'binary',
      /row 7: 7 bytes.* instead of 8/,
    ],
    ['no bytes', (response) => response.end(), 'binary', /row 7: 0 bytes instead of 8/],
    ['JSON for bytes', answerZeros, 'binary', /21 bytes, "\{"outputs": \[\[0, 0\]\]\}", instead of 8/],
    ['bytes of NaN', (response) => response.end(Buffer.alloc(8, 0xff)), 'binary', /out has NaN in it/],
  ])('refuses %s', async (_what, infer, body, words) => {
    const asked = ask(infer, body);
    await expect(asked).rejects.toMatchObject({ code: 'AIBENCH_ANSWER' });
    await expect(asked).rejects.toThrow(words);
  });

  it.each([
    [400, 'InternalServerException', 'input reference is missing', /--body/],
    [
      400,
      'InvalidKeyException',
      'Token Authorization failed. Token either incorrect',
      /AIBENCH_BEARER_TOKEN/,
    ],
    [404, 'ModelNotFoundException', 'Model not found: m', /aibench-setup-model --server torchserve/],
    [503, 'ServiceUnavailableException', 'Model "m" has no worker', /job_queue_size/],
    [507, 'InternalServerException', 'Out of resources', undefined],
  ])('tells the words of %i %s, and what helps', async (status, type, message, hint) => {
    const asked = ask((response) => answerError(response, status, type, message));
    await expect(asked).rejects.toMatchObject({
      ...{ code: 'AIBENCH_SERVER', status: String(status) },
      message: expect.stringMatching(new RegExp(`^127.0.0.1:\\d+ answered ${status}: ${message}$`)),
      hint: hint === undefined ? undefined : expect.stringMatching(hint),
    });
  });
});
