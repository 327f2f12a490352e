import { readFileSync } from 'node:fs';

/** CPU time of the thread that asked, since the thread began. */
export interface ThreadCpuTime {
  /** In the program's own code, ms. */
  readonly userMs: number;
  /** In the kernel on its behalf: sending and receiving are here. */
  readonly systemMs: number;
  /** Ready to run while no core was free for it, ms; undefined where the kernel does not tell. */
  readonly waitedMs: number | undefined;
}

/** Length of a clock tick in /proc; the kernel shows all architectures 100 a second (USER_HZ, see proc(5)). */
const tickMs = 10;

/** Node 23.9 and later; in microseconds. */
interface ProcessWithThreadCpu {
  threadCpuUsage?(): { readonly user: number; readonly system: number };
}

/**
 * CPU time of the calling thread. Node tells it from 23.9 on; before that Linux
 * does, in ticks of 10 ms, by /proc/thread-self, which is the thread that reads
 * it, so it has to be read synchronously: asynchronous reads are made by the
 * thread pool. Costs some 20 us.
 *
 * @returns undefined where neither is there
 */
export function readThreadCpuTime(): ThreadCpuTime | undefined {
  const waitedMs = readWaitedMs();
  const usage = (process as ProcessWithThreadCpu).threadCpuUsage?.();
  if (usage !== undefined) return { userMs: usage.user / 1_000, systemMs: usage.system / 1_000, waitedMs };
  const stat = readProc('stat');
  if (stat === undefined) return undefined;
  // The command's name is in parentheses and may hold anything, blanks and parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // proc(5): utime is field 14 and stime field 15; what is left begins with field 3.
  const userMs = Number(fields[11]) * tickMs;
  const systemMs = Number(fields[12]) * tickMs;
  return Number.isFinite(userMs + systemMs) ? { userMs, systemMs, waitedMs } : undefined;
}

/** The second figure of schedstat is time on a run queue in ns (kernel: Documentation/scheduler/sched-stats). */
function readWaitedMs(): number | undefined {
  const waitedMs = Number(readProc('schedstat')?.split(' ')[1]) / 1e6;
  return Number.isFinite(waitedMs) ? waitedMs : undefined;
}

function readProc(name: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return readFileSync(`/proc/thread-self/${name}`, 'latin1');
  } catch {
    // Some sandboxes have no such file.
    return undefined;
  }
}
