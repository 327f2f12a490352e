import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.js';
import { describeUnless, vitest } from './describe-with-server.js';
import { type GuardedOptions, type GuardedProcess, startGuarded } from './guarded-process.js';
import { repositoryRoot } from './repository-root.js';

/** Versions that there are wheels of TensorFlow 2.21 for. */
const wanted = { from: 10, to: 13 };
const candidates = ['python3', ...['13', '12', '11', '10'].map((minor) => `python3.${minor}`)];

const packageFolder = join(repositoryRoot, 'packages', 'testing');

/**
 * What an environment takes from Debian, as it is installed for Debian's own Python, with what that depends on: PyTorch
 * in the Python package registry brings CUDA along and weighs ten times as much.
 */
const fromDebian: Readonly<Record<string, { readonly modules: string; readonly debianPackage: string }>> = {
  torchserve: { modules: 'torch, numpy', debianPackage: 'python3-torch' },
};

interface Python {
  readonly path: string;
  /** All that a virtual environment made with it depends on. */
  readonly identity: string;
}

const found = new Map<string, Python | string>();

/** The Python that an environment can be made with, or why there is none. */
function findPython(environment: string): Python | string {
  const known = found.get(environment) ?? lookForPython(environment);
  found.set(environment, known);
  return known;
}

/** The first on the PATH that can make a fitting virtual environment and has what is taken from Debian. */
function lookForPython(environment: string): Python | string {
  const { modules, debianPackage } = fromDebian[environment] ?? {};
  const program = `import sys, sysconfig, venv, ensurepip${modules === undefined ? '' : `, ${modules}`}
print(sys.version_info[1], sys.executable, sysconfig.get_platform())`;
  const everywhere = modules === undefined ? candidates : [...candidates, '/usr/bin/python3'];
  for (const candidate of everywhere) {
    try {
      const stdout = execFileSync(candidate, ['-c', program], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [minor = '', path = '', platform = ''] = stdout.trim().split(' ');
      if (Number(minor) < wanted.from || Number(minor) > wanted.to) continue;
      return { path, identity: `python3.${minor} ${path} ${platform}` };
    } catch {
      // Not there, or without venv; the next one may be.
    }
  }
  const range = `no Python 3.${wanted.from} to 3.${wanted.to} with venv`;
  return modules === undefined
    ? `${range} found: apt-get install python3 python3-venv`
    : `${range} and ${modules} found: apt-get install python3 python3-venv ${debianPackage}`;
}

/**
 * The file that pins an environment's packages: that of the tests, or the one that a server's users install.
 *
 * @param name as for {@link pythonEnvironment}
 */
export function requirementsPath(name: string): string {
  const ofTests = join(packageFolder, 'requirements', `${name}.txt`);
  if (existsSync(ofTests)) return ofTests;
  const [, server = name, variant = ''] = /^([^-]+)(-.+)?$/.exec(name) ?? [];
  return join(repositoryRoot, 'servers', server, `requirements${variant}.txt`);
}

/**
 * A virtual environment with the packages of `packages/testing/requirements/<name>.txt`, or, for `flask-tensorflow`,
 * of `servers/flask/requirements-tensorflow.txt`, all pinned by hash. It is made when it is first asked for, which
 * takes minutes and the Python package registry, and kept in the cache folder under a hash of that file and of the
 * Python, so that another file makes another environment.
 *
 * @returns the path of its `python`
 * @throws where there is no fitting Python, and where the packages cannot be fetched
 */
export async function pythonEnvironment(name: string): Promise<string> {
  const python = findPython(name);
  if (typeof python === 'string') throw new Error(python);
  const requirements = requirementsPath(name);
  const key = createHash('sha256').update(python.identity).update(readFileSync(requirements)).digest('hex');
  const folder = join(cacheFolder(), 'python', `${name}-${key.slice(0, 16)}`);
  if (!existsSync(folder)) {
    console.warn(`Making the Python environment "${name}" in ${folder}; once, it may take some minutes`);
    const script = join(packageFolder, 'python', 'make-environment.py');
    const args = [requirements, folder, ...(name in fromDebian ? ['--system-site-packages'] : [])];
    // Not waiting in this thread: Vitest's worker has to answer in the meantime.
    await promisify(execFile)(python.path, [script, ...args], { maxBuffer: 64 << 20 }).catch(
      (error: unknown) => {
        const stderr = String((error as { stderr?: unknown }).stderr ?? error);
        throw new Error(`The Python environment "${name}" could not be made: ${stderr.slice(-2_000)}`);
      },
    );
  }
  return join(folder, 'bin', 'python');
}

/**
 * A `describe` whose tests need a Python environment, which is made, if need be, while the tests are collected: await
 * it at the top of a test file. Without Python, or without the packages, the tests are skipped with a warning, and
 * fail where `AIBENCH_REQUIRE_SERVERS=1` is set, as in {@link describeWithServer}.
 *
 * @param name as for {@link pythonEnvironment}
 * @param body gets the path of the environment's `python`
 */
export async function describeWithPython(
  name: string,
  title: string,
  body: (python: string) => void,
): Promise<void> {
  if (vitest === undefined) throw new Error('describeWithPython works in a Vitest run only');
  let python = '';
  let missing: string | undefined;
  try {
    python = await pythonEnvironment(name);
  } catch (error) {
    missing = error instanceof Error ? error.message : String(error);
  }
  describeUnless(missing, title, () => body(python));
}

/**
 * Runs a Python program to its end, in the environment that `python` belongs to.
 *
 * @param options.stdin what it reads. Default: nothing
 */
export async function runPython(
  python: string,
  args: readonly string[],
  options: { readonly stdin?: string } = {},
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...pythonEnv };
    const child = execFile(
      python,
      [...args],
      { maxBuffer: 256 << 20, env, timeout: 300_000 },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ exitCode, stdout, stderr });
      },
    );
    // A program may end without having read everything; its exit code tells.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.stdin ?? '');
  });
}

