import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';

/** What else the machine had to do while something was measured. */
export interface MachineNoise {
  /** One line about it. */
  line(): string;
}

/** Begins to watch. Where the system has no /proc/stat, only its load average is told. */
export function watchMachine(): MachineNoise {
  const before = readCpuTicks();
  return {
    line() {
      const after = readCpuTicks();
      const load = `load average ${loadavg()[0]!.toFixed(2)} on ${availableParallelism()} cores`;
      if (before === undefined || after === undefined) return load;
      const total = after.total - before.total;
      const share = (ticks: number) => `${((100 * ticks) / Math.max(total, 1)).toFixed(1)} %`;
      return `${load}; cores ${share(after.busy - before.busy)} busy, ${share(after.stolen - before.stolen)} taken by other machines`;
    },
  };
}

/** `AMD EPYC ..., 2 cores`. */
export function machineName(): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores`;
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal, in ticks since the start (proc_stat(5)). */
function readCpuTicks(): { busy: number; stolen: number; total: number } | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/stat', 'utf8');
  } catch {
    return undefined;
  }
  const ticks = text.slice(0, text.indexOf('\n')).split(/\s+/).slice(1, 9).map(Number);
  const total = ticks.reduce((sum, value) => sum + value, 0);
  const [, , , idle = 0, ioWait = 0, , , stolen = 0] = ticks;
  return { busy: total - idle - ioWait - stolen, stolen, total };
}
