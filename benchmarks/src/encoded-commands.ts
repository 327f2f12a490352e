/**
 * What a request of 22 arguments, as AI.DAGRUN has, costs a client in CPU time
 * and how many a second 50 at once make: ioredis given arguments, ioredis given
 * an encoded command, the connection of our own that timed requests go over,
 * redis-benchmark. The command is EXISTS, so that any Redis
 * answers it and the server's own work is small.
 *
 *     node benchmarks/dist/encoded-commands.js [requests] [rounds]
 */
import { createRequire } from 'node:module';
import {
  commandTemplate,
  connectRedis,
  openRequestConnection,
  parseRedisAddress,
  type TemplatePart,
} from '@aibench/redis';
import { startRedis } from '@aibench/testing';
import { runRedisBenchmark } from './redis-benchmark.js';

/** The little of ioredis that is compared; the same copy that @aibench/redis uses. */
interface PlainClient {
  callBuffer(command: string, ...args: readonly (string | Uint8Array)[]): Promise<unknown>;
  disconnect(): void;
}
const { Redis } = createRequire(import.meta.resolve('@aibench/redis'))('ioredis') as {
  readonly Redis: new (port: number, host: string) => PlainClient;
};

const [requests = 100_000, rounds = 3] = process.argv.slice(2).map(Number);
const concurrency = 50;
const blob = new Uint8Array(120).fill(0x41);

const fixed: readonly string[] = Array.from({ length: 18 }, (_, i) => `argument${i}`);
const parts: readonly TemplatePart[] = [
  ...fixed,
  { key: (id) => `transactionTensor:{${id}}` },
  { key: (id) => `classificationTensor:{${id}}` },
  { blob: blob.byteLength },
];
const template = commandTemplate(['EXISTS', ...parts]);

const redis = await startRedis();
const address = parseRedisAddress(redis.address);
const connections = await Promise.all(Array.from({ length: concurrency }, () => connectRedis(address)));
const own = await Promise.all(Array.from({ length: concurrency }, () => openRequestConnection(address)));
const plain = Array.from({ length: concurrency }, () => new Redis(address.port, address.host));

const ways: Readonly<Record<string, (worker: number, id: number) => Promise<unknown>>> = {
  'ioredis, given arguments': (worker, id) =>
    plain[worker]!.callBuffer(
      'EXISTS',
      ...fixed,
      `transactionTensor:{${id}}`,
      `classificationTensor:{${id}}`,
      Buffer.from(blob),
    ),
  'ioredis, given an encoded command': (worker, id) => connections[worker]!.send(template.encode(id, [blob])),
  'own connection, given an encoded command': (worker, id) => own[worker]!.send(template.encode(id, [blob])),
};

console.log(`${requests} requests of 22 arguments, ${concurrency} connections\n`);
for (let round = 0; round < rounds; round++) {
  for (const [name, send] of Object.entries(ways)) {
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    let next = 0;
    const worker = async (_: unknown, i: number) => {
      while (next < requests) await send(i, next++);
    };
    await Promise.all(Array.from({ length: concurrency }).map(worker));
    const elapsedMs = performance.now() - startMs;
    const { user, system } = process.cpuUsage(cpu);
    const rate = Math.round((requests / elapsedMs) * 1_000);
    console.log(`${name}: ${rate}/s, ${((user + system) / requests).toFixed(1)} us CPU a request`);
  }
  const command = [
    'EXISTS',
    ...fixed,
    'transactionTensor:{123456}',
    'classificationTensor:{123456}',
    'A'.repeat(120),
  ];
  const args = ['-n', String(requests), '-c', String(concurrency), ...command];
  const [result] = await runRedisBenchmark(redis.address, args);
  console.log(`redis-benchmark: ${Math.round(result?.requestsPerSecond ?? 0)}/s\n`);
}
for (const client of plain) client.disconnect();
for (const connection of [...connections, ...own]) await connection.close();
await redis.stop();
process.exit(0);