/** A server in Python, killed after the test. */
export interface PythonServer<T> extends GuardedProcess {
  /** What `readyWhen` made of its output. */
  readonly ready: T;
}

/** How {@link startPython} starts a server. */
export interface PythonServerOptions<T> extends GuardedOptions {
  /**
   * Looks at what the server has written to stdout so far, and returns something once it is ready. Default: the first
   * line, which by convention tells the address, the server having bound port 0 of 127.0.0.1.
   */
  readonly readyWhen?: (stdout: string) => T | undefined;
}

/**
 * Starts a server written in Python and waits until it is ready, two minutes at most (TensorFlow alone takes many
 * seconds to load). It cannot outlive the test process.
 *
 * @param python of the environment it runs in, see {@link describeWithPython}
 * @param script path of the program
 * @param args may use `{folder}` for an empty folder that is removed with the server
 */
export async function startPython<T = string>(
  python: string,
  script: string,
  args: readonly string[] = [],
  options: PythonServerOptions<T> = {},
): Promise<PythonServer<T>> {
  const { readyWhen = firstLine as (stdout: string) => T | undefined, env, timeoutMs = 120_000 } = options;
  return startGuarded([python, '-u', script, ...args], readyWhen, {
    ...options,
    timeoutMs,
    env: { ...pythonEnv, ...env },
  });
}

/** For every Python that is started: nothing of the user's own Python may get in; TensorFlow's greetings stay out. */
export const pythonEnv = {
  PYTHONPATH: undefined,
  PYTHONHOME: undefined,
  PYTHONNOUSERSITE: '1',
  TF_CPP_MIN_LOG_LEVEL: '2',
};

function firstLine(stdout: string): string | undefined {
  const end = stdout.indexOf('\n');
  return end === -1 ? undefined : stdout.slice(0, end);
}
