import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inputError } from '@aibench/core';
import type { ModelFile } from './model-setup.js';

/** The file of a SavedModel that holds its graph. */
export const savedModelName = 'saved_model.pb';

/**
 * The other files of a SavedModel that servers read, the variables' values and assets; paths are from its folder.
 *
 * @param path of the `saved_model.pb`
 * @throws AIBENCH_INPUT
 */
export async function filesBeside(path: string): Promise<ModelFile[]> {
  const folder = dirname(path);
  const files: ModelFile[] = [];
  try {
    for (const part of ['variables', 'assets', 'assets.extra']) {
      const entries = await readdir(join(folder, part), { withFileTypes: true, recursive: true }).catch(
        () => [],
      );
      for (const entry of entries.filter((each) => each.isFile())) {
        const file = join(entry.parentPath, entry.name);
        files.push({ path: file.slice(folder.length + 1), bytes: await readFile(file) });
      }
    }
  } catch (cause) {
    throw inputError(folder, cause);
  }
  return files;
}
