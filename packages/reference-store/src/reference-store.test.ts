import { float32Tensor, type Tensor } from '@aibench/core';
import type { InferenceTask, Session, Stage } from '@aibench/harness';
import { connectRedis, parseRedisAddress } from '@aibench/redis';
import { startReferenceServer } from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Channel } from './fetching-session.js';
import { checkStoreFlags, describeStore, openFetchingSession, type StoreFlags } from './reference-store.js';

const transaction = float32Tensor('transaction', [1, 2], [1, 2]);
const reference = Buffer.from(Float32Array.of(3, 4).buffer);

let flags: StoreFlags;

beforeAll(async () => {
  const { addresses } = await startReferenceServer(['--protocols', 'redis']);
  const connection = await connectRedis(parseRedisAddress(addresses.redis));
  await connection.call('SET', 'blob:{7}', reference);
  await connection.call('SET', 'blob:{8}', 'short');
  await connection.close();
  flags = { redisHost: addresses.redis, tlsCa: '', tlsInsecure: false };
});

/** Answers with the bytes that it was asked with, as numbers. */
class EchoChannel implements Channel {
  isClosed = false;

  encode(data: readonly Uint8Array[], { id: requestId }: { readonly id: number }) {
    const all = Buffer.concat(data);
    return async () => () => [
      float32Tensor(
        'echo',
        [all.length / 4 + 1],
        [...new Float32Array(new Uint8Array(all).buffer), requestId],
      ),
    ];
  }

  backlogBytes(): number | undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function contextOf(withReference: boolean, of = flags) {
  const references = withReference
    ? [{ name: 'reference', dtype: 'float32', shape: [2], blobKey: (id: number) => `blob:{${id}}` }]
    : [];
  const task = { references } as unknown as InferenceTask;
  const server = { product: '', version: '', isReference: false, details: { redisCluster: false } };
  return { task, server, flags: of };
}

async function infer(session: Session, id: number) {
  const stages: Stage[] = [];
  const request = { id, rowCount: 1, inputs: [transaction] };
  const [answer] = await session.infer(request, { end: (stage) => void stages.push(stage) });
  return { stages, values: [...new Float32Array(new Uint8Array((answer as Tensor).data).buffer)] };
}

describe('a session made by openFetchingSession', () => {
  it('asks with the transaction alone where the task has no reference data', async () => {
    const unreachable = { ...flags, redisHost: '127.0.0.1:1' };
    const session = await openFetchingSession(contextOf(false, unreachable), async () => new EchoChannel());
    expect(await infer(session, 7)).toEqual({ stages: ['encode', 'wait', 'decode'], values: [1, 2, 7] });
    expect(session.backlogBytes?.()).toBe(0);
    await session.close();
  });

  it('fetches the reference data first, as a stage of its own', async () => {
    const channel = new EchoChannel();
    const session = await openFetchingSession(contextOf(true), async () => channel);
    expect(await infer(session, 7)).toEqual({
      stages: ['reference', 'encode', 'wait', 'decode'],
      values: [1, 2, 3, 4, 7],
    });
    await session.close();
    expect(channel.isClosed).toBe(true);
    await expect(infer(session, 7)).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
  });

  it('names reference data that is missing, or of another size', async () => {
    const session = await openFetchingSession(contextOf(true), async () => new EchoChannel());
    await expect(infer(session, 9)).rejects.toMatchObject({
      code: 'AIBENCH_MISSING_KEY',
      message: `Redis at ${flags.redisHost} has no key blob:{9}`,
    });
    await expect(infer(session, 8)).rejects.toMatchObject({
      code: 'AIBENCH_ANSWER',
      message: 'blob:{8} in Redis has 5 bytes instead of 8',
    });
    await session.close();
  });

  it('fails where the server cannot be reached, and keeps no connection to the store', async () => {
    const failing = openFetchingSession(contextOf(true), () => Promise.reject(new Error('no server')));
    await expect(failing).rejects.toThrow('no server');
    const control = await connectRedis(parseRedisAddress(flags.redisHost));
    await expect
      .poll(async () => String(await control.call('INFO', 'clients')))
      .toMatch(/connected_clients:1\b/);
    await control.close();
  });
});

describe('describeStore', () => {
  it('asks nobody where there is no reference data', async () => {
    expect(await describeStore(contextOf(false, { ...flags, redisHost: '127.0.0.1:1' }))).toEqual({
      redisCluster: false,
    });
  });

  it('finds the store, or says which flag names it', async () => {
    expect(await describeStore(contextOf(true))).toEqual({ redisCluster: false });
    const nobody = contextOf(true, { ...flags, redisHost: '127.0.0.1:1' });
    await expect(describeStore(nobody)).rejects.toMatchObject({
      code: 'AIBENCH_CONNECTION',
      hint: expect.stringContaining('--redis-host'),
    });
  });
});

it('checkStoreFlags refuses what is no address', () => {
  expect(() => checkStoreFlags({ ...flags, redisHost: 'http://x' })).toThrow(
    expect.objectContaining({ code: 'AIBENCH_USAGE' }),
  );
});
