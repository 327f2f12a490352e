/**
 * Loads blobs into a real Redis with aibench-load-data and with redis-benchmark,
 * in turns, and prints both rates and their ratio.
 *
 *     node benchmarks/dist/load-data.js [rows] [rounds] [workers]
 *
 * Both have 50 connections, redis-benchmark's default, with 100 commands on their
 * way on each. Two comparisons, since most of the server's work on a new key is making room
 * for it: `one key` writes the same key again and again, which is what
 * `redis-benchmark -P 100 -t set -d 1024` does; `new keys` fills an empty
 * server, which is what loading is for (redis-benchmark with `-r`).
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { redisCli, runBinary, startRedis, temporaryFolder } from '@aibench/testing';
import { loadUseCase } from '@aibench/usecases';
import { runRedisBenchmark } from './redis-benchmark.js';

const [rows = 1_000_000, rounds = 5, workers = 50] = process.argv.slice(2).map(Number);
const pipeline = 100;
const { row: layout } = await loadUseCase('creditcard-fraud');

const folder = temporaryFolder();
const redis = await startRedis();

console.log(`${rows} rows, ${rounds} rounds, pipeline ${pipeline}; load-data with ${workers} connections\n`);
for (const { name, idOf, yardstick } of [
  { name: 'one key', idOf: () => 0, yardstick: [] },
  // So many more keys than rows that few are drawn twice.
  { name: 'new keys', idOf: (row: number) => row, yardstick: ['-r', String(rows * 20)] },
]) {
  const file = writeDataFile(join(folder, 'rows.dat'), idOf);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await redisCli(redis.address, 'FLUSHALL');
    ours.push(await loadDataRate(file));
    await redisCli(redis.address, 'FLUSHALL');
    theirs.push(await redisBenchmarkRate(yardstick));
  }
  console.log(`${name}: load-data        ${ours.map(Math.round).join(' ')} commands/s`);
  console.log(`${name}: redis-benchmark  ${theirs.map(Math.round).join(' ')} commands/s`);
  // Whatever else runs on the machine slows a run, never speeds it up, so the best runs are told as well.
  const ofMedians = (median(ours) / median(theirs)).toFixed(2);
  const ofBest = (Math.max(...ours) / Math.max(...theirs)).toFixed(2);
  console.log(`${name}: ratio of medians ${ofMedians}, of the best runs ${ofBest}\n`);
}
await redis.stop();
process.exit(0);

function writeDataFile(path: string, idOf: (row: number) => number): string {
  const chunkRows = 1_000;
  const chunk = Buffer.alloc(layout.sizeBytes * chunkRows, 0x41);
  const file = openSync(path, 'w');
  for (let first = 0; first < rows; first += chunkRows) {
    const count = Math.min(chunkRows, rows - first);
    for (let i = 0; i < count; i++) layout.writeId(chunk.subarray(i * layout.sizeBytes), idOf(first + i));
    writeSync(file, chunk, 0, count * layout.sizeBytes);
  }
  closeSync(file);
  return path;
}

async function loadDataRate(file: string): Promise<number> {
  const args = ['--redis-host', redis.address, '--set-tensor=false', '--check=false', '--file', file];
  const size = ['--pipeline', String(pipeline), '--workers', String(workers), '--reporting-period', '0'];
  const { exitCode, stdout, stderr } = await runBinary('load-data', [...args, ...size]);
  const rate = /([\d,]+) commands\/s/.exec(stdout.toString())?.[1];
  if (exitCode !== 0 || rate === undefined) throw new Error(`load-data failed: ${stderr}`);
  return Number(rate.replaceAll(',', ''));
}

async function redisBenchmarkRate(more: readonly string[]): Promise<number> {
  const args = ['-P', String(pipeline), '-t', 'set', '-d', '1024', '-n', String(rows), ...more];
  const [result] = await runRedisBenchmark(redis.address, args);
  if (result === undefined) throw new Error('redis-benchmark told nothing');
  return result.requestsPerSecond;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
