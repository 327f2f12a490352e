// npm run pin:python [-- --upgrade]: writes packages/testing/requirements/NAME.txt
// and servers/SERVER/requirements*.txt from the .in beside each: every package that
// is installed on Linux, with its version and the hashes of its wheels, for every
// Python that TensorFlow has wheels for. A version that is in the .txt already stays,
// unless --upgrade is given. Two kinds of comments in the .in correct what packages
// say that they need:
//   # without NAME, NAME: why
//   # override NAME>=VERSION: why
// Needs uv (pip install uv) on the PATH.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fail, root } from './workspace.mjs';

const servers = join(root, 'servers');
const folders = [
  join(root, 'packages', 'testing', 'requirements'),
  ...readdirSync(servers).map((server) => join(servers, server)),
];
const sources = folders.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.in'))
    .map((name) => join(folder, name)),
);
const work = mkdtempSync(join(tmpdir(), 'aibench-pin-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

/** Packages that no Linux with CPython installs, by the condition that stands behind their version. */
const elsewhere = /^\S+ ; .*'(never|win32|pypy)'/;

for (const path of sources) {
  const file = basename(path);
  const source = readFileSync(path, 'utf8');
  const listed = (kind) =>
    [...source.matchAll(new RegExp(`^# ${kind} ([^:]+):`, 'gm'))].flatMap(([, names]) => names.split(', '));
  const without = listed('without');
  const overrides = join(work, 'overrides.txt');
  const never = without.map((name) => `${name} ; sys_platform == 'never'`);
  writeFileSync(overrides, `${[...never, ...listed('override')].join('\n')}\n`);
  const output = path.replace(/\.in$/, '.txt');
  const { status, error } = spawnSync(
    'uv',
    [
      ...['pip', 'compile', '--quiet', '--universal', '--python-version', '3.10', '--only-binary', ':all:'],
      ...['--generate-hashes', '--no-header', '--no-annotate', '--no-emit-index-url', '--no-emit-find-links'],
      ...['--override', overrides, ...without.flatMap((name) => ['--no-emit-package', name])],
      ...['--output-file', output, ...process.argv.slice(2), path],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (error !== undefined) fail(`uv could not be started: ${error.message}`);
  if (status !== 0) fail(`${file} could not be resolved`);
  const packages = readFileSync(output, 'utf8')
    .replace(/^#.*\n/gm, '')
    .split(/^(?=\S)/m)
    .filter((stanza) => !elsewhere.test(stanza));
  writeFileSync(output, `# Written by npm run pin:python from ${file}; edit that one.\n${packages.join('')}`);
}
