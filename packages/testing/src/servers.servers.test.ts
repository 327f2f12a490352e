import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWithServer } from './describe-with-server.js';
import { startRedisCluster } from './redis-cluster.js';
import { redisCli, startRedis } from './redis-server.js';
import { temporaryFolder } from './temporary-folder.js';

let strayAddress = '';
let strayFolder = '';

describeWithServer(['redis-server', 'redis-cli'], 'real servers', () => {
  it('starts a Redis that answers, and stops it', async () => {
    const redis = await startRedis();
    expect(await redisCli(redis.address, 'PING')).toBe('PONG');
    await redis.stop();
    await expect(redisCli(redis.address, 'PING')).rejects.toThrow('Connection refused');
  });

  it('leaves a server and a folder to be cleaned up', async () => {
    strayAddress = (await startRedis()).address;
    strayFolder = temporaryFolder();
    expect(existsSync(strayFolder)).toBe(true);
  });

  it('finds them gone after that test', async () => {
    await expect(redisCli(strayAddress, 'PING')).rejects.toThrow('Connection refused');
    expect(existsSync(strayFolder)).toBe(false);
  });

  it('starts nothing that outlives a process that is killed', async () => {
    const index = new URL('../dist/index.js', import.meta.url).href;
    const program = `const { startRedis } = await import('${index}');
      console.log((await startRedis()).address);
      process.kill(process.pid, 'SIGKILL');`;
    let address = '';
    try {
      execFileSync(process.execPath, ['--input-type=module', '-e', program], {
        env: { ...process.env, VITEST: undefined, TMPDIR: temporaryFolder() },
      });
    } catch (error) {
      address = String((error as { stdout: Buffer }).stdout).trim();
    }
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    await expect
      .poll(() => redisCli(address, 'PING').catch((error: unknown) => String(error)), { timeout: 5_000 })
      .toContain('Connection refused');
  });

  it('starts a cluster whose nodes share the slots, and moves one', { timeout: 60_000 }, async () => {
    const cluster = await startRedisCluster();
    const [first, , last] = cluster.nodes;
    // Slot 15495 belongs to "a", the last third.
    await redisCli(last!.address, 'SET', 'a', '1');
    await expect(redisCli(first!.address, 'GET', 'a')).rejects.toThrow('MOVED 15495');
    await cluster.moveSlot(15_495, last!, first!);
    expect(await redisCli(first!.address, 'GET', 'a')).toBe('1');
    await expect(redisCli(last!.address, 'GET', 'a')).rejects.toThrow('MOVED 15495');
  });
});
