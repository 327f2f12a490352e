// Sets the workspace up with nothing but Node and npm: fetches the pinned pnpm
// through npx, installs with the frozen lockfile, builds. Runs before anything
// is installed, so it may import nothing but Node itself.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a command from the root; ends this process with the command's status if it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error !== undefined) fail(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
  return result;
}

/** Runs a command and shows what it printed only if it fails. */
function runQuietly(label, command, args, env = {}) {
  const startMs = Date.now();
  process.stderr.write(`${label} ..`);
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', ...env },
  });
  if (result.status === 0) {
    process.stderr.write(` ${((Date.now() - startMs) / 1000).toFixed(1)} s\n`);
    return;
  }
  process.stderr.write(`\n${result.stdout ?? ''}${result.stderr ?? ''}`);
  fail(`${label} failed`);
}

/** Ends this process with one line. */
export function fail(line) {
  process.stderr.write(`aibench: ${line}\n`);
  process.exit(1);
}

/** Installs and builds; quick when there is nothing to do. */
export function setUpWorkspace() {
  const { packageManager, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  checkNodeVersion(engines.node);
  const pnpm = ['--yes', packageManager];
  // A cached pnpm store may not be writable everywhere; pnpm then says so itself.
  runQuietly(`Installing with ${packageManager}`, 'npx', [...pnpm, 'install', '--frozen-lockfile']);
  runQuietly('Building', 'npx', [...pnpm, 'run', 'build']);
}

function checkNodeVersion(range) {
  const [wantedMajor, wantedMinor] = range.replace('>=', '').split('.').map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  fail(`Node ${process.versions.node} is too old: aibench needs Node ${range}`);
}
