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

  it('tells how to install it where it is missing', async () => {
    await expect(startNullServer({ task }, [['aibench-no-such-server']])).rejects.toMatchObject({
      code: 'AIBENCH_USAGE',
      message: '--calibrate needs aibench-reference-server, which is not installed',
      hint: 'npm install --global @aibench/reference-server',
    });
  });

  it('says so where what it starts is no such server', async () => {
    const silent = [process.execPath, '-e', 'console.error("not I"); process.exit(3)', '--'];
    await expect(startNullServer({ task }, [silent])).rejects.toMatchObject({
      code: 'AIBENCH_SERVER',
      message: 'aibench-reference-server ended at once: not I',
    });
  });
});
