import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './free-port.js';
import { startGuarded } from './guarded-process.js';
import { pythonEnv } from './python.js';
import { repositoryRoot } from './repository-root.js';

/** The Flask service of `servers/flask` under real Gunicorn, on loopback. */
export interface FlaskServer {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  /** The end of its log. */
  log(): string;
  /** Ends it as an operator would; happens after the test too. */
  stop(): Promise<void>;
  /** Kills it at once, its workers too, as a crash would. */
  kill(): Promise<void>;
}

/** How {@link startFlask} starts the service. */
export interface FlaskOptions {
  /** The `python` of the environment `flask-onnxruntime` or `flask-tensorflow`, see `describeWithPython`. */
  readonly python: string;
  /** The folder of its models. */
  readonly models: string;
  /** Default: onnxruntime. */
  readonly backend?: 'onnxruntime' | 'tensorflow';
  /** Default: 1. */
  readonly workers?: number;
  /** Default: that of `gunicorn.conf.py`. */
  readonly workerClass?: 'sync' | 'gthread';
  /** Further flags of Gunicorn: `['--timeout', '5']`. Default: none. */
  readonly args?: readonly string[];
  /** Further environment variables. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** A service, stopped or killed, whose port this one takes over. Default: a free one. */
  readonly insteadOf?: Pick<FlaskServer, 'address'>;
}

/**
 * Starts Gunicorn with the service's own settings, and waits until a worker has loaded its models and answers.
 *
 * @throws with its log where it does not
 */
export async function startFlask(options: FlaskOptions): Promise<FlaskServer> {
  for (let attempt = 1; ; attempt++) {
    const address = options.insteadOf?.address ?? `127.0.0.1:${(await freePorts(1))[0]}`;
    try {
      return await start(options, address);
    } catch (error) {
      // Someone else may have taken the port in the meantime, or a dead server's may not be free yet.
      if (attempt === 5 || !/in use/.test(String(error))) throw error;
      await sleep(200);
    }
  }
}

async function start(options: FlaskOptions, address: string): Promise<FlaskServer> {
  const { python, models, backend = 'onnxruntime', workers = 1, workerClass, args = [], env } = options;
  const server = await startGuarded(
    [
      ...[python, '-m', 'gunicorn', '--config', join(repositoryRoot, 'servers', 'flask', 'gunicorn.conf.py')],
      ...['--bind', address, '--workers', String(workers)],
      ...(workerClass === undefined ? [] : ['--worker-class', workerClass]),
      ...args,
    ],
    // The kernel takes connections from now on; the workers answer them when they are there.
    (log) => (/Listening at/.test(log) ? true : undefined),
    {
      timeoutMs: 120_000,
      readyOnStderr: true,
      patienceMs: 15_000,
      env: { ...pythonEnv, AIBENCH_MODELS: models, AIBENCH_BACKEND: backend, ...env },
    },
  );
  try {
    await answering(address, () => server.running());
  } catch (error) {
    const log = server.stderr();
    await server.kill();
    throw new Error(`the Flask service does not answer: ${String(error)}: ${log}`);
  }
  return { address, log: () => server.stderr(), stop: () => server.stop(), kill: () => server.kill() };
}

async function answering(address: string, isRunning: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(120_000);
  for (;;) {
    try {
      const response = await fetch(`http://${address}/health`, { signal, headers: { connection: 'close' } });
      if (response.ok) return;
      throw new Error(await response.text());
    } catch (error) {
      if (!isRunning() || signal.aborted) throw error;
      await sleep(100);
    }
  }
}
