// Fails where a generated file differs from what its source makes of it: the
// flag tables, and the code generated from protos/.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { updateFlagTables } from './generate-docs.mjs';
import { fail, root, run } from './workspace.mjs';

const stale = await updateFlagTables({ check: true });
if (stale.length > 0) fail(`stale: ${stale.join(', ')}; run npm run generate:docs`);

for (const name of readdirSync(join(root, 'packages'))) {
  const folder = join(root, 'packages', name);
  if (!existsSync(join(folder, 'buf.gen.yaml'))) continue;
  const generated = join(folder, 'src', 'gen');
  const before = mkdtempSync(join(tmpdir(), 'aibench-gen-'));
  process.on('exit', () => rmSync(before, { recursive: true, force: true }));
  cpSync(generated, before, { recursive: true });
  run('npm', ['run', '--silent', 'generate'], { cwd: folder });
  const { status } = spawnSync('diff', ['--recursive', before, generated], { stdio: 'inherit' });
  if (status !== 0) fail(`packages/${name}/src/gen differs from what protos/ generates; commit the new one`);
}
