/**
 * What a unary gRPC call costs a client in CPU time, and how many a second one
 * client thread makes with 8 and with 50 in flight, on one connection and on as many: our own
 * client, @grpc/grpc-js, node:http2 with gRPC's framing by hand, and ghz where it
 * is installed (`go install github.com/bojand/ghz/cmd/ghz@v0.93.0`). The request
 * has 1.2 KB; then 600 KB, as an image does, with 8 in flight. The answer is a
 * few bytes. All ask one server, by grpc-go where there is Go, else by node:http2.
 *
 *     node benchmarks/dist/grpc-client.js [requests] [rounds]
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { goProgram, haveCommand, repositoryRoot, startGuarded } from '@aibench/testing';
import { findGhz, runGhz } from './ghz.js';
import { grpcClients } from './grpc-clients.js';

const [requests = 50_000, rounds = 3] = process.argv.slice(2).map(Number);
const own = 'own client';
const cases = [
  { requestBytes: 1_200, concurrency: 8, connections: 1, requests },
  { requestBytes: 1_200, concurrency: 50, connections: 1, requests },
  { requestBytes: 1_200, concurrency: 8, connections: 8, requests },
  { requestBytes: 1_200, concurrency: 50, connections: 50, requests },
  { requestBytes: 602_112, concurrency: 8, connections: 1, requests: Math.ceil(requests / 50) },
];

interface Figures {
  readonly ratePerSecond: number;
  readonly cpuUs: number;
}

const serverFolder = join(repositoryRoot, 'packages', 'testing', 'go', 'grpc-go-server');
const command = haveCommand('go')
  ? [await goProgram(serverFolder)]
  : [process.execPath, fileURLToPath(new URL('./grpc-server.js', import.meta.url))];
const server = await startGuarded(command, (stdout) => (stdout.endsWith('\n') ? stdout.trim() : undefined));
const [host = '', port = ''] = server.ready.split(':');
const ghz = findGhz();
console.log(`server: ${haveCommand('go') ? 'grpc-go' : 'node:http2'}${ghz === undefined ? '; no ghz' : ''}`);

for (const { requestBytes, concurrency, connections, requests } of cases) {
  const results = new Map<string, Figures[]>();
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(grpcClients)) {
      const script = fileURLToPath(new URL('./grpc-client-run.js', import.meta.url));
      const args = [
        script,
        name,
        host,
        port,
        ...[requestBytes, concurrency, connections, requests].map(String),
      ];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      results.set(name, [...(results.get(name) ?? []), JSON.parse(stdout) as Figures]);
    }
    if (ghz !== undefined && requestBytes < 10_000) {
      const figures = await runGhz(ghz, server.ready, { requestBytes, concurrency, connections, requests });
      results.set('ghz', [...(results.get('ghz') ?? []), figures]);
    }
  }
  const load = `${requestBytes} bytes, ${concurrency} in flight on ${connections} connections`;
  console.log(`\n${load}, ${requests} requests, ${rounds} rounds`);
  const ownFigures = results.get(own)!;
  for (const [name, figures] of results) {
    const rate = Math.round(median(figures.map(({ ratePerSecond }) => ratePerSecond)));
    const cpuUs = figures.map((one) => one.cpuUs);
    const rates = ratios(ownFigures, figures, ({ ratePerSecond }) => ratePerSecond);
    const cpu = ratios(ownFigures, figures, (one) => one.cpuUs);
    console.log(
      `  ${name.padEnd(14)} ${String(rate).padStart(6)}/s  ${median(cpuUs).toFixed(1).padStart(7)} us CPU a request` +
        ` (${cpuUs.map((us) => us.toFixed(1)).join(', ')})` +
        (name === own ? '' : `; own client: ${rates} times the rate, ${cpu} times the CPU`),
    );
  }
}
await server.stop();

/** The median of the rounds' ratios of our own client's figure to another's. */
function ratios(
  ours: readonly Figures[],
  others: readonly Figures[],
  figure: (one: Figures) => number,
): string {
  return median(ours.map((one, round) => figure(one) / figure(others[round]!))).toFixed(2);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}
