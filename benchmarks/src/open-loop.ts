/**
 * How exactly an open loop sends: requests fall due 5,000 times a second, and
 * this prints which share of them went out within 1 ms of their due time, and
 * how late they were at p50, p99 and p99.9. Against the reference server with
 * the null model, and against a real Redis with a command of the same shape,
 * each on the machine that the client runs on, with one and with two load threads.
 *
 *     node benchmarks/dist/open-loop.js [--rate 5000] [--seconds 10] [--rounds 3]
 *
 * The first 2 s are left out. A last line for each round tells how busy the machine was: pacing
 * keeps one core busy for each load thread, and a server wants one too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunResult } from '@aibench/harness';
import { runBinary, startRedis, startReferenceServer, temporaryFolder } from '@aibench/testing';
import { runEngine } from './engine-run.js';
import { machineName, watchMachine } from './machine-noise.js';

const { values: options } = parseArgs({
  options: {
    rate: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
  },
});
const rate = Number(options.rate);
const seconds = Number(options.seconds);
const workers = 50;
const burnInMs = 2_000;
const folder = temporaryFolder();
const dataFile = join(folder, 'fraud.dat');

async function succeed(app: string, args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runBinary(app, args, { timeoutMs: 600_000 });
  if (exitCode !== 0) throw new Error(`${app}: ${stderr}`);
}

async function runBinaryAt(address: string, threads: number): Promise<RunResult> {
  const json = join(folder, 'result.json');
  await succeed('run-inference-redisai', [
    ...['--host', address, '--file', dataFile, '--quiet', '--json-out-file', json],
    ...['--rate', `${rate}`, '--duration', `${seconds}s`, '--burn-in-duration', `${burnInMs}ms`],
    ...['--workers', `${workers}`, '--threads', `${threads}`],
  ]);
  return (JSON.parse(readFileSync(json, 'utf8')) as { readonly Result: RunResult }).Result;
}

function describe({ counts, sendDelay, responseTime, rates, client }: RunResult): string {
  const inTime = 1 - (counts.late + counts.unsent) / (counts.sent + counts.unsent);
  const ms = (us: number) => (us / 1_000).toFixed(3);
  const waitedMs = client.threads.reduce((sum, { cpu }) => sum + (cpu?.waitedMs ?? 0), 0);
  return [
    `${(100 * inTime).toFixed(2)} % within 1 ms`,
    `send delay p50/p99/p99.9 ${ms(sendDelay.p50Us)}/${ms(sendDelay.p99Us)}/${ms(sendDelay.p999Us)} ms`,
    `response time p50/p99 ${ms(responseTime.p50Us)}/${ms(responseTime.p99Us)} ms`,
    `${Math.round(rates.measuredPerSecond)}/s`,
    `load threads waited ${Math.round(waitedMs)} ms for a core`,
    client.verdict.clientBound ? `client-bound: ${client.verdict.reasons.join(', ')}` : 'not client-bound',
  ].join('; ');
}

await succeed('generate-data', ['--max-transactions', '10000', '--seed', '1', '--output-file', dataFile]);
const reference = await startReferenceServer(['--null-model']);
const redis = await startRedis();
const ways = {
  'reference server, null model': (threads: number) => runBinaryAt(reference.addresses.redis, threads),
  'real Redis': (threads: number) =>
    runEngine('exists', redis.address, {
      file: dataFile,
      workers,
      threads,
      rate,
      durationMs: seconds * 1_000,
      burnInDurationMs: burnInMs,
    }),
};

console.log(`${rate}/s for ${seconds} s, ${workers} workers; ${machineName()}`);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [name, measure] of Object.entries(ways)) {
    for (const threads of [1, 2]) {
      const noise = watchMachine();
      const result = await measure(threads);
      console.log(`\n${name}, ${threads} load thread${threads > 1 ? 's' : ''}`);
      console.log(`  ${describe(result)}`);
      console.log(`  ${noise.line()}`);
    }
  }
}
await Promise.all([reference.stop(), redis.stop()]);
process.exit(0);
