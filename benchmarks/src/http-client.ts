/**
 * What a request over HTTP/1.1 costs a client in CPU time, and how many a second
 * one client thread makes, each connection with one request out: our own client,
 * undici's `dispatch` with as little around it as it allows, undici's `request`,
 * node:http, and wrk with one thread where it is installed. The body is the fraud
 * case's multipart of 1.3 KB, put together anew for each request, over 8 and over
 * 50 connections; then an image's 602 KB over 8. wrk sends the same body, which it
 * never puts together. The answer is a few bytes. All ask one server, by fasthttp
 * where there is Go, else by node:http.
 *
 *     node benchmarks/dist/http-client.js [requests] [rounds]
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { goProgram, haveCommand, repositoryRoot, startGuarded } from '@aibench/testing';
import { loadOf } from './http-client-load.js';
import { httpClients } from './http-clients.js';
import { machineName, watchMachine } from './machine-noise.js';
import { runWrk } from './wrk.js';

const [requests = 50_000, rounds = 5] = process.argv.slice(2).map(Number);
const own = 'own client';
const cases = [
  { load: 'fraud', connections: 8, requests },
  { load: 'fraud', connections: 50, requests },
  { load: 'image', connections: 8, requests: Math.ceil(requests / 50) },
];

interface Figures {
  readonly ratePerSecond: number;
  readonly cpuUs: number;
}

const hasGo = haveCommand('go');
const hasWrk = haveCommand('wrk');
const serverFolder = join(repositoryRoot, 'packages', 'testing', 'go', 'http-go-server');
const command = hasGo
  ? [await goProgram(serverFolder), '-server', 'fasthttp']
  : [process.execPath, fileURLToPath(new URL('./http-server.js', import.meta.url))];
const server = await startGuarded(command, (stdout) => (stdout.endsWith('\n') ? stdout.trim() : undefined));
console.log(`${machineName()}\nserver: ${hasGo ? 'fasthttp' : 'node:http'}${hasWrk ? '' : '; no wrk'}`);
const noise = watchMachine();

for (const { load, connections, requests } of cases) {
  const results = new Map<string, Figures[]>();
  const keep = (name: string, figures: Figures) => results.set(name, [...(results.get(name) ?? []), figures]);
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(httpClients)) {
      const script = fileURLToPath(new URL('./http-client-run.js', import.meta.url));
      const args = [script, name, server.ready, load, String(connections), String(requests)];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      keep(name, JSON.parse(stdout) as Figures);
    }
    if (hasWrk) keep('wrk', await askByWrk(load, connections));
  }
  const { template } = loadOf(load);
  console.log(
    `\n${load}, ${template.sizeBytes} bytes, ${connections} connections, ${requests} requests, ${rounds} rounds`,
  );
  const ownFigures = results.get(own)!;
  for (const [name, figures] of results) {
    const rate = Math.round(median(figures.map(({ ratePerSecond }) => ratePerSecond)));
    const cpuUs = figures.map((one) => one.cpuUs);
    const rates = ratios(ownFigures, figures, ({ ratePerSecond }) => ratePerSecond);
    const cpu = ratios(ownFigures, figures, (one) => one.cpuUs);
    console.log(
      `  ${name.padEnd(16)} ${String(rate).padStart(6)}/s  ${median(cpuUs).toFixed(1).padStart(7)} us CPU a request` +
        ` (${cpuUs.map((us) => us.toFixed(1)).join(', ')})` +
        (name === own ? '' : `; own client: ${rates} times the rate, ${cpu} times the CPU`),
    );
  }
}
console.log(`\n${noise.line()}`);
await server.stop();

function askByWrk(load: string, connections: number): Promise<Figures> {
  const { template, data } = loadOf(load);
  const encoded = template.encode(data);
  const body = encoded instanceof Uint8Array ? encoded : Buffer.concat(encoded);
  const { headers } = template;
  return runWrk({ address: server.ready, path: '/size', headers, body, connections, seconds: 2 });
}

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
