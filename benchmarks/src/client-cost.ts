/**
 * What a fraud request costs the client, by protocol: CPU of the whole process
 * for each request, engine included, from the runners' own binaries against the
 * reference server with the null model, a process of its own. All in one run, in
 * turns, so that a busy machine is busy for all of them alike.
 *
 *     node benchmarks/dist/client-cost.js [requests] [rounds] [workers]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ReferenceServer, runBinary, startReferenceServer, temporaryFolder } from '@aibench/testing';
import { machineName, watchMachine } from './machine-noise.js';

const [requests = 50_000, rounds = 5, workers = 16] = process.argv.slice(2).map(Number);

/** A way to ask, by the runner's app and flags. */
interface Way {
  readonly name: string;
  readonly app: string;
  /** Whether it is how the runner asks when nothing else is said. */
  readonly isDefault: boolean;
  flags(addresses: ReferenceServer['addresses']): readonly string[];
}

const ways: readonly Way[] = [
  {
    name: 'RedisAI, RESP',
    app: 'redisai',
    isDefault: true,
    flags: ({ redis }) => ['--host', redis],
  },
  {
    name: 'TensorFlow Serving, gRPC',
    app: 'tfserving',
    isDefault: true,
    flags: ({ tfserving, redis }) => ['--tensorflow-serving-host', tfserving, '--redis-host', redis],
  },
  {
    name: 'Triton, gRPC',
    app: 'triton',
    isDefault: true,
    flags: ({ triton, redis }) => ['--host', triton, '--redis-host', redis],
  },
  {
    name: 'Triton, HTTP',
    app: 'triton',
    isDefault: false,
    flags: ({ tritonHttp, redis }) => ['--protocol', 'http', '--host', tritonHttp, '--redis-host', redis],
  },
  {
    name: 'TorchServe, HTTP, JSON',
    app: 'torchserve',
    isDefault: true,
    flags: ({ torchserve, redis }) => ['--torchserve-host', torchserve, '--redis-host', redis],
  },
  {
    name: 'TorchServe, HTTP, binary',
    app: 'torchserve',
    isDefault: false,
    flags: ({ torchserve, redis }) => [
      ...['--torchserve-host', torchserve, '--redis-host', redis, '--body', 'binary'],
    ],
  },
  {
    name: 'TorchServe, gRPC',
    app: 'torchserve',
    isDefault: false,
    flags: ({ torchserve, torchserveGrpc, redis }) => [
      ...['--protocol', 'grpc', '--torchserve-grpc-host', torchserveGrpc],
      ...['--torchserve-host', torchserve, '--redis-host', redis],
    ],
  },
  {
    name: 'Flask, HTTP, multipart',
    app: 'flask',
    isDefault: true,
    flags: ({ flask, redis }) => ['--restapi-host', flask, '--redis-host', redis],
  },
  {
    name: 'Flask, HTTP, JSON',
    app: 'flask',
    isDefault: false,
    flags: ({ flask, redis }) => [
      ...['--restapi-host', flask, '--redis-host', redis, '--restapi-request-uri', '/v1/predict'],
    ],
  },
];

const folder = temporaryFolder();
const dataFile = join(folder, 'fraud.dat');

async function succeed(app: string, args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runBinary(app, args, { timeoutMs: 600_000 });
  if (exitCode !== 0) throw new Error(`${app} ${args.join(' ')}: ${stderr}`);
}

async function cpuPerRequestUs(way: Way, reference: boolean): Promise<number> {
  const json = join(folder, 'result.json');
  const server = reference ? servers.withReference : servers.without;
  await succeed(`run-inference-${way.app}`, [
    ...way.flags(server.addresses),
    ...(reference ? ['--enable-reference-data-redis'] : []),
    ...['--file', dataFile, '--workers', `${workers}`, '--threads', '1', '--quiet', '--json-out-file', json],
  ]);
  const { Result } = JSON.parse(readFileSync(json, 'utf8')) as {
    readonly Result: { readonly client: { readonly cpuPerRequestUs: number } };
  };
  return Result.client.cpuPerRequestUs;
}

/** A server whose models answer an output of this name, RedisAI's among them. */
async function startNull(output: string, flags: readonly string[]): Promise<ReferenceServer> {
  const server = await startReferenceServer(['--null-model', '--null-output-shape', `${output}=1x2`]);
  // The null model's answer is not the model's; it is stored before the answer is found wrong.
  await runBinary('setup-model', ['--host', server.addresses.redis, ...flags]);
  return server;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

await succeed('generate-data', [
  ...['--max-transactions', `${requests}`, '--seed', '1', '--output-file', dataFile],
]);
const servers = {
  without: await startNull('out', []),
  withReference: await startNull('output', ['--enable-reference-data-redis']),
};
await succeed('load-data', [
  ...['--redis-host', servers.withReference.addresses.redis, '--pipeline', '100', '--file', dataFile],
]);

const noise = watchMachine();
const costs = new Map(ways.map((way) => [way, { without: [] as number[], withReference: [] as number[] }]));
for (let round = 0; round < rounds; round++) {
  for (const [way, { without, withReference }] of costs) {
    without.push(await cpuPerRequestUs(way, false));
    withReference.push(await cpuPerRequestUs(way, true));
  }
}
console.log(
  `${machineName()}, Node ${process.versions.node}; ${requests} requests, ${workers} workers, 1 thread`,
);
console.log(`client CPU a request, us, median of ${rounds} rounds; * is what the runner does by default\n`);
console.log(`${' '.repeat(28)}without   with reference data`);
for (const [{ name, isDefault }, { without, withReference }] of costs) {
  const figures = [without, withReference].map((values) => median(values).toFixed(1).padStart(7));
  console.log(`${(isDefault ? '* ' : '  ') + name.padEnd(26)}${figures.join('   ')}`);
}
const defaults = [...costs].filter(([{ isDefault }]) => isDefault).map(([, values]) => values);
for (const [what, values] of [
  ['without reference data', defaults.map(({ without }) => median(without))],
  ['with reference data', defaults.map(({ withReference }) => median(withReference))],
] as const) {
  const ratio = Math.max(...values) / Math.min(...values);
  console.log(`\ndearest to cheapest default, ${what}: ${ratio.toFixed(2)}`);
}
console.log(`\n${noise.line()}`);
await Promise.all(Object.values(servers).map((server) => server.stop()));
process.exit(0);
