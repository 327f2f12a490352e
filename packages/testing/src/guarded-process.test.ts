import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type GuardedProcess, startGuarded } from './guarded-process.js';

/** A server with a process of its own that keeps its output open and heeds no signal that can be ignored. */
const withChild = `sh -c 'trap "" TERM HUP; echo "child $$"; while :; do sleep 60; done' & wait`;

function startServer(script: string, patienceMs = 0): Promise<GuardedProcess & { ready: number }> {
  return startGuarded(
    ['sh', '-c', script],
    (stdout) => {
      const [, child] = /child (\d+)\n/.exec(stdout) ?? [];
      return child === undefined ? undefined : Number(child);
    },
    { patienceMs },
  );
}

/** Whether a process runs; one that has ended but that nobody has asked for its status does not. */
function isAlive(pid: number): boolean {
  // Not every Linux has ps, not every Unix has /proc.
  const state = existsSync('/proc/self/stat') ? stateInProc(pid) : stateByPs(pid);
  return /^[^Z]/.test(state);
}

function stateInProc(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '');
  } catch {
    return '';
  }
}

function stateByPs(pid: number): string {
  return spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
}

describe('startGuarded', () => {
  it('kills the processes of a server with it', async () => {
    const server = await startServer(withChild);
    expect(isAlive(server.ready)).toBe(true);
    await server.kill();
    expect(server.running()).toBe(false);
    await expect.poll(() => isAlive(server.ready)).toBe(false);
  });

  it('ends them after a server that has time to end by itself', async () => {
    const server = await startServer(withChild, 5_000);
    await server.stop();
    expect(server.running()).toBe(false);
    await expect.poll(() => isAlive(server.ready)).toBe(false);
  });

  it('notices that a server has ended whose processes have not', async () => {
    const server = await startServer(`sh -c 'echo "child $$"; exec sleep 60' & sleep 0.2`);
    await expect.poll(() => server.running()).toBe(false);
    await expect.poll(() => isAlive(server.ready)).toBe(false);
  });

  it('tells what a server wrote that ended before it was ready', async () => {
    await expect(startServer('echo no luck >&2; sleep 60 & exit 3')).rejects.toThrow(
      /ended before it was ready: no luck/,
    );
  });
});
