/**
 * What aibench-run-inference-redisai costs and how fast it is.
 *
 * First the binary, against the reference server with the null model on another
 * process: requests a second, and CPU of the client for each. The server shares
 * the machine, so the rate is no more than a lower bound.
 *
 * Then the engine with a session that sends the same bytes to a real Redis,
 * under the name of a command that Redis has (EXISTS takes any number of
 * arguments and answers an integer), next to redis-benchmark with the same
 * arguments, one thread and 50 connections each; taken in turns.
 *
 *     node benchmarks/dist/inference-redisai.js [requests] [rounds]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadFlags, runBenchmark } from '@aibench/harness';
import { defaultValues } from '@aibench/harness/cli';
import { runBinary, startRedis, startReferenceServer, temporaryFolder } from '@aibench/testing';
import { existsArguments, runner } from './exists-runner.js';
import { runRedisBenchmark } from './redis-benchmark.js';

const [requests = 100_000, rounds = 3] = process.argv.slice(2).map(Number);
const workers = 50;
const folder = temporaryFolder();
const dataFile = join(folder, 'fraud.dat');

async function succeed(app: string, args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runBinary(app, args, { timeoutMs: 600_000 });
  if (exitCode !== 0) throw new Error(`${app}: ${stderr}`);
}

/** The part of a result that is looked at. */
interface Figures {
  readonly rates: { readonly measuredPerSecond: number };
  readonly client: { readonly cpuPerRequestUs: number };
}

function figures({ rates, client }: Figures): string {
  return `${Math.round(rates.measuredPerSecond)}/s, ${client.cpuPerRequestUs.toFixed(1)} us CPU a request`;
}

async function runAgainstNullModel(address: string, flags: readonly string[]): Promise<string> {
  const json = join(folder, 'result.json');
  await succeed('run-inference-redisai', [
    ...['--host', address, '--file', dataFile, '--workers', `${workers}`, '--quiet', '--json-out-file', json],
    ...['--enable-reference-data-redis', ...flags],
  ]);
  return figures((JSON.parse(readFileSync(json, 'utf8')) as { Result: Figures }).Result);
}

await succeed('generate-data', [
  '--max-transactions',
  `${requests}`,
  '--seed',
  '1',
  '--output-file',
  dataFile,
]);
console.log(`${requests} requests, ${workers} workers on one thread\n`);

console.log('aibench-run-inference-redisai, reference server with the null model');
const server = await startReferenceServer(['--null-model']);
const { redis: serverAddress } = server.addresses;
await succeed('load-data', ['--redis-host', serverAddress, '--pipeline', '100', '--file', dataFile]);
// The null model's answer is not the model's; it is stored before the answer is found wrong.
await runBinary('setup-model', ['--host', serverAddress, '--enable-reference-data-redis']);
const ways = {
  'one DAG': [],
  'separate commands': ['--use-dag=false'],
  'one DAG, connections shared by 10': ['--pool-pipeline-concurrency', '10'],
};
for (let round = 0; round < rounds; round++) {
  for (const [name, flags] of Object.entries(ways)) {
    console.log(`  ${name}: ${await runAgainstNullModel(serverAddress, flags)}`);
  }
}
await server.stop();

console.log(`\nEXISTS with ${existsArguments.length} arguments, as a DAG has, real Redis`);
const redis = await startRedis();
const ratios: number[] = [];
for (let round = 0; round < rounds; round++) {
  const result = await runBenchmark({
    runner,
    runnerUrl: new URL('./exists-runner.js', import.meta.url).href,
    runnerFlags: { host: redis.address },
    load: { ...defaultValues(loadFlags), file: dataFile, workers },
    recordedFlags: {},
    suiteVersion: '0',
    stdin: process.stdin,
    signal: new AbortController().signal,
  });
  console.log(`  aibench's engine: ${figures(result)}`);
  const args = ['-n', `${requests}`, '-c', `${workers}`, ...existsArguments];
  const [yardstick] = await runRedisBenchmark(redis.address, args);
  const rate = yardstick?.requestsPerSecond ?? Number.NaN;
  console.log(`  redis-benchmark: ${Math.round(rate)}/s`);
  ratios.push(result.rates.measuredPerSecond / rate);
}
ratios.sort((a, b) => a - b);
console.log(
  `  ratio: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')} (median ${ratios[ratios.length >> 1]?.toFixed(2)})`,
);
await redis.stop();
process.exit(0);
