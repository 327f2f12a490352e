import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** One test's figures, as redis-benchmark measures them. */
export interface RedisBenchmarkResult {
  /** `SET`, or the command line that was given. */
  readonly test: string;
  readonly requestsPerSecond: number;
  readonly averageMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/**
 * Runs redis-benchmark, the public yardstick for Redis clients.
 *
 * @param address `host:port`
 * @param args as on its command line, without host, port and output format: `['-P', '100', '-t', 'set']`
 * @returns one result for each test that it ran
 */
export async function runRedisBenchmark(
  address: string,
  args: readonly string[],
): Promise<RedisBenchmarkResult[]> {
  const [host = '', port = ''] = address.split(':');
  const { stdout } = await promisify(execFile)('redis-benchmark', ['-h', host, '-p', port, '--csv', ...args]);
  const [header, ...rows] = stdout.trim().split('\n').map(parseCsvLine);
  return rows.map((row) => {
    const value = (name: string) => row[header?.indexOf(name) ?? -1] ?? '';
    return {
      test: value('test'),
      requestsPerSecond: Number(value('rps')),
      averageMs: Number(value('avg_latency_ms')),
      p50Ms: Number(value('p50_latency_ms')),
      p95Ms: Number(value('p95_latency_ms')),
      p99Ms: Number(value('p99_latency_ms')),
    };
  });
}

/** Every cell is quoted, and none holds a quote. */
function parseCsvLine(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"/g)].map((cell) => cell[1]!);
}
