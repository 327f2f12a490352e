// Links every app's binaries into bin/, under all their names, so that a clone
// can be used as an installation: export PATH="$PWD/bin:$PATH"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './workspace.mjs';

const bin = join(root, 'bin');
rmSync(bin, { recursive: true, force: true });
mkdirSync(bin);
for (const app of readdirSync(join(root, 'apps'))) {
  const folder = join(root, 'apps', app);
  if (!existsSync(join(folder, 'package.json'))) continue;
  const { bin: binaries = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const [name, file] of Object.entries(binaries)) {
    const target = join(folder, file);
    chmodSync(target, 0o755);
    symlinkSync(relative(bin, target), join(bin, name));
  }
}
