// Runs the README's shell blocks, in order, in one shell and an empty folder,
// as someone would who pastes them. Only what a test has to differ in is
// replaced: the set-up, which has run already, and the port, which must be free.
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

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function runShell(script, cwd) {
  return new Promise((resolve) => {
    // A group of its own, so that the server that the script leaves running can be stopped with it.
    const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd, detached: true });
    let stdout = '';
    let stderr = '';
    shell.stdout.on('data', (chunk) => (stdout += chunk));
    shell.stderr.on('data', (chunk) => (stderr += chunk));
    shell.on('exit', (status) => {
      process.kill(-shell.pid, 'SIGTERM');
      resolve({ status, stdout, stderr });
    });
  });
}

it('has commands that work when they are pasted', { timeout: 300_000 }, async () => {
  expect(blocks.slice(0, 2)).toEqual(['npm run quickstart\n', 'npm test\n']);
  const port = await freePort();
  const listening = `until (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null; do sleep 0.1; done`;
  const script = blocks
    .slice(2)
    .join('\n')
    .replace('npm run setup\n', '')
    .replace('"$PWD/bin:$PATH"', `"${root}/bin:$PATH"`)
    .replaceAll('6379', String(port))
    .replace(/^(aibench-reference-server .*) &$/m, `$1 &\n${listening}`)
    .replace('| aibench-load-data ', `| aibench-load-data --redis-host redis://127.0.0.1:${port} `)
    .replaceAll(
      /aibench-(setup-model --server redisai$|run-inference-redisai(?! --host))/gm,
      `$& --port ${port}`,
    );
  const folder = mkdtempSync(join(tmpdir(), 'aibench-readme-'));
  try {
    const { status, stdout, stderr } = await runShell(script, folder);
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('all right');
    expect(readdirSync(folder)).toEqual(
      expect.arrayContaining([
        'transactions.dat',
        'transactions.dat.manifest.json',
        'small.dat',
        'result.json',
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
