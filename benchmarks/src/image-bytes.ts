/**
 * How fast images leave: bytes a second of 602,112-byte tensors on one client
 * thread, from the runners' own binaries, file and engine included, against the
 * reference server with the null model in a process of its own; next to a bare
 * net.Socket that writes as many bytes to a process that only counts them, and
 * waits for its word after each 602,112. In turns, as many connections each.
 *
 *     node benchmarks/dist/image-bytes.js [seconds] [rounds] [connections]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  makeImageFile,
  type ReferenceServer,
  runBinary,
  runWithResult,
  startReferenceServer,
} from '@aibench/testing';
import { machineName, watchMachine } from './machine-noise.js';

const [seconds = 5, rounds = 3, connections = 4] = process.argv.slice(2).map(Number);
const imageBytes = 602_112;

/** A way to ask, by the runner's app and flags, and the share of the bare socket's rate that is aimed at. */
interface Way {
  readonly name: string;
  readonly app: string;
  readonly goal: number;
  flags(addresses: ReferenceServer['addresses']): readonly string[];
}

const ways: readonly Way[] = [
  { name: 'RedisAI, RESP', app: 'redisai', goal: 0.7, flags: ({ redis }) => ['--host', redis] },
  {
    ...{ name: 'TensorFlow Serving, gRPC', app: 'tfserving', goal: 0.5 },
    flags: ({ tfserving }) => ['--tensorflow-serving-host', tfserving],
  },
  { name: 'Triton, gRPC', app: 'triton', goal: 0.5, flags: ({ triton }) => ['--host', triton] },
  {
    ...{ name: 'Triton, HTTP', app: 'triton', goal: 0.5 },
    flags: ({ tritonHttp }) => ['--protocol', 'http', '--host', tritonHttp],
  },
  {
    ...{ name: 'TorchServe, HTTP, binary', app: 'torchserve', goal: 0.5 },
    flags: ({ torchserve }) => ['--torchserve-host', torchserve, '--body', 'binary'],
  },
  {
    ...{ name: 'Flask, HTTP, multipart', app: 'flask', goal: 0.5 },
    flags: ({ flask }) => ['--restapi-host', flask],
  },
];

/** Bytes a second by a runner. */
async function runnerRate({ app, flags }: Way): Promise<number> {
  const { exitCode, result, stderr } = await runWithResult(
    `run-inference-${app}`,
    [
      ...flags(server.addresses),
      ...['--file', dataFile, '--workers', `${connections}`, '--threads', '1'],
      ...['--duration', `${seconds}s`, '--burn-in-duration', '1s'],
    ],
    { timeoutMs: 120_000 },
  );
  if (exitCode !== 0) throw new Error(`${app}: ${stderr}`);
  return result!.rates.measuredPerSecond * imageBytes;
}

/** Bytes a second by sockets alone, each waiting for an answer before it writes the next. */
async function bareRate(port: number): Promise<number> {
  const image = Buffer.alloc(imageBytes, 1);
  const startMs = performance.now();
  const endMs = startMs + (seconds + 1) * 1_000;
  let written = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      while (performance.now() < endMs) {
        socket.write(image);
        await once(socket, 'data');
        written += imageBytes;
      }
      socket.destroy();
    }),
  );
  return (written / (performance.now() - startMs)) * 1_000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const dataFile = await makeImageFile(64);
const output = 'MobilenetV1/Predictions/Reshape_1=1x1001';
const server = await startReferenceServer(['--null-model', '--null-output-shape', output]);
const { redis } = server.addresses;
// The null model's answer is not the model's; it is stored before the answer is found wrong.
await runBinary('setup-model', ['--host', redis, '--use-case', 'vision-image-classification']);

const sink = spawn(
  process.execPath,
  [fileURLToPath(new URL('./byte-sink.js', import.meta.url)), `${imageBytes}`],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
const [line] = (await once(createInterface({ input: sink.stdout }), 'line')) as [string];
const noise = watchMachine();
const bare: number[] = [];
const rates = new Map(ways.map((way) => [way, [] as number[]]));
for (let round = 0; round < rounds; round++) {
  bare.push(await bareRate(Number(line)));
  for (const [way, values] of rates) values.push(await runnerRate(way));
}
sink.kill();
await server.stop();

console.log(
  `${machineName()}, Node ${process.versions.node}; ${connections} connections, 1 thread, median of ${rounds}`,
);
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB/s`.padStart(11);
console.log(`${'bare net.Socket'.padEnd(26)}${mb(median(bare))}`);
for (const [{ name, goal }, values] of rates) {
  const ratio = median(values.map((value, round) => value / bare[round]!));
  console.log(`${name.padEnd(26)}${mb(median(values))}   ${ratio.toFixed(2)} of it (goal ${goal})`);
}
console.log(`\n${noise.line()}`);
process.exit(0);
