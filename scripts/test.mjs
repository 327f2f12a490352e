// npm test: sets the workspace up and runs the tests, which need nothing but Node.
// npm run test:servers: the tests against real servers. Where a server is
// missing its tests are skipped with a warning; with CI=true they fail.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, setUpWorkspace } from './workspace.mjs';

const args = process.argv.slice(2);
const servers = args.includes('--servers');
setUpWorkspace();
const env = { ...process.env };
if (servers) {
  env.AIBENCH_TEST_SERVERS = '1';
  if (process.env.CI === 'true') env.AIBENCH_REQUIRE_SERVERS = '1';
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const rest = args.filter((arg) => arg !== '--servers');
const { status } = spawnSync(process.execPath, [vitest, 'run', ...rest], {
  cwd: root,
  stdio: 'inherit',
  env,
});
process.exit(status ?? 1);
