import { connectRedis, parseRedisAddress } from '@aibench/redis';
import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { startNullServer } from './null-server.js';

const { task } = await loadUseCase('creditcard-fraud').then((useCase) => ({
  task: useCase.task({ withReference: true }),
}));

describe('startNullServer', () => {
  it('starts a server that answers for any model, and stops it', async () => {
    // From the source folder the server beside this package is the workspace's too.
    const { flags, stop } = await startNullServer({ task });
    const address = parseRedisAddress(flags.host![0]!);
    const connection = await connectRedis(address);
    expect(String(await connection.call('AI.MODELGET', 'any', 'META'))).toContain('backend');
    await connection.close();
    await stop();
    await stop();
    await expect(connectRedis(address)).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
  });
});
