import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { outputError } from '@aibench/core';
import type { ModelFile } from '../model-setup.js';

/**
 * Puts a version of a model into the folder that servers watch. They load a version as soon as its folder is there,
 * so that appears with all that is in it; one that is there already is replaced as a whole.
 *
 * @param files their paths begin with `<model>/<version>/`
 * @throws AIBENCH_OUTPUT
 */
export async function placeVersion(
  folder: string,
  version: string,
  files: readonly ModelFile[],
): Promise<void> {
  const target = join(folder, version);
  const aside = join(folder, `.aibench-setup-model-${process.pid}`);
  const former = join(aside, 'former');
  try {
    for (const { path, bytes } of files) {
      const file = join(aside, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
    await mkdir(dirname(target), { recursive: true });
    const wasThere = await rename(target, former).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
    try {
      await rename(join(aside, version), target);
    } catch (error) {
      if (wasThere) await rename(former, target);
      throw error;
    }
  } catch (cause) {
    throw outputError(target, cause);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** Whether all of these files are in the folder already, to the byte. */
export async function isPlaced(folder: string, files: readonly ModelFile[]): Promise<boolean> {
  for (const { path, bytes } of files) {
    const there = await readFile(join(folder, path)).catch(() => undefined);
    if (there === undefined || !there.equals(bytes)) return false;
  }
  return true;
}
