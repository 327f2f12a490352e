import { readFileSync } from 'node:fs';

/** The most memory that this process has had resident so far, in bytes. */
export function peakMemoryBytes(): number {
  try {
    // Not getrusage: on Linux its figure starts at what the parent had resident when it forked.
    const [, kib] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kib !== undefined) return Number(kib) * 1024;
  } catch {
    // No Linux, no such file.
  }
  return process.resourceUsage().maxRSS * 1024;
}
