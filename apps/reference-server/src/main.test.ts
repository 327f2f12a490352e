import { runBinary, startBinary, startReferenceServer } from '@aibench/testing';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';

const app = 'reference-server';

describe('aibench-reference-server', () => {
  it('prints its addresses in one JSON line, answers, and ends well when told to', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const server = startBinary(app, ['--protocols', 'redis', '--redis-port', '0']);
      await server.waitFor(/\n/);
      const { product, version, pid, addresses } = JSON.parse(server.stdout().toString());
      expect({ product, pid }).toEqual({ product: 'aibench-reference-server', pid: server.process.pid });
      const [host, port] = addresses.redis.split(':');
      const redis = new Redis({ host, port: Number(port), retryStrategy: null });
      redis.on('error', () => undefined);
      onTestFinished(() => redis.disconnect());
      expect(await redis.info('server')).toContain(`aibench_reference_server_version:${version}\r\n`);
      server.kill(signal);
      const { exitCode, stdout, stderr } = await server.ended;
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout.toString().trimEnd().split('\n')).toHaveLength(1);
    }
  });

  it('tells the addresses of all protocols', async () => {
    const { addresses } = await startReferenceServer();
    const names = [
      ...['redis', 'tfserving', 'tfservingRest', 'triton', 'tritonHttp', 'tritonMetrics'],
      ...['torchserve', 'torchserveManagement', 'torchserveMetrics', 'torchserveGrpc', 'flask'],
    ];
    expect(Object.keys(addresses)).toEqual(names);
    expect(new Set(Object.values(addresses)).size).toBe(names.length);
  });

  it('ends with its stdin where told to', async () => {
    const server = startBinary(app, ['--protocols', 'redis', '--redis-port', '0', '--until-stdin-ends']);
    await server.waitFor(/\n/);
    server.process.stdin.end();
    const { exitCode, stderr } = await server.ended;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('tells in one line that its port is in use', async () => {
    const first = await startReferenceServer();
    const port = first.addresses.redis.split(':')[1]!;
    const { exitCode, stdout, stderr } = await runBinary(app, ['--protocols', 'redis', '--redis-port', port]);
    expect({ exitCode, stdout: stdout.toString() }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(
      `aibench-reference-server: cannot listen on 127.0.0.1:${port}: the port is in use (pass another --redis-port, or 0 for a free one)\n`,
    );
  });

  it.each([
    [['--redis-prot', '1'], /--redis-port/],
    [['--delay', 'soon'], /--delay: "soon" is no duration/],
    [['--stall', '2s', '--stall-every', '1s'], /--stall must be shorter than --stall-every/],
    [['--delay-distribution', '50%:1ms'], /add up to 50 %/],
    [['--null-output-shape', 'output=1by2'], /"1by2" is no shape/],
    [['--protocols', 'redis,http'], /--protocols: "http" is none of redis, tfserving, triton/],
    [['--protocols', ','], /--protocols names none/],
  ])('refuses %j with exit status 2', async (args, message) => {
    const { exitCode, stderr } = await runBinary(app, args);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n {4}at /);
  });
});
