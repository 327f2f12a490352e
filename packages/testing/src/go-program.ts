import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.js';
import { describeUnless, haveCommand, vitest } from './describe-with-server.js';

const run = promisify(execFile);

/**
 * Builds a Go program, whose modules go.sum pins by hash, into the cache folder. It is built when it is first asked
 * for, which may take the Go module proxy, and again when a file of the folder or the Go compiler has changed.
 *
 * @param folder with go.mod, go.sum and the main package; folders in it don't count
 * @returns the path of the binary
 * @throws where Go is missing or the program does not build
 */
export async function goProgram(folder: string): Promise<string> {
  if (!haveCommand('go')) throw new Error('go not found: apt-get install golang-go');
  const hash = createHash('sha256').update((await run('go', ['version'])).stdout);
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    if (entry.isFile()) hash.update(`\n${entry.name}\n`).update(readFileSync(join(folder, entry.name)));
  }
  const path = join(cacheFolder(), 'go', `${basename(folder)}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(path)) return path;
  mkdirSync(join(cacheFolder(), 'go'), { recursive: true });
  // Two that build at once both succeed; the later one's binary, which is the same, stays.
  const partial = `${path}.partial-${randomUUID()}`;
  try {
    await run('go', ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-o', partial, '.'], {
      cwd: folder,
      env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
      maxBuffer: 64 << 20,
    });
    renameSync(partial, path);
  } catch (error) {
    const stderr = String((error as { stderr?: unknown }).stderr ?? error);
    throw new Error(`${folder} does not build: ${stderr.slice(-2_000)}`);
  } finally {
    rmSync(partial, { force: true });
  }
  return path;
}

/**
 * A `describe` whose tests need a Go program, which is built while the tests are collected: await it at the top of a
 * test file. Without Go they are skipped with a warning, and fail where `AIBENCH_REQUIRE_SERVERS=1` is set.
 *
 * @param folder as for {@link goProgram}
 * @param body gets the path of the binary
 */
export async function describeWithGo(
  folder: string,
  title: string,
  body: (binary: string) => void,
): Promise<void> {
  if (vitest === undefined) throw new Error('describeWithGo works in a Vitest run only');
  let binary = '';
  let missing: string | undefined;
  try {
    binary = await goProgram(folder);
  } catch (error) {
    missing = error instanceof Error ? error.message : String(error);
  }
  describeUnless(missing, title, () => body(binary));
}
