import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describeWithServer, makeTlsCertificate, startReferenceServer } from '@aibench/testing';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';

const run = promisify(execFile);

async function newServer(args: readonly string[] = []): Promise<{ host: string; port: string }> {
  const { addresses } = await startReferenceServer(args);
  const [host, port] = addresses.redis.split(':');
  return { host: host!, port: port! };
}

describeWithServer('redis-cli', 'redis-cli against the reference server', () => {
  it('speaks RESP2 and RESP3', async () => {
    const { port } = await newServer(['--password', 'secret']);
    const cli = async (...args: string[]): Promise<string> =>
      (await run('redis-cli', ['-p', port, '-a', 'secret', '--no-auth-warning', ...args])).stdout;
    expect(await cli('SET', 'key', 'value')).toBe('OK\n');
    expect(await cli('-3', '--json', 'HELLO', '3')).toContain('"server":"aibench-reference-server"');
    expect(await cli('AI.TENSORSET', 't', 'FLOAT', '1', '2', 'VALUES', '1', '2.5')).toBe('OK\n');
    expect(await cli('--no-raw', 'AI.TENSORGET', 't', 'VALUES')).toBe('1) "1"\n2) "2.5"\n');
    expect(await cli('-3', '--no-raw', 'AI.TENSORGET', 't', 'VALUES')).toBe(
      '1) (double) 1\n2) (double) 2.5\n',
    );
    expect(await cli('--scan', '--pattern', 'k*')).toBe('key\n');
    expect(await cli('--no-raw', 'NOPE')).toContain("(error) ERR unknown command 'NOPE'");
    expect(await cli('--bigkeys')).toContain('Biggest string found');
  });
});

describeWithServer('redis-benchmark', 'redis-benchmark against the reference server', () => {
  it('runs its own tests without an error', async () => {
    const { port } = await newServer();
    const args = ['-p', port, '-n', '2000', '-q', '-P', '4', '-t', 'ping,set,get,incr,mset'];
    const { stdout, stderr } = await run('redis-benchmark', args);
    for (const name of ['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)']) {
      expect(stdout).toContain(`${name}: `);
    }
    expect(stdout).toMatch(/requests per second/);
    expect(`${stdout}${stderr}`).not.toMatch(/error|warning/i);
  });

  it('runs a DAG without an error', async () => {
    const { port } = await newServer();
    const dag = '|> AI.TENSORSET x FLOAT 1 2 VALUES 1 2 |> AI.TENSORGET x BLOB'.split(' ');
    const { stdout, stderr } = await run('redis-benchmark', [
      '-p',
      port,
      '-n',
      '2000',
      '-q',
      'AI.DAGRUN',
      ...dag,
    ]);
    expect(stdout).toMatch(/requests per second/);
    expect(`${stdout}${stderr}`).not.toMatch(/error/i);
  });
});

describeWithServer('openssl', 'TLS on the RESP port', () => {
  it('serves clients that trust its certificate, and survives those that speak no TLS', async () => {
    const { certificatePath, keyPath } = await makeTlsCertificate();
    const { host, port } = await newServer(['--tls-cert', certificatePath, '--tls-key', keyPath]);
    const plain = new Redis({ host, port: Number(port), retryStrategy: null, lazyConnect: true });
    plain.on('error', () => undefined);
    await expect(plain.connect()).rejects.toThrow();
    const redis = new Redis({ host, port: Number(port), tls: { ca: readFileSync(certificatePath) } });
    onTestFinished(() => redis.disconnect());
    expect(await redis.set('a', Buffer.alloc(200_000, 'x'))).toBe('OK');
    expect((await redis.get('a'))?.length).toBe(200_000);
  });
});
