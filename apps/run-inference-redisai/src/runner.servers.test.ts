import { join } from 'node:path';
import {
  describeWithServer,
  makeTlsCertificate,
  runBinary,
  startRedis,
  startReferenceServer,
  temporaryFolder,
} from '@aibench/testing';
import { expect, it } from 'vitest';
import { makeDataFile, readResult, runInference, succeed } from './loaded-server.test.fixture.js';

describeWithServer('redis-server', 'a Redis without RedisAI', () => {
  it.each(['run-inference-redisai', 'setup-model'])('is named by %s', async (app) => {
    const { address } = await startRedis();
    const dataFile = await makeDataFile(10);
    const input = app === 'setup-model' ? [] : ['--file', dataFile];
    const { exitCode, stderr } = await runBinary(app, ['--host', address, ...input]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(new RegExp(`${address} is Redis \\S+ without RedisAI`));
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describeWithServer('openssl', 'TLS', () => {
  it('is spoken with a server whose authority is trusted, and with any where told to', async () => {
    const { certificatePath, keyPath } = await makeTlsCertificate();
    const { addresses } = await startReferenceServer(['--tls-cert', certificatePath, '--tls-key', keyPath]);
    const dataFile = await makeDataFile(100);
    const host = ['--host', `rediss://${addresses.redis}`];
    await succeed('setup-model', [...host, '--tls-ca', certificatePath]);
    const json = join(temporaryFolder(), 'result.json');
    const input = ['--file', dataFile, '--verify', '--json-out-file', json];
    const trusted = await runInference([...host, ...input, '--tls-ca', certificatePath, '--use-dag=false']);
    expect(trusted.stderr).toBe('');
    expect(readResult(json).Result.counts.verified).toBe(100);
    expect((await runInference([...host, ...input, '--tls-insecure'])).exitCode).toBe(0);
    const refused = await runInference([...host, ...input]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('--tls-ca');
  });
});
