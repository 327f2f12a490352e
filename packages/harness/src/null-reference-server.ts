import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AibenchError } from '@aibench/core';
import type { InferenceTask } from '@aibench/usecases';

const binary = 'aibench-reference-server';

/**
 * The reference server where it lies beside this package: as an app of the
 * workspace, or as another package under the same `node_modules/@aibench`.
 */
const neighbours = ['../../../apps/reference-server/dist/main.js', '../../reference-server/dist/main.js'].map(
  (path) => fileURLToPath(new URL(path, import.meta.url)),
);

/** How long it may take to listen, ms. */
const startLimitMs = 15_000;

/** What each of its ports needs of `--protocols`. */
const protocolOf = {
  redis: 'redis',
  tfserving: 'tfserving',
  triton: 'triton',
  tritonHttp: 'triton',
  torchserve: 'torchserve',
  torchserveGrpc: 'torchserve',
  flask: 'flask',
} as const;

/** A port of the reference server on which it answers inferences. */
export type NullServerProtocol = keyof typeof protocolOf;

/** What {@link startNullReferenceServer} is to answer like. */
export interface NullReferenceServerOptions {
  readonly task: Pick<InferenceTask, 'outputs'>;
  readonly protocol: NullServerProtocol;
  /** Commands to try, the first that is there runs. Default: the server beside this package, then the one on PATH. */
  readonly commands?: readonly (readonly string[])[];
}

/** A reference server that answers at once, whatever it is asked. */
export interface NullReferenceServer {
  /** `host:port` of the protocol asked for. */
  readonly address: string;
  /** Ends it; may be called more than once. */
  stop(): Promise<void>;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Starts the reference server without models as a process of its own, for a
 * runner's `startNullServer`: it speaks one protocol, and answers zeros of the
 * task's shapes. It ends with its stdin, a pipe that the kernel closes however
 * this process goes.
 *
 * @throws AIBENCH_USAGE where it is not installed, AIBENCH_SERVER where it does not start
 */
export async function startNullReferenceServer(
  options: NullReferenceServerOptions,
): Promise<NullReferenceServer> {
  const { task, protocol, commands = defaultCommands() } = options;
  const outputs = task.outputs.map(({ name, shape }) => `${name}=${shape.join('x')}`).join(',');
  const args = [
    ...['--protocols', protocolOf[protocol], '--redis-port', '0'],
    ...['--tfserving-port', '0', '--tfserving-rest-port', '0'],
    ...['--triton-grpc-port', '0', '--triton-http-port', '0', '--triton-metrics-port', '0'],
    ...['--torchserve-port', '0', '--torchserve-management-port', '0', '--torchserve-metrics-port', '0'],
    ...['--torchserve-grpc-port', '0', '--flask-port', '0'],
    ...['--null-model', '--null-output-shape', outputs, '--until-stdin-ends'],
  ];
  for (const [command, ...first] of commands) {
    const child = await spawned(command!, [...first, ...args]);
    if (child === undefined) continue;
    const address = await listening(child, protocol);
    return { address, stop: () => stop(child) };
  }
  throw new AibenchError('AIBENCH_USAGE', `--calibrate needs ${binary}, which is not installed`, {
    hint: 'npm install --global @aibench/reference-server',
  });
}

function defaultCommands(): string[][] {
  const beside = neighbours.filter((path) => existsSync(path)).map((path) => [process.execPath, path]);
  return [...beside, [binary]];
}

/** @returns undefined where there is no such command */
async function spawned(command: string, args: readonly string[]): Promise<Child | undefined> {
  // In a group of its own: Ctrl-C is for the run, which stops the server when it is done with it.
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  child.stdin.on('error', () => undefined);
  try {
    await once(child, 'spawn');
    return child;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AibenchError('AIBENCH_SERVER', `cannot start ${command}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Waits for the line that tells where it listens. */
async function listening(child: Child, protocol: NullServerProtocol): Promise<string> {
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-2_000);
  });
  let stdout = '';
  const line = new Promise<string>((resolve, reject) => {
    const fail = (what: string) =>
      reject(
        new AibenchError('AIBENCH_SERVER', `${binary} ${what}${stderr === '' ? '' : `: ${stderr.trim()}`}`),
      );
    const timer = setTimeout(() => fail(`does not listen within ${startLimitMs / 1_000} s`), startLimitMs);
    child.once('close', () => {
      clearTimeout(timer);
      fail('ended at once');
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (!stdout.includes('\n')) return;
      clearTimeout(timer);
      resolve(stdout.slice(0, stdout.indexOf('\n')));
    });
  });
  try {
    const { addresses } = JSON.parse(await line) as {
      readonly addresses: Readonly<Record<string, string>>;
    };
    const address = addresses[protocol];
    if (address !== undefined) return address;
    throw new AibenchError('AIBENCH_SERVER', `${binary} tells no address for ${protocol}`, {
      hint: 'install it in the same version as this package',
    });
  } catch (error) {
    await stop(child);
    throw error;
  }
}

async function stop(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}
