/**
 * How fast images leave: bytes a second of 602,112-byte tensors on one client
 * thread, from the runners' own binaries, file and engine included, against the
 * reference server with the null model in a process of its own; next to bare
 * net.Sockets that write the same bytes, a request encoded beforehand, to the
 * same port and wait for its answer before they write it again. gRPC, which no
 * bare socket speaks, is compared with what those reach over HTTP. In turns, as
 * many connections each.
 *
 *     node benchmarks/dist/image-bytes.js [seconds] [rounds] [connections]
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MultipartTemplate } from '@aibench/http';
import { dagCommand, rowKeys } from '@aibench/redisai';
import {
  makeImageFile,
  type ReferenceServer,
  runBinary,
  runWithResult,
  startReferenceServer,
} from '@aibench/testing';
import { loadUseCase } from '@aibench/usecases';
import { machineName, watchMachine } from './machine-noise.js';

const [seconds = 5, rounds = 3, connections = 4] = process.argv.slice(2).map(Number);
const imageBytes = 602_112;

/** A request as bare sockets write it, and the port that it goes to. */
interface Bare {
  readonly name: string;
  readonly port: (addresses: ReferenceServer['addresses']) => string;
  readonly wire: readonly Uint8Array[];
}

const image = Buffer.alloc(imageBytes, 1);
const task = (await loadUseCase('vision-image-classification')).task({ withReference: false });
const dag = dagCommand(task, { family: 'run', model: task.defaultModelName, keys: rowKeys });
const form = new MultipartTemplate(task.inputs);
const formHead =
  `POST /v2/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${form.headers['content-type']}\r\n` +
  `content-length: ${form.sizeBytes}\r\n\r\n`;
const bare = {
  resp: { name: 'RESP', port: ({ redis }) => redis, wire: [dag.encode(1, [image])] },
  http: {
    ...{ name: 'HTTP', port: ({ flask }) => flask },
    wire: [Buffer.from(formHead), ...[form.encode([image])].flat()],
  },
} satisfies Record<string, Bare>;

/** A way to ask, by the runner's app and flags, and the share of the bare sockets' rate that is aimed at. */
interface Way {
  readonly name: string;
  readonly app: string;
  readonly next: keyof typeof bare;
  readonly goal: number;
  flags(addresses: ReferenceServer['addresses']): readonly string[];
}

const ways: readonly Way[] = [
  {
    ...{ name: 'RedisAI, RESP', app: 'redisai', next: 'resp', goal: 0.7 },
    flags: ({ redis }) => ['--host', redis],
  },
  {
    ...{ name: 'TensorFlow Serving, gRPC', app: 'tfserving', next: 'http', goal: 0.5 },
    flags: ({ tfserving }) => ['--tensorflow-serving-host', tfserving],
  },
  {
    ...{ name: 'Triton, gRPC', app: 'triton', next: 'http', goal: 0.5 },
    flags: ({ triton }) => ['--host', triton],
  },
  {
    ...{ name: 'Triton, HTTP', app: 'triton', next: 'http', goal: 0.5 },
    flags: ({ tritonHttp }) => ['--protocol', 'http', '--host', tritonHttp],
  },
  {
    ...{ name: 'TorchServe, HTTP, binary', app: 'torchserve', next: 'http', goal: 0.5 },
    flags: ({ torchserve }) => ['--torchserve-host', torchserve, '--body', 'binary'],
  },
  {
    ...{ name: 'Flask, HTTP, multipart', app: 'flask', next: 'http', goal: 0.5 },
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

/** Connects a bare socket to where a request goes. */
async function connectBare({ port }: Bare): Promise<Socket> {
  const [host, number] = port(server.addresses).split(':');
  const socket = connect({ host: host!, port: Number(number), noDelay: true });
  await once(socket, 'connect');
  return socket;
}

function writeAll(socket: Socket, wire: readonly Uint8Array[]): void {
  socket.cork();
  for (const piece of wire) socket.write(piece);
  socket.uncork();
}

/** Bytes of the null model's answer, which is always the same: all that comes until nothing does for a while. */
async function answerSize(request: Bare): Promise<number> {
  const socket = await connectBare(request);
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  writeAll(socket, request.wire);
  for (let before = -1; bytes === 0 || bytes > before; ) {
    before = bytes;
    await sleep(300);
  }
  socket.destroy();
  return bytes;
}

/** Bytes a second by sockets alone. */
async function bareRate(request: Bare): Promise<number> {
  const answerBytes = await answerSize(request);
  const startMs = performance.now();
  const endMs = startMs + (seconds + 1) * 1_000;
  let requests = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = await connectBare(request);
      while (performance.now() < endMs) {
        writeAll(socket, request.wire);
        for (let left = answerBytes; left > 0; ) left -= ((await once(socket, 'data')) as [Buffer])[0].length;
        requests += 1;
      }
      socket.destroy();
    }),
  );
  return (requests * imageBytes * 1_000) / (performance.now() - startMs);
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

const noise = watchMachine();
const bareRates = { resp: [] as number[], http: [] as number[] };
const rates = new Map(ways.map((way) => [way, [] as number[]]));
for (let round = 0; round < rounds; round++) {
  for (const [name, values] of Object.entries(bareRates)) {
    values.push(await bareRate(bare[name as keyof typeof bare]));
  }
  for (const [way, values] of rates) values.push(await runnerRate(way));
}
await server.stop();

console.log(
  `${machineName()}, Node ${process.versions.node}; ${connections} connections, 1 thread, median of ${rounds}`,
);
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB/s`.padStart(11);
for (const [name, values] of Object.entries(bareRates)) {
  console.log(
    `${`bare net.Socket, ${bare[name as keyof typeof bare].name}`.padEnd(26)}${mb(median(values))}`,
  );
}
for (const [{ name, next, goal }, values] of rates) {
  const ratio = median(values.map((value, round) => value / bareRates[next][round]!));
  console.log(`${name.padEnd(26)}${mb(median(values))}   ${ratio.toFixed(2)} of it (goal ${goal})`);
}
console.log(`\n${noise.line()}`);
process.exit(0);
