import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterwards } from './afterwards.js';
import { repositoryRoot } from './repository-root.js';

/** How {@link runBinary} runs a binary. */
export interface BinaryOptions {
  /** What the binary reads from its stdin. Default: nothing, an empty stdin. */
  readonly stdin?: string | Uint8Array | Readable;
  /** Environment variables beside those of this process; undefined removes one. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Working folder. Default: that of this process. */
  readonly cwd?: string;
  /** After this time the binary is killed and the call fails. Default: 60,000. */
  readonly timeoutMs?: number;
}

/** How a binary ended. */
export interface BinaryResult {
  /** Exit status; null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A binary that runs. */
export interface RunningBinary {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  /** What it has written so far. */
  readonly stdout: () => Buffer;
  readonly stderr: () => string;
  /** How it ended, once it has. */
  readonly ended: Promise<BinaryResult>;
  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when its stdout or stderr has matched; fails when it ends first. */
  waitFor(pattern: RegExp): Promise<void>;
}

/** The built main file of an app: `apps/<app>/dist/main.js`. */
export function binaryPath(app: string): string {
  const path = join(repositoryRoot, 'apps', app, 'dist', 'main.js');
  if (!existsSync(path)) throw new Error(`${path} is missing: build the app first`);
  return path;
}

/** Runs a built app to its end. It is killed when the test ends first. */
export async function runBinary(
  app: string,
  args: readonly string[],
  options: BinaryOptions = {},
): Promise<BinaryResult> {
  const running = startBinary(app, args, options);
  const { stdin } = running.process;
  if (
    options.stdin === undefined ||
    typeof options.stdin === 'string' ||
    options.stdin instanceof Uint8Array
  ) {
    stdin.end(options.stdin ?? '');
  } else {
    pipeline(options.stdin, stdin).catch(() => {});
  }
  const timeoutMs = options.timeoutMs ?? 60_000;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    running.kill('SIGKILL');
  }, timeoutMs);
  const result = await running.ended;
  clearTimeout(timer);
  if (timedOut) {
    throw new Error(`${app} ${args.join(' ')} did not end within ${timeoutMs} ms; stderr: ${result.stderr}`);
  }
  return result;
}

/** Starts a built app; its stdin stays open. It is killed when the test ends. */
export function startBinary(
  app: string,
  args: readonly string[],
  options: Omit<BinaryOptions, 'stdin' | 'timeoutMs'> = {},
): RunningBinary {
  const child = spawn(process.execPath, [binaryPath(app), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
  });
  // A binary may end without having read everything; its exit status tells.
  child.stdin.on('error', () => {});
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<BinaryResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => {
      resolve({ exitCode, signal, stdout: Buffer.concat(stdout), stderr });
    });
  });
  const kill = () => void child.kill('SIGKILL');
  const stop = afterwards({
    async stop() {
      kill();
      await ended.catch(() => {});
    },
    stopNow: kill,
  });
  void ended.then(stop, stop);
  return {
    process: child,
    stdout: () => Buffer.concat(stdout),
    stderr: () => stderr,
    ended,
    kill: (signal) => void child.kill(signal),
    waitFor(pattern) {
      return new Promise((resolve, reject) => {
        const look = () => {
          if (pattern.test(stderr) || pattern.test(Buffer.concat(stdout).toString())) resolve();
        };
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        look();
        const fail = () => {
          look();
          reject(new Error(`${app} ended before it wrote ${pattern}; stderr: ${stderr}`));
        };
        ended.then(fail, reject);
      });
    },
  };
}
