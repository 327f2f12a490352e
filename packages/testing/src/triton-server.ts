import { execFile } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from './free-port.js';
import { type GuardedProcess, startGuarded } from './guarded-process.js';

/** A real Triton Inference Server on loopback. */
export interface TritonServer {
  /** `127.0.0.1:<port>` of each protocol. */
  readonly grpc: string;
  readonly http: string;
  /** Prometheus metrics are at `http://<metrics>/metrics`. */
  readonly metrics: string;
  /** The end of its log. */
  log(): string;
  /** Ends it as an operator would; happens after the test too. */
  stop(): Promise<void>;
  /** Kills it at once, as a crash would. */
  kill(): Promise<void>;
}

/** How {@link startTritonServer} starts Triton. */
export interface TritonOptions {
  /** The `python` of the environment `triton`, see `describeWithPython`. */
  readonly python: string;
  /** The folder of its models. */
  readonly repository: string;
  /** Further flags: `['--model-control-mode', 'explicit']`. Default: none. */
  readonly args?: readonly string[];
  /** A server, stopped or killed, whose ports this one takes over. Default: free ones. */
  readonly insteadOf?: TritonServer;
}

/**
 * Starts the tritonserver that nvidia-pytriton carries, which has the Python back end only, and waits until it answers.
 *
 * @throws with its log where it does not become ready; by Triton's default one model that cannot be loaded is enough
 */
export async function startTritonServer(options: TritonOptions): Promise<TritonServer> {
  const installation = await installedTriton(options.python);
  for (let attempt = 1; ; attempt++) {
    const ports = options.insteadOf === undefined ? await freePorts(3) : portsOf(options.insteadOf);
    try {
      return await start(options, installation, ports);
    } catch (error) {
      // Someone else may have taken a port in the meantime, or a dead server's may not be free yet.
      if (attempt === 5 || !/already in use/.test(String(error))) throw error;
      await sleep(200);
    }
  }
}

interface Installation {
  /** The folder with Triton's `bin` and `backends`. */
  readonly folder: string;
  /** The folder of the Python's shared library. */
  readonly libraries: string;
}

/** Finds Triton in the environment and gives its Python back end the program that fits the environment's Python. */
async function installedTriton(python: string): Promise<Installation> {
  const program = `import json, sys, sysconfig
print(json.dumps([sysconfig.get_path("purelib"), "%d.%d" % sys.version_info[:2],
    sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("INSTSONAME") or ""]))`;
  const { stdout } = await promisify(execFile)(python, ['-c', program]);
  const [packages, version, libraries, library] = JSON.parse(stdout) as [string, string, string, string];
  const folder = join(packages, 'pytriton', 'tritonserver');
  const stub = 'triton_python_backend_stub';
  try {
    symlinkSync(
      join(folder, 'python_backend_stubs', version, stub),
      join(folder, 'backends', 'python', stub),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return { folder, libraries: existsSync(join(libraries, library)) ? libraries : '' };
}

async function start(
  options: TritonOptions,
  { folder, libraries }: Installation,
  ports: readonly number[],
): Promise<TritonServer> {
  const [grpc = '', http = '', metrics = ''] = ports.map(String);
  const path = [dirname(options.python), process.env['PATH']].join(':');
  const server: GuardedProcess = await startGuarded(
    [
      join(folder, 'bin', 'tritonserver'),
      ...['--model-repository', options.repository],
      ...['--backend-directory', join(folder, 'backends')],
      ...['--grpc-address', '127.0.0.1', '--grpc-port', grpc],
      ...['--http-address', '127.0.0.1', '--http-port', http],
      ...['--metrics-address', '127.0.0.1', '--metrics-port', metrics],
      ...(options.args ?? []),
    ],
    // The last of its services to start.
    (log) => (/Started Metrics Service at/.test(log) ? true : undefined),
    {
      timeoutMs: 120_000,
      readyOnStderr: true,
      // Its Python processes and their shared memory go with it.
      patienceMs: 15_000,
      // The back end finds the environment by the `python3` on the PATH, and a Python outside of the system's folders
      // by the library path.
      env: { PATH: path, ...(libraries === '' ? {} : { LD_LIBRARY_PATH: libraries }) },
    },
  );
  return {
    grpc: `127.0.0.1:${grpc}`,
    http: `127.0.0.1:${http}`,
    metrics: `127.0.0.1:${metrics}`,
    log: () => server.stderr(),
    stop: () => server.stop(),
    kill: () => server.kill(),
  };
}

function portsOf(server: TritonServer): number[] {
  return [server.grpc, server.http, server.metrics].map((address) => Number(address.split(':')[1]));
}
