// Runs the README's shell blocks, in order, in one shell and an empty folder,
// as someone would who pastes them. Only what a test has to differ in is
// replaced: the set-up, which has run already, and the ports, which must be free.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './workspace.mjs';

const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```sh\n(.*?)```/gs)].map(
  ([, text]) => text,
);

/** The servers' usual ports, each with a free one that stands in for it. */
const usualPorts = ['6379', '8500', '8501', '8001', '8000', '8002', '8080', '8081', '8082', '7070', '8003'];

async function freePorts() {
  const servers = await Promise.all(
    usualPorts.map(
      () =>
        new Promise((resolve, reject) => {
          const server = createServer().once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => String(server.address().port));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return Object.fromEntries(usualPorts.map((usual, i) => [usual, ports[i]]));
}

/** A block's commands, with the free ports where they name or mean the usual ones. */
function withPorts(script, ports) {
  const redis = `127.0.0.1:${ports[6379]}`;
  const server = [
    ...['--tfserving-port', ports[8500], '--tfserving-rest-port', ports[8501]],
    ...['--triton-grpc-port', ports[8001], '--triton-http-port', ports[8000]],
    ...['--triton-metrics-port', ports[8002]],
    ...['--torchserve-port', ports[8080], '--torchserve-management-port', ports[8081]],
    ...['--torchserve-metrics-port', ports[8082], '--torchserve-grpc-port', ports[7070]],
    ...['--flask-port', ports[8003]],
  ].join(' ');
  // The last of its ports to be opened.
  const listening = `for attempt in {1..300}; do
    (exec 3<>/dev/tcp/127.0.0.1/${ports[8003]}) 2>/dev/null && break
    [ $attempt -lt 300 ] && sleep 0.1
  done`;
  const torchserve = `--torchserve-host 127.0.0.1:${ports[8080]} --torchserve-management-host 127.0.0.1:${ports[8081]}`;
  const own = [
    [/setup-model --server redisai(?! --host)/, `--port ${ports[6379]}`],
    [/run-inference-redisai(?! --host)/, `--port ${ports[6379]}`],
    [/setup-model --server tfserving/, `--tensorflow-serving-host 127.0.0.1:${ports[8500]}`],
    [/run-inference-tfserving/, `--tensorflow-serving-host 127.0.0.1:${ports[8500]} --redis-host ${redis}`],
    [/setup-model --server triton/, `--host 127.0.0.1:${ports[8001]}`],
    [/run-inference-triton --protocol http/, `--host 127.0.0.1:${ports[8000]} --redis-host ${redis}`],
    [/run-inference-triton(?! --protocol)/, `--host 127.0.0.1:${ports[8001]} --redis-host ${redis}`],
    [/(?:setup-model --server torchserve|run-inference-torchserve)/, torchserve],
    [/run-inference-torchserve/, `--redis-host ${redis}`],
    [/run-inference-flask/, `--redis-host ${redis}`],
    [/load-data(?! --redis-host)/, `--redis-host redis://${redis}`],
  ];
  const named = script.replaceAll(/\b(?:6379|8003)\b/g, (usual) => ports[usual]);
  return own
    .reduce(
      (text, [command, flags]) =>
        text.replaceAll(new RegExp(`aibench-${command.source}`, 'g'), `$& ${flags}`),
      named,
    )
    .replace(/^(aibench-reference-server [^&]*) &$/m, `$1 ${server} &\n${listening}`);
}

function runShell(script, cwd) {
  return new Promise((resolve) => {
    // A group of its own, so that the server that the script leaves running can be stopped with it.
    const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd, detached: true });
    let stdout = '';
    let stderr = '';
    shell.stdout.on('data', (chunk) => (stdout += chunk));
    shell.stderr.on('data', (chunk) => (stderr += chunk));
    // Before the test's own limit, after which nothing would stop it.
    const timer = setTimeout(() => process.kill(-shell.pid, 'SIGKILL'), 280_000);
    shell.on('exit', (status) => {
      clearTimeout(timer);
      process.kill(-shell.pid, 'SIGTERM');
      resolve({ status, stdout, stderr });
    });
  });
}

it('has commands that work when they are pasted', { timeout: 300_000 }, async () => {
  expect(blocks.slice(0, 2)).toEqual(['npm run quickstart\n', 'npm test\n']);
  const commands = blocks
    .slice(2)
    .join('\n')
    .replace('npm run setup\n', '')
    .replace('"$PWD/bin:$PATH"', `"${root}/bin:$PATH"`);
  const script = withPorts(commands, await freePorts());
  const folder = mkdtempSync(join(tmpdir(), 'aibench-readme-'));
  try {
    const { status, stdout, stderr } = await runShell(script, folder);
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    // Once for each run with --verify.
    expect(stdout.split('all right')).toHaveLength(commands.split('--verify').length);
    expect(readdirSync(folder)).toEqual(
      expect.arrayContaining([
        'transactions.dat',
        'transactions.dat.manifest.json',
        'small.dat',
        'result.json',
        'models',
        'repository',
        'model-store',
        'flask-models',
      ]),
    );
    expect(JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')).Result.counts).toMatchObject({
      sent: 100_000,
      answered: 100_000,
      burnIn: 10_000,
      failed: 0,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
