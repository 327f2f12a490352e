import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AibenchError, inputError } from '@aibench/core';
import { inputOption } from './source-options.js';

/** The files of a folder, in the order of their names. */
export class ImageFolder {
  readonly path: string;
  /** Names, sorted by code unit, so that the order is the same everywhere. */
  readonly names: readonly string[];

  private constructor(path: string, names: readonly string[]) {
    this.path = path;
    this.names = names;
  }

  /**
   * Lists a folder. Folders in it are left out, whatever they hold.
   *
   * @param limit how many files count, the first by name
   * @throws AIBENCH_INPUT where it is no folder, cannot be read, or holds no files
   */
  static async open(path: string, limit: number): Promise<ImageFolder> {
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
      throw folderError(path, cause);
    });
    const names = entries
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name)
      // Not localeCompare, which differs between machines.
      .sort((a, b) => (a < b ? -1 : 1))
      .slice(0, limit);
    if (names.length === 0) {
      throw new AibenchError('AIBENCH_INPUT', `the folder ${path} holds no files`, {
        hint: `--${inputOption} takes a folder of images`,
      });
    }
    return new ImageFolder(path, names);
  }

  /** Path of the file at a place. */
  pathOf(place: number): string {
    return join(this.path, this.names[place]!);
  }
}

function folderError(path: string, cause: NodeJS.ErrnoException): AibenchError {
  const hint = `see --${inputOption}`;
  if (cause.code === 'ENOTDIR') {
    return new AibenchError('AIBENCH_INPUT', `${path} is a file, not a folder of images`, { hint, cause });
  }
  if (cause.code === 'ENOENT') {
    return new AibenchError('AIBENCH_INPUT', `there is no folder ${path}`, { hint, cause });
  }
  return inputError(path, cause, hint);
}
