/**
 * What more load threads are worth: requests a second with 1, 2, 4 .. threads
 * and the ratio to one thread, taken in turns. First without a server, where
 * nothing but the engine is at work; then against a real Redis with a command of
 * the shape of AI.DAGEXECUTE, beside what redis-benchmark reaches with as many
 * threads. The server and the main thread want cores too: with fewer than
 * threads + 2 cores the ratio says as much of the machine as of the engine.
 *
 *     node benchmarks/dist/threads.js [--seconds 5] [--rounds 3] [--most-threads 2]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunResult } from '@aibench/harness';
import { runBinary, startRedis, temporaryFolder } from '@aibench/testing';
import { runEngine } from './engine-run.js';
import { existsArguments } from './exists-runner.js';
import { machineName, watchMachine } from './machine-noise.js';
import { runRedisBenchmark } from './redis-benchmark.js';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    'most-threads': { type: 'string', default: '2' },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
const workers = 64;
const dataFile = join(temporaryFolder(), 'fraud.dat');
const threadCounts: number[] = [];
for (let count = 1; count <= Number(options['most-threads']); count *= 2) threadCounts.push(count);

const generated = await runBinary('generate-data', [
  ...['--max-transactions', '10000', '--seed', '1', '--output-file', dataFile],
]);
if (generated.exitCode !== 0) throw new Error(generated.stderr);
const redis = await startRedis();

function measure(runner: 'no-server' | 'exists', threads: number): Promise<RunResult> {
  return runEngine(runner, redis.address, {
    file: dataFile,
    workers,
    threads,
    durationMs: seconds * 1_000,
    burnInDurationMs: 1_000,
  });
}

/** Of each thread: how much of a core it used, and for how long it waited for one. */
function describeThreads({ client }: RunResult): string {
  return client.threads
    .map(({ cpu, durationMs }) => {
      if (cpu === undefined) return '?';
      const percent = (ms: number | undefined) => Math.round((100 * (ms ?? 0)) / durationMs);
      return `${percent(cpu.userMs + cpu.systemMs)} % of a core (${percent(cpu.waitedMs)} % waiting for one)`;
    })
    .join(', ');
}

async function yardstick(threads: number): Promise<number> {
  const args = ['-n', '300000', '-c', `${workers}`, ...existsArguments];
  const [result] = await runRedisBenchmark(redis.address, ['--threads', `${threads}`, ...args]);
  return result?.requestsPerSecond ?? Number.NaN;
}

const rates = new Map<string, number[]>();
function note(name: string, threads: number, perSecond: number): void {
  const key = `${name}, ${threads}`;
  rates.set(key, [...(rates.get(key) ?? []), perSecond]);
}

console.log(`${workers} workers, ${seconds} s each; ${machineName()}\n`);
for (let round = 0; round < rounds; round++) {
  const noise = watchMachine();
  for (const threads of threadCounts) {
    for (const runner of ['no-server', 'exists'] as const) {
      const result = await measure(runner, threads);
      note(runner, threads, result.rates.measuredPerSecond);
      console.log(
        `${runner}, ${threads} threads: ${Math.round(result.rates.measuredPerSecond)}/s; ${describeThreads(result)}`,
      );
    }
    const perSecond = await yardstick(threads);
    note('redis-benchmark', threads, perSecond);
    console.log(`redis-benchmark, ${threads} threads: ${Math.round(perSecond)}/s`);
  }
  console.log(`  ${noise.line()}\n`);
}

console.log('medians, and ratios to one thread:');
for (const name of ['no-server', 'exists', 'redis-benchmark']) {
  const medians = threadCounts.map((threads) => {
    const all = (rates.get(`${name}, ${threads}`) ?? []).toSorted((a, b) => a - b);
    return all[all.length >> 1] ?? Number.NaN;
  });
  const shown = medians.map((rate) => `${Math.round(rate)}/s (${(rate / medians[0]!).toFixed(2)})`);
  console.log(`  ${name}: ${shown.join(', ')}`);
}
await redis.stop();
process.exit(0);
