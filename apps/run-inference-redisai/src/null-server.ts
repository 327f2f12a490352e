import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AibenchError } from '@aibench/core';
import type { NullServer, RunnerContext } from '@aibench/harness';
import type { flags } from './flags.js';

const binary = 'aibench-reference-server';

/**
 * The reference server where it lies beside this package: as another app of the
 * workspace, or as another package under the same `node_modules/@aibench`.
 */
const neighbour = fileURLToPath(new URL('../../reference-server/dist/main.js', import.meta.url));

/** How long it may take to listen, ms. */
const startLimitMs = 15_000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Starts the reference server without models as a process of its own. It ends
 * with its stdin, a pipe that the kernel closes however this process goes.
 *
 * @param commands what to run, the first of which is there; default: the server beside this package, then the one on PATH
 * @throws AIBENCH_USAGE where it is not installed, AIBENCH_SERVER where it does not start
 */
export async function startNullServer(
  { task }: Pick<RunnerContext<typeof flags>, 'task'>,
  commands: readonly (readonly string[])[] = defaultCommands(),
): Promise<NullServer<typeof flags>> {
  const shapes = task.outputs.map(({ shape }) => shape.join('x')).join(',');
  const args = ['--redis-port', '0', '--null-model', '--null-output-shape', shapes, '--until-stdin-ends'];
  for (const [command, ...first] of commands) {
    const child = await spawned(command!, [...first, ...args]);
    if (child === undefined) continue;
    const address = await listening(child);
    return {
      flags: { host: [address], clusterMode: false, tlsCa: '', tlsInsecure: false },
      stop: () => stop(child),
    };
  }
  throw new AibenchError('AIBENCH_USAGE', `--calibrate needs ${binary}, which is not installed`, {
    hint: 'npm install --global @aibench/reference-server',
  });
}

function defaultCommands(): string[][] {
  const onPath = [binary];
  return existsSync(neighbour) ? [[process.execPath, neighbour], onPath] : [onPath];
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
async function listening(child: Child): Promise<string> {
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
    const { addresses } = JSON.parse(await line) as { readonly addresses: { readonly redis: string } };
    return addresses.redis;
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
