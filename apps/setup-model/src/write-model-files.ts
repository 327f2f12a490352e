import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { outputError } from '@aibench/core';
import { type OutputFile, openOutputFile } from '@aibench/harness/cli';
import type { ModelFile } from './model-setup.js';

/**
 * Writes a model's files into a folder, which is made where it is not there.
 * None takes its name before all of them are whole.
 *
 * @returns where they are, in the order in which they were given
 * @throws AIBENCH_OUTPUT naming the file
 */
export async function writeModelFiles(folder: string, files: readonly ModelFile[]): Promise<string[]> {
  const written: OutputFile[] = [];
  try {
    for (const { path, bytes } of files) {
      const target = join(folder, path);
      await mkdir(dirname(target), { recursive: true }).catch((cause: unknown) => {
        throw outputError(target, cause);
      });
      const file = await openOutputFile(target);
      written.push(file);
      await file.write(bytes);
    }
    for (const file of written) await file.commit();
    return written.map(({ path }) => path);
  } finally {
    await Promise.all(written.map((file) => file.discard()));
  }
}
