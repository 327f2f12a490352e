import { connect } from 'node:net';
import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { type NullServerProtocol, startNullReferenceServer } from './null-reference-server.js';

const useCase = await loadUseCase('creditcard-fraud');
const task = useCase.task({ withReference: true });

/** Whether something accepts connections there. */
function isOpen(address: string): Promise<boolean> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host: host!, port: Number(port) });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

describe('startNullReferenceServer', () => {
  it.each<NullServerProtocol>(['redis', 'tfserving', 'triton', 'tritonHttp'])(
    'starts a server that speaks %s, and stops it',
    async (protocol) => {
      // From the source folder the server beside this package is the workspace's too.
      const { address, stop } = await startNullReferenceServer({ task, protocol });
      expect(await isOpen(address)).toBe(true);
      await stop();
      await stop();
      expect(await isOpen(address)).toBe(false);
    },
  );

  it('tells how to install it where it is missing', async () => {
    const commands = [['aibench-no-such-server']];
    await expect(startNullReferenceServer({ task, protocol: 'redis', commands })).rejects.toMatchObject({
      code: 'AIBENCH_USAGE',
      message: '--calibrate needs aibench-reference-server, which is not installed',
      hint: 'npm install --global @aibench/reference-server',
    });
  });

  it('says so where what it starts is no such server', async () => {
    const commands = [[process.execPath, '-e', 'console.error("not I"); process.exit(3)', '--']];
    await expect(startNullReferenceServer({ task, protocol: 'redis', commands })).rejects.toMatchObject({
      code: 'AIBENCH_SERVER',
      message: 'aibench-reference-server ended at once: not I',
    });
  });

  it('says so where an older one lacks the protocol', async () => {
    const script =
      'console.log(JSON.stringify({ addresses: { redis: "127.0.0.1:1" } })); setInterval(() => {}, 1e3)';
    const commands = [[process.execPath, '-e', script, '--']];
    await expect(startNullReferenceServer({ task, protocol: 'triton', commands })).rejects.toMatchObject({
      code: 'AIBENCH_SERVER',
      message: 'aibench-reference-server tells no address for triton',
    });
  });
});
