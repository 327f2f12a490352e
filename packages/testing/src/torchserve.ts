import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './free-port.js';
import { startGuarded } from './guarded-process.js';
import { pythonEnv } from './python.js';
import { repositoryRoot } from './repository-root.js';
import { temporaryFolder } from './temporary-folder.js';

/** A real TorchServe on loopback. */
export interface TorchServe {
  /** `127.0.0.1:<port>` of each interface. */
  readonly inference: string;
  readonly management: string;
  /** Prometheus metrics are at `http://<metrics>/metrics`. */
  readonly metrics: string;
  readonly grpcInference: string;
  readonly grpcManagement: string;
  /** The keys that it wrote, where {@link TorchServeOptions.tokenAuth} is on. */
  readonly tokens: { readonly inference: string; readonly management: string } | undefined;
  /** The end of its log. */
  log(): string;
  /** Kills it at once, as a crash would; happens after the test too. */
  kill(): Promise<void>;
}

/** How {@link startTorchServe} starts TorchServe. */
export interface TorchServeOptions {
  /** The `python` of the environment `torchserve`, see `describeWithPython`. */
  readonly python: string;
  /** The folder of its model archives. */
  readonly modelStore: string;
  /** Archives to load at the start: `['financialNet.mar']`, or `['all']`. Default: none. */
  readonly models?: readonly string[];
  /** Whether requests need a token. Default: false. */
  readonly tokenAuth?: boolean;
  /** Whether models can be registered and taken away. Default: true. */
  readonly modelApi?: boolean;
  /** Lines of its configuration, after those of `servers/torchserve/config.properties`. Default: none. */
  readonly configuration?: readonly string[];
  /** A server that was killed, whose ports this one takes over. Default: free ones. */
  readonly insteadOf?: TorchServe;
}

/**
 * Starts TorchServe as the wheel `torchserve` has it, with the settings that `servers/torchserve` recommends, and waits
 * until it answers. Its models' workers may still be starting then.
 *
 * @throws with the end of its output where it does not start
 */
export async function startTorchServe(options: TorchServeOptions): Promise<TorchServe> {
  for (let attempt = 1; ; attempt++) {
    const ports = options.insteadOf === undefined ? await freePorts(5) : portsOf(options.insteadOf);
    try {
      return await start(options, ports);
    } catch (error) {
      // Someone else may have taken a port in the meantime, or a dead server's may not be free yet.
      if (attempt === 5 || !/already in use|failed to bind/i.test(String(error))) throw error;
      await sleep(200);
    }
  }
}

async function start(options: TorchServeOptions, ports: readonly number[]): Promise<TorchServe> {
  const { python, modelStore, models = [], tokenAuth = false, modelApi = true } = options;
  const [inference, management, metrics, grpcInference, grpcManagement] = ports.map(
    (port) => `127.0.0.1:${port}`,
  ) as [string, string, string, string, string];
  const recommended = join(repositoryRoot, 'servers', 'torchserve');
  const configuration = join(temporaryFolder(), 'config.properties');
  // Of two lines for one setting, the later one counts.
  writeFileSync(
    configuration,
    [
      readFileSync(join(recommended, 'config.properties'), 'utf8'),
      `inference_address=http://${inference}`,
      `management_address=http://${management}`,
      `metrics_address=http://${metrics}`,
      `grpc_inference_port=${ports[3]}`,
      `grpc_management_port=${ports[4]}`,
      ...(options.configuration ?? []),
      '',
    ].join('\n'),
  );
  const server = await startGuarded(
    [
      // Its keys go to the working folder; its sockets, the unpacked models and the file by which it refuses to be
      // started twice go to the temporary one. TEMP is what its Java goes by.
      ...['env', '--chdir={folder}', 'TMPDIR={folder}', 'TEMP={folder}'],
      ...['LOG_LOCATION={folder}/logs', 'METRICS_LOCATION={folder}/logs'],
      // The first line tells the folder.
      ...['sh', '-c', 'pwd; exec "$@"', 'sh'],
      // The command `torchserve` names the folder in which the environment was made, before it got its name.
      ...[python, '-m', 'ts.model_server', '--start', '--foreground', '--no-config-snapshots'],
      ...['--ts-config', configuration, '--model-store', modelStore],
      ...['--log-config', join(recommended, 'log4j2.xml')],
      ...(tokenAuth ? [] : ['--disable-token-auth']),
      ...(modelApi ? ['--enable-model-api'] : []),
      ...(models.length === 0 ? [] : ['--models', ...models]),
    ],
    (log) => (/^Model server started\.$/m.test(log) ? log.slice(0, log.indexOf('\n')) : undefined),
    { timeoutMs: 120_000, env: pythonEnv },
  );
  const folder = server.ready;
  return {
    ...{ inference, management, metrics, grpcInference, grpcManagement },
    tokens: tokenAuth ? readTokens(join(folder, 'key_file.json')) : undefined,
    log: () => readFileSync(join(folder, 'logs', 'torchserve.log'), 'utf8').slice(-20_000),
    kill: () => server.kill(),
  };
}

function readTokens(path: string): TorchServe['tokens'] {
  const { inference, management } = JSON.parse(readFileSync(path, 'utf8')) as Readonly<
    Record<'inference' | 'management', { readonly key: string }>
  >;
  return { inference: inference.key, management: management.key };
}

function portsOf(server: TorchServe): number[] {
  const { inference, management, metrics, grpcInference, grpcManagement } = server;
  return [inference, management, metrics, grpcInference, grpcManagement].map((address) =>
    Number(address.split(':')[1]),
  );
}
