import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { packageVersion } from './run-cli.js';

const binary = fileURLToPath(new URL('../../dist/cli/stub-command.test.fixture.js', import.meta.url));
const version = packageVersion(import.meta.url);

interface Options {
  readonly debug?: boolean;
  /** Sent one after the other, each when the text before it has come on stderr. */
  readonly signals?: readonly (readonly [after: string, signal: NodeJS.Signals])[];
  /** Closes the reading end of stdout at once. */
  readonly closeStdout?: boolean;
}

function run(args: readonly string[], { debug = false, signals = [], closeStdout = false }: Options = {}) {
  const env = { ...process.env, AIBENCH_DEBUG: debug ? '1' : '' };
  const child = spawn(process.execPath, [binary, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const pending = [...signals];
  if (closeStdout) child.stdout.destroy();
  else
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    while (pending[0] !== undefined && stderr.includes(pending[0][0])) child.kill(pending.shift()![1]);
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('runCli', () => {
  it.each<[string, number, string]>([
    ['', 0, ''],
    ['code', 7, ''],
    ['usage', 2, 'stub-command: this makes no sense\nstub-command: see --help\n'],
    ['input', 1, 'stub-command: no such file (see --file)\n'],
    ['bug', 1, 'stub-command: a bug (unexpected; AIBENCH_DEBUG=1 shows where)\n'],
    ['stray-throw', 1, 'stub-command: a stray bug (unexpected; AIBENCH_DEBUG=1 shows where)\n'],
    ['stray-rejection', 1, 'stub-command: a stray bug (unexpected; AIBENCH_DEBUG=1 shows where)\n'],
  ])('ends %j with status %i and no stack trace', async (end, code, stderr) => {
    expect(await run(['--end', end])).toEqual({ code, stdout: '', stderr });
  });

  it('shows the stack and the cause to whoever asks for them', async () => {
    const { code, stderr } = await run(['--end', 'bug'], { debug: true });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^stub-command: a bug\n/);
    expect(stderr).toContain('stub-command.test.fixture');
    expect(stderr).toContain('underneath');
  });

  it('rejects a wrong command line before it does anything', async () => {
    const { code, stdout, stderr } = await run(['--ned', 'code']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe('stub-command: there is no flag --ned (did you mean --end?)\n');
  });

  it('prints help and the version of its package on stdout', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `stub-command ${version}\n`, stderr: '' });
    const help = await run(['--help']);
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('--end <text>');
  });

  it('ends though a handle is still open, and what it wrote has arrived', async () => {
    expect(await run(['--end', 'open-handle'])).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
  });

  it('says in one line that the reader of stdout has gone', async () => {
    expect(await run(['--end', 'flood'], { closeStdout: true })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'stub-command: cannot write stdout: the reader has closed the pipe\n',
    });
  });

  it.each(['--help', '--end=flood-unheeded'])('does not fall over a gone reader with %s', async (arg) => {
    expect(await run([arg], { closeStdout: true })).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it.each<NodeJS.Signals>(['SIGINT', 'SIGTERM'])('finishes tidily on %s, with status 130', async (signal) => {
    const { code, stderr } = await run(['--end', 'wait'], { signals: [['waiting', signal]] });
    expect([code, stderr]).toEqual([130, 'waiting\ntidied up\n']);
  });

  it('ends with status 130 also where the work fails because of the interrupt', async () => {
    const { code, stderr } = await run(['--end', 'wait-and-fail'], { signals: [['waiting', 'SIGINT']] });
    expect([code, stderr]).toEqual([130, 'waiting\nstub-command: interrupted\n']);
  });

  it('ends at once on the second signal', async () => {
    const { code, stderr } = await run(['--end', 'wait-for-ever'], {
      signals: [
        ['waiting', 'SIGINT'],
        ['unmoved', 'SIGINT'],
      ],
    });
    expect([code, stderr]).toEqual([130, 'waiting\nunmoved\n']);
  });
});

describe('packageVersion', () => {
  it('is that of the package.json nearest above', () => {
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(() => packageVersion('file:///nowhere/at/all.js')).toThrow(/no package\.json/);
  });
});
