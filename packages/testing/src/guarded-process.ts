import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterwards } from './afterwards.js';

/**
 * Runs a command in the background and ends it when stdin closes. The kernel closes that pipe however the test process
 * ends, so no server outlives it. The first argument is how many tenths of a second it has to end by SIGTERM before it
 * gets SIGKILL; a line on stdin means SIGKILL at once. The shell leads a process group, all of which goes with the
 * server: processes of a server's own may not notice that it was killed (Triton's wait for its shared memory) and would
 * keep its output open for ever.
 */
const guard = `exec 3<&0
patience=$1
shift
"$@" </dev/null 3<&- &
child=$!
{
  if ! read -r now <&3 && [ $patience -gt 0 ]; then
    kill -TERM $child
    while [ $patience -gt 0 ] && kill -0 $child; do sleep 0.1; patience=$((patience - 1)); done
  fi
  kill -9 0
} >/dev/null 2>&1 &
exec 3<&-
wait $child
kill -9 0`;

/** A server process that cannot outlive the test process. */
export interface GuardedProcess {
  /** Kills it with SIGKILL and waits until it is gone; may be called more than once. */
  kill(): Promise<void>;
  /** Ends it as {@link GuardedOptions.patienceMs} says and waits until it is gone; may be called more than once. */
  stop(): Promise<void>;
  /** True until it has ended. */
  running(): boolean;
  /** The end of what it has written to stderr. */
  stderr(): string;
}

/** How {@link startGuarded} starts a server. */
export interface GuardedOptions {
  /** Environment variables beside those of this process; undefined removes one. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long it may take until it is ready. Default: 30,000. */
  readonly timeoutMs?: number;
  /** Whether it says on stderr that it is ready; both streams are then looked at as one. Default: false. */
  readonly readyOnStderr?: boolean;
  /**
   * How long `stop`, and the test's end, wait for it to end by SIGTERM, for servers with processes or shared memory of
   * their own to tidy up. Default: 0, SIGKILL at once.
   */
  readonly patienceMs?: number;
}

/**
 * Starts a server and waits until it says that it is ready.
 *
 * @param command may use `{folder}` for an empty folder of the server's own, removed once it has ended
 * @param isReady looks at what it has written to stdout so far; what it returns, once not undefined, is the result
 * @throws with the end of its output where it ends or takes too long before that
 */
export async function startGuarded<T>(
  command: readonly string[],
  isReady: (stdout: string) => T | undefined,
  options: GuardedOptions = {},
): Promise<GuardedProcess & { readonly ready: T }> {
  // Not by temporaryFolder: while the server lives, it may write into a folder that is being removed.
  const folder = mkdtempSync(join(tmpdir(), 'aibench-test-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  const args = command.map((arg) => arg.replace('{folder}', folder));
  const patience = String(Math.ceil((options.patienceMs ?? 0) / 100));
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(
    'sh',
    ['-c', guard, 'sh', patience, ...args],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.env }, detached: true },
  );
  let running = true;
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      running = false;
      child.stdin.destroy();
      resolve();
    });
    child.once('error', () => resolve());
  });
  child.stdin.on('error', () => {});
  const stop = afterwards({
    async stop() {
      child.stdin.end();
      await ended;
      removeFolder();
    },
    stopNow() {
      child.stdin.destroy();
      removeFolder();
    },
  });
  const kill = async () => {
    // Fails silently where it has ended already.
    child.stdin.write('now\n');
    await stop();
  };
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-10_000);
  });
  const ready = await new Promise<T>((resolve, reject) => {
    const fail = (reason: string) =>
      reject(new Error(`${command[0]} ${reason}: ${stderr}${stdout.slice(-2_000)}`));
    const timeoutMs = options.timeoutMs ?? 30_000;
    const timer = setTimeout(() => fail(`was not ready within ${timeoutMs} ms`), timeoutMs);
    const look = (text: string) => {
      stdout += text;
      const result = isReady(stdout);
      if (result === undefined) return;
      clearTimeout(timer);
      // Go on reading, so that the server never waits for us.
      child.stdout.off('data', look).resume();
      child.stderr.off('data', look);
      resolve(result);
    };
    child.stdout.setEncoding('utf8').on('data', look);
    if (options.readyOnStderr === true) child.stderr.on('data', look);
    void ended.then(() => {
      clearTimeout(timer);
      fail('ended before it was ready');
    });
  }).catch(async (error: unknown) => {
    await kill();
    throw error;
  });
  return { ready, kill, stop, running: () => running, stderr: () => stderr };
}
