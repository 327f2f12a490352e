// npm run quickstart: the whole pipeline on this machine, with nothing but Node
// and npm there. The embedded reference server stands in for a model server.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fail, root, run, setUpWorkspace } from './workspace.mjs';

const rows = 10_000;
const images = 60;
const seed = 12345;

setUpWorkspace();

const folder = mkdtempSync(join(tmpdir(), 'aibench-quickstart-'));
const data = join(folder, 'transactions.dat');
const imageData = join(folder, 'images.dat');
const server = spawn(
  process.execPath,
  [main('reference-server'), '--protocols', 'redis', '--redis-port', '0'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
const cleanUp = () => {
  server.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
};
process.on('exit', cleanUp);
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

const address = await serverAddress();
const [host, port] = address.split(':');

phase(`Generate ${rows.toLocaleString('en-US')} card transactions with reference data`, 'generate-data', [
  ...['--max-transactions', rows, '--seed', seed, '--output-file', data],
]);
phase('Load the reference data', 'load-data', [
  '--redis-host',
  `redis://${address}`,
  '--pipeline',
  100,
  '--file',
  data,
]);
phase('Set the model up', 'setup-model', [
  ...['--server', 'redisai', '--host', host, '--port', port, '--enable-reference-data-redis'],
]);
phase('Benchmark inference and verify every answer', 'run-inference-redisai', [
  ...['--host', host, '--port', port, '--enable-reference-data-redis', '--use-dag', '--workers', 8],
  ...['--burn-in', 1_000, '--verify', '--file', data],
]);
const vision = ['--use-case', 'vision-image-classification'];
phase(`Draw ${images} images, and compute what a model has to answer`, 'generate-data', [
  ...[...vision, '--synthetic', images, '--seed', seed, '--with-expected', '--output-file', imageData],
]);
phase('Set MobileNet up', 'setup-model', [
  ...['--server', 'redisai', '--host', host, '--port', port, ...vision],
]);
phase('Benchmark image classification, two images a request', 'run-inference-redisai', [
  ...['--host', host, '--port', port, '--batch-size', 2, '--workers', 2, '--verify', '--file', imageData],
]);
process.stdout.write(`
That was the embedded reference server, which makes the pipeline run anywhere; its
figures say nothing about RedisAI. The README shows the four phases against a real one.
`);
process.exit(0);

function main(app) {
  return join(root, 'apps', app, 'dist', 'main.js');
}

/** The address that the server chose, from the line that it prints once it listens. */
async function serverAddress() {
  server.once('exit', (status) => fail(`the reference server ended with status ${status}`));
  for await (const line of createInterface({ input: server.stdout })) return JSON.parse(line).addresses.redis;
  return fail('the reference server told no address');
}

function phase(title, app, args) {
  const shown = args.map((arg) => String(arg).replace(`${folder}/`, ''));
  process.stdout.write(`\n== ${title}\n$ aibench-${app} ${shown.join(' ')}\n`);
  run(process.execPath, [main(app), ...args.map(String)]);
}
