/**
 * Whether a long run keeps its memory: resident memory of
 * aibench-run-inference-redisai, read every second from /proc/PID/status
 * (so on Linux alone), in a closed loop against the reference server with the null model.
 * Prints the course of it, and how far its median in the last fifth of the time
 * lies above that of the first fifth after the warm-up.
 *
 *     node benchmarks/dist/memory.js [--seconds 60] [--workers 16] [--warm-up 20]
 *
 * Then 1,000 workers: how long the binary takes from start to end, for one
 * request each and for ten, and whether the server has lost all of their
 * connections afterwards.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { RunResult } from '@aibench/harness';
import { connectRedis, parseInfo, parseRedisAddress, replyText } from '@aibench/redis';
import { runBinary, startBinary, startReferenceServer, temporaryFolder } from '@aibench/testing';
import { machineName, watchMachine } from './machine-noise.js';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    workers: { type: 'string', default: '16' },
    'warm-up': { type: 'string', default: '20' },
  },
});
const seconds = Number(options.seconds);
const warmUpSeconds = Number(options['warm-up']);
const folder = temporaryFolder();
const dataFile = join(folder, 'fraud.dat');
const json = join(folder, 'result.json');

function residentMb(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function readResult(): RunResult {
  return (JSON.parse(readFileSync(json, 'utf8')) as { readonly Result: RunResult }).Result;
}

const generated = await runBinary('generate-data', [
  ...['--max-transactions', '10000', '--seed', '1', '--output-file', dataFile],
]);
if (generated.exitCode !== 0) throw new Error(generated.stderr);
const server = await startReferenceServer(['--null-model']);
const address = server.addresses.redis;
const common = ['--host', address, '--file', dataFile, '--quiet', '--json-out-file', json];

console.log(`${seconds} s, ${options.workers} workers; ${machineName()}`);
const noise = watchMachine();
const run = startBinary('run-inference-redisai', [
  ...common,
  ...['--duration', `${seconds}s`, '--workers', options.workers],
]);
run.process.stdin.end();
let ended = false;
void run.ended.then(() => {
  ended = true;
});
const start = performance.now();
const samples: { readonly second: number; readonly mb: number }[] = [];
while (performance.now() - start < seconds * 1_000 && !ended) {
  await sleep(1_000);
  const second = (performance.now() - start) / 1_000;
  if (second < seconds && !ended) samples.push({ second, mb: residentMb(run.process.pid!) });
}
const { exitCode, stderr } = await run.ended;
if (exitCode !== 0) throw new Error(stderr);
const { counts, client, rates, windows } = readResult();

const step = Math.max(1, Math.floor(samples.length / 12));
for (const { second, mb } of samples.filter((_, index) => index % step === 0)) {
  console.log(`  ${second.toFixed(0).padStart(5)} s  ${mb.toFixed(1)} MB`);
}
const warm = samples.filter(({ second }) => second >= warmUpSeconds).map(({ mb }) => mb);
const fifth = Math.max(1, Math.floor(warm.length / 5));
const first = median(warm.slice(0, fifth));
const last = median(warm.slice(-fifth));
console.log(
  `  growth after ${warmUpSeconds} s of warm-up: ${(100 * (last / first - 1)).toFixed(1)} % ` +
    `(${first.toFixed(1)} MB to ${last.toFixed(1)} MB), most ${(client.peakRssBytes / 2 ** 20).toFixed(1)} MB`,
);
console.log(
  `  ${counts.answered} answers, ${Math.round(rates.measuredPerSecond)}/s, ${windows.length} windows kept`,
);
console.log(`  ${noise.line()}`);

const control = await connectRedis(parseRedisAddress(address));
const connected = async () =>
  Number(new Map(parseInfo(replyText(await control.call('INFO', 'clients')))).get('connected_clients'));
console.log('\n1,000 workers, from the start of the binary to its end');
for (const requests of [1_000, 10_000]) {
  const before = await connected();
  const startMs = performance.now();
  const result = await runBinary('run-inference-redisai', [
    ...common,
    ...['--workers', '1000', '--max-queries', `${requests}`],
  ]);
  const tookMs = performance.now() - startMs;
  const { rates, client } = readResult();
  await sleep(100);
  const left = (await connected()) - before;
  console.log(
    `  ${requests} requests: ${(tookMs / 1_000).toFixed(2)} s, of them ${(rates.includingBurnInDurationMs / 1_000).toFixed(2)} s under load; ` +
      `status ${result.exitCode}, ${left} connections left, ${(client.peakRssBytes / 2 ** 20).toFixed(0)} MB`,
  );
}
await control.close();
await server.stop();
process.exit(0);
