import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@aibench/testing';
import { expect, it } from 'vitest';

/** What each package of the workspace installs with it, by its name. */
const dependencies = new Map(
  ['apps', 'packages']
    .flatMap((kind) =>
      readdirSync(join(repositoryRoot, kind)).map((name) => join(repositoryRoot, kind, name)),
    )
    .flatMap((folder) => {
      try {
        return [JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))];
      } catch {
        // A folder that is not in the repository, or not a package yet.
        return [];
      }
    })
    .map(({ name, dependencies = {} }: { name: string; dependencies?: object }) => [
      name,
      Object.keys(dependencies),
    ]),
);

function installedWith(name: string, seen = new Set<string>()): Set<string> {
  for (const each of dependencies.get(name) ?? []) {
    if (seen.has(each)) continue;
    seen.add(each);
    installedWith(each, seen);
  }
  return seen;
}

it('is installed, with sharp, by the program that reads images, and by no other', () => {
  const apps = [...dependencies.keys()].filter(
    (name) => !readdirSync(join(repositoryRoot, 'packages')).includes(name.slice('@aibench/'.length)),
  );
  expect(apps).toContain('@aibench/run-inference-triton');
  expect(apps.filter((name) => installedWith(name).has('sharp'))).toEqual(['@aibench/generate-data']);
  expect(installedWith('@aibench/usecases')).not.toContain('@aibench/images');
});
