import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Vitest, where this runs in it; it can only be loaded there. */
export const vitest = process.env['VITEST'] === undefined ? undefined : await import('vitest');

/** Debian packages that bring the commands that tests ask for. */
const debianPackages: Readonly<Record<string, string>> = {
  'redis-server': 'redis-server',
  'redis-cli': 'redis-tools',
  'redis-benchmark': 'redis-tools',
  openssl: 'openssl',
  python3: 'python3 python3-venv',
  go: 'golang-go',
  java: 'default-jre-headless',
};

/** Whether a command is found on the PATH. */
export function haveCommand(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * A `describe` whose tests need commands that Node does not bring. Where one is
 * missing they are skipped, with a warning that names the Debian package; where
 * `AIBENCH_REQUIRE_SERVERS=1` is set, that is an error instead, so that
 * continuous integration cannot pass by skipping.
 *
 * @param commands one command, or several that are all needed
 */
export function describeWithServer(
  commands: string | readonly string[],
  title: string,
  body: () => void,
): void {
  const missing = [commands].flat().filter((command) => !haveCommand(command));
  const packages = [...new Set(missing.map((command) => debianPackages[command] ?? command))].join(' ');
  describeUnless(
    missing.length === 0 ? undefined : `${missing.join(', ')} not found: apt-get install ${packages}`,
    title,
    body,
  );
}

/**
 * A `describe` that is skipped, with a warning, where something is missing; with `AIBENCH_REQUIRE_SERVERS=1` that is
 * an error instead.
 *
 * @param missing what is missing and how to get it; undefined where nothing is
 */
export function describeUnless(missing: string | undefined, title: string, body: () => void): void {
  if (vitest === undefined) throw new Error('describeWithServer works in a Vitest run only');
  if (missing === undefined) {
    vitest.describe(title, body);
    return;
  }
  const message = `"${title}" cannot be tested: ${missing}`;
  if (process.env['AIBENCH_REQUIRE_SERVERS'] === '1') throw new Error(message);
  console.warn(`\n*** SKIPPED: ${message}\n`);
  vitest.describe.skip(title, body);
}
