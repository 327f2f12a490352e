import { describe, expect, it } from 'vitest';
import type { Argument, TestClient } from './testing/test-client.js';
import { additionOnnx, floatBytes, floatValues } from './testing/test-models.js';
import { connectToTestServer, startTestServer } from './testing/test-server.js';

function addition(batch = 1): Argument[] {
  const values = Array.from({ length: 2 * batch }, (_, i) => i);
  return [
    ...['AI.DAGRUN', '|>', 'AI.TENSORSET', 'x', 'FLOAT', batch, 2, 'BLOB', floatBytes(...values)],
    ...['|>', 'AI.MODELRUN', 'm', 'INPUTS', 'x', 'x', 'OUTPUTS', 'z', '|>', 'AI.TENSORGET', 'z'],
  ];
}

async function newClient(overrides: Parameters<typeof connectToTestServer>[0]): Promise<TestClient> {
  const client = await connectToTestServer(overrides);
  await client.call('AI.MODELSTORE', 'm', 'ONNX', 'CPU', 'BLOB', additionOnnx);
  return client;
}

/** The tensor that the DAG's last command gave. */
async function answer(client: TestClient, batch = 1): Promise<unknown[]> {
  return ((await client.call(...addition(batch))) as unknown[])[2] as unknown[];
}

describe('injected behaviour', () => {
  it('answers zeros of the shape that the model gives', async () => {
    const client = await newClient({ nullModel: true });
    for (const batch of [1, 3, 1]) {
      const [, type, , shape, , blob] = await answer(client, batch);
      expect([type, shape]).toEqual(['FLOAT', [batch, 2]]);
      expect(floatValues(blob)).toEqual(Array(2 * batch).fill(0));
    }
    const info = (await client.call('AI.INFO', 'm')) as unknown[];
    expect(info.slice(12)).toEqual(['samples', 5, 'calls', 3, 'errors', 0]);
  });

  it('takes any model where it will not be run, and answers as many tensors as asked for', async () => {
    const client = await connectToTestServer({ nullModel: true });
    expect(await client.call('AI.MODELSTORE', 'm', 'TORCH', 'CPU', 'BLOB', 'anything')).toBe('OK');
    await client.call('AI.TENSORSET', 'x', 'UINT8', 4);
    expect(await client.call('AI.MODELEXECUTE', 'm', 'INPUTS', 1, 'x', 'OUTPUTS', 2, 'y', 'z')).toBe('OK');
    for (const key of ['y', 'z']) {
      expect(await client.call('AI.TENSORGET', key, 'META', 'VALUES')).toEqual([
        ...['dtype', 'FLOAT', 'shape', [1, 2], 'values', ['0', '0']],
      ]);
    }
  });

  it('holds each answer for its delay, null model or not', async () => {
    for (const nullModel of [true, false]) {
      const client = await newClient({ nullModel, delayMs: 30 });
      const startMs = performance.now();
      for (let i = 0; i < 3; i++) await answer(client);
      // A lower bound only: nothing can be faster than the injected delay, however busy the machine.
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(3 * 30);
      const info = (await client.call('AI.INFO', 'm')) as number[];
      expect(info[11]).toBeGreaterThanOrEqual(3 * 30_000);
    }
  });

  it('serves so many at once', async () => {
    const server = await startTestServer({ nullModel: true, delayMs: 20, concurrency: 1 });
    const clients = await Promise.all([0, 1, 2].map(() => server.connect()));
    await clients[0]!.call('AI.MODELSTORE', 'm', 'ONNX', 'CPU', 'BLOB', additionOnnx);
    const startMs = performance.now();
    await Promise.all(clients.map((client) => answer(client)));
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(3 * 20);
  });

  it('answers nothing during a stall', async () => {
    const client = await newClient({ nullModel: true, stallMs: 60, stallEveryMs: 120 });
    const times: number[] = [];
    const startMs = performance.now();
    while (performance.now() - startMs < 400 || times.length < 3) {
      await answer(client);
      times.push(performance.now());
    }
    const longestMs = Math.max(...times.slice(1).map((time, i) => time - times[i]!));
    expect(longestMs).toBeGreaterThanOrEqual(55);
  });

  it('fails every N-th answer and says so', async () => {
    const client = await newClient({ failEvery: 3 });
    const replies = await client.pipeline(Array.from({ length: 6 }, () => addition()));
    const failed = replies.map((reply) => (reply as { error?: string }[])[1]?.error);
    const message = 'ERR injected failure (--fail-every 3)';
    expect(failed).toEqual([undefined, undefined, message, undefined, undefined, message]);
    const info = (await client.call('AI.INFO', 'm')) as unknown[];
    expect(info.slice(14)).toEqual(['calls', 6, 'errors', 2]);
  });

  it('gives every N-th answer wrong', async () => {
    const client = await newClient({ wrongEvery: 2 });
    const values: number[][] = [];
    for (let i = 0; i < 4; i++) values.push(floatValues((await answer(client)).at(-1)));
    expect(values).toEqual([
      [0, 2],
      [1, 3],
      [0, 2],
      [1, 3],
    ]);
  });

  it.each([
    [{ delayMs: 1, delayDistribution: '100%:1ms' }, /exclude each other/],
    [{ stallMs: 10, stallEveryMs: 10 }, /--stall must be shorter/],
    [{ stallEveryMs: 10 }, /--stall-every needs --stall/],
    [{ tlsCert: 'x.pem' }, /--tls-cert and --tls-key go together/],
    [{ tlsCert: '/no/such.pem', tlsKey: '/no/such.key' }, /\/no\/such\.pem cannot be read/],
    [{ delayDistribution: 'often' }, /"often" is no distribution/],
  ])('refuses %j', async (overrides, message) => {
    await expect(connectToTestServer(overrides)).rejects.toThrow(message);
  });
});
