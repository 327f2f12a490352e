import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { freePorts } from './free-port.js';
import { type GuardedProcess, startGuarded } from './guarded-process.js';

/** A real Redis on loopback, without persistence. */
export interface RedisServer {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  readonly port: number;
  /** Kills it at once, as a crash would; it is also killed after the test. */
  stop(): Promise<void>;
}

/**
 * Starts a redis-server on a free port of 127.0.0.1, in a folder of its own.
 *
 * @param args further settings, as on its command line: `['--requirepass', 'x']`. A `--port` or `--tls-port` of
 * `auto` is replaced by the free port; the default is `--port auto`.
 */
export async function startRedis(args: readonly string[] = []): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const [port = 0, busPort = 0] = await freePorts(2);
    const fill = (arg: string) =>
      arg === 'auto' ? String(port) : arg === 'auto-bus' ? String(busPort) : arg;
    try {
      const server: GuardedProcess = await startGuarded(
        [
          'redis-server',
          ...[
            '--port',
            String(port),
            '--bind',
            '127.0.0.1',
            '--dir',
            '{folder}',
            '--save',
            '',
            '--appendonly',
            'no',
          ],
          ...args.map(fill),
        ],
        (stdout) => (stdout.includes('eady to accept connections') ? true : undefined),
      );
      return { address: `127.0.0.1:${port}`, port, stop: () => server.kill() };
    } catch (error) {
      // Someone else may have taken the port in the meantime.
      if (attempt === 5 || !String(error).includes('Address already in use')) throw error;
    }
  }
}

/**
 * Runs one command with redis-cli.
 *
 * @param address `host:port`
 * @returns its output without the line end
 * @throws where redis-cli cannot connect or the server answers an error
 */
export async function redisCli(address: string, ...args: readonly string[]): Promise<string> {
  const [host = '', port = ''] = address.split(':');
  const { stdout } = await promisify(execFile)('redis-cli', ['-h', host, '-p', port, '-e', ...args], {
    maxBuffer: 64 << 20,
  });
  return stdout.trimEnd();
}
