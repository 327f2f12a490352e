import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { describeWithServer } from './describe-with-server.js';
import { describeWithPython, pythonEnvironment, requirementsPath, runPython, startPython } from './python.js';
import { repositoryRoot } from './repository-root.js';
import { temporaryFolder } from './temporary-folder.js';

const requirements = join(repositoryRoot, 'packages', 'testing', 'requirements');
const makeEnvironment = join(repositoryRoot, 'packages', 'testing', 'python', 'make-environment.py');

describe('pinned requirements', () => {
  const ofTests = readdirSync(requirements).filter((name) => name.endsWith('.txt'));
  const names = [...ofTests.map((name) => name.replace('.txt', '')), 'flask-onnxruntime', 'flask-tensorflow'];

  it.each(names)('%s pins every package by version and hash, and names no registry', (name) => {
    const text = readFileSync(requirementsPath(name), 'utf8').replace(/^#.*\n/gm, '');
    for (const pin of text.split(/^(?=\S)/m)) {
      expect(pin).toMatch(/^[\w.-]+==[\w.]+( ;[^\\]+)? \\\n( {4}--hash=sha256:[0-9a-f]{64}( \\)?\n)+$/);
    }
    expect(text).not.toMatch(/https?:|--(extra-)?index-url|--find-links/);
  });
});

await describeWithPython('grpcio', 'Python environments', (python) => {
  it('has the pinned version of what its file names, and is made once', async () => {
    expect(await pythonEnvironment('grpcio')).toBe(python);
    const { exitCode, stdout, stderr } = await runPython(python, [
      '-c',
      'import grpc; print(grpc.__version__)',
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const pinned = /^grpcio==(\S+)/m.exec(readFileSync(join(requirements, 'grpcio.txt'), 'utf8'))?.[1];
    expect(stdout.trim()).toBe(pinned);
  });

  it('is made by one of two processes that ask at once', async () => {
    const folder = temporaryFolder();
    const index = new URL('../dist/index.js', import.meta.url).href;
    const program = `const { pythonEnvironment, runPython } = await import('${index}');
      const python = await pythonEnvironment('grpcio');
      console.log(python, (await runPython(python, ['-c', 'import grpc'])).exitCode);`;
    const ask = () =>
      runNode(program, { AIBENCH_CACHE: folder, VITEST: undefined }).then((stdout) => stdout.trim());
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(first).toMatch(/^\/.*grpcio-[0-9a-f]{16}\/bin\/python 0$/);
    expect(second).toBe(first);
    expect(readdirSync(join(folder, 'python')).sort()).toEqual([
      expect.stringMatching(/^grpcio-[0-9a-f]{16}$/),
      expect.stringMatching(/^grpcio-[0-9a-f]{16}\.lock$/),
    ]);
  }, 300_000);

  it('leaves nothing where a hash is not that of the package', () => {
    const folder = temporaryFolder();
    const broken = join(folder, 'broken.txt');
    const text = readFileSync(join(requirements, 'grpcio.txt'), 'utf8');
    writeFileSync(broken, text.replaceAll(/sha256:[0-9a-f]{8}/g, 'sha256:00000000'));
    const environment = join(folder, 'environments', 'broken');
    let stderr = '';
    try {
      execFileSync(python, [makeEnvironment, broken, environment], { stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      stderr = String((error as { stderr: Buffer }).stderr);
    }
    expect(stderr).toMatch(/hash|HASH/);
    expect(readdirSync(join(folder, 'environments'))).toEqual(['broken.lock']);
  }, 300_000);

  it('starts a server that tells its address, and stops it', async () => {
    const script = join(temporaryFolder(), 'server.py');
    writeFileSync(
      script,
      [
        'import http.server, os, sys',
        'server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)',
        'print(f"127.0.0.1:{server.server_port} {sys.argv[1]} {os.environ[\'GREETING\']}")',
        'server.serve_forever()',
      ].join('\n'),
    );
    const server = await startPython(python, script, ['word'], { env: { GREETING: 'hello' } });
    const [address = '', ...rest] = server.ready.split(' ');
    expect(rest).toEqual(['word', 'hello']);
    expect((await fetch(`http://${address}/`)).status).toBe(501);
    await server.kill();
    await expect(fetch(`http://${address}/`)).rejects.toThrow('fetch failed');
  });

  it('says what a server wrote that ends before it is ready', async () => {
    const script = join(temporaryFolder(), 'server.py');
    writeFileSync(script, 'raise SystemExit("no model here")\n');
    await expect(startPython(python, script)).rejects.toThrow('no model here');
  });
});

describe('what tests need and is not there', () => {
  it('is an error where servers are required, and a warning where they are not', () => {
    vi.stubEnv('AIBENCH_REQUIRE_SERVERS', '1');
    const body = vi.fn();
    expect(() => describeWithServer('aibench-no-such-command', 'a title', body)).toThrow(
      '"a title" cannot be tested: aibench-no-such-command not found',
    );
    expect(body).not.toHaveBeenCalled();
    vi.unstubAllEnvs();
  });
});

function runNode(program: string, env: Record<string, string | undefined>): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = ['--input-type=module', '-e', program];
    execFile(process.execPath, args, { env: { ...process.env, ...env } }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
  });
}
