import { randomUUID } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { type FileHandle, open, readlink, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { outputError } from '@aibench/core';

/** A file that is written whole or not at all. */
export interface OutputFile {
  readonly path: string;
  write(chunk: Uint8Array | string): Promise<void>;
  /** Makes the file appear under its name, all of it on disk. */
  commit(): Promise<void>;
  /** Leaves nothing behind. Safe after {@link commit}. */
  discard(): Promise<void>;
}

/** Files begun and not committed; removed when the process ends, however it ends. */
const unfinished = new Set<string>();
process.on('exit', () => {
  for (const path of unfinished) {
    try {
      unlinkSync(path);
    } catch {
      // It is gone already, which is what was wanted.
    }
  }
});

/**
 * Opens a file for writing: at once, so that a wrong path is known before the
 * work begins. What is written goes to a file beside it and takes its name at
 * `commit`; the permissions of a file that it replaces stay, and a symbolic
 * link stays one. A device or a pipe is written to directly. A process that is
 * killed (SIGKILL) leaves the file beside behind, named `<path>.partial-..`.
 *
 * @throws AIBENCH_OUTPUT naming the path
 */
export async function openOutputFile(path: string): Promise<OutputFile> {
  try {
    const existing = await stat(path).catch(() => undefined);
    if (existing?.isDirectory()) throw new Error('it is a folder');
    if (existing !== undefined && !existing.isFile()) return new DirectFile(path, await open(path, 'w'));
    const target = existing === undefined ? await linkTarget(path) : await realpath(path);
    const aside = `${target}.partial-${process.pid}-${randomUUID().slice(0, 8)}`;
    const handle = await open(aside, 'wx');
    unfinished.add(aside);
    if (existing !== undefined) await handle.chmod(existing.mode & 0o7777);
    return new AsideFile(path, target, aside, handle);
  } catch (cause) {
    throw outputError(path, cause);
  }
}

/** What a symbolic link to a file that is not there yet points to; any other path as it is. */
async function linkTarget(path: string): Promise<string> {
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? path : resolve(dirname(path), target);
}

class AsideFile implements OutputFile {
  readonly path: string;
  readonly #target: string;
  readonly #aside: string;
  readonly #handle: FileHandle;
  #open = true;

  constructor(path: string, target: string, aside: string, handle: FileHandle) {
    this.path = path;
    this.#target = target;
    this.#aside = aside;
    this.#handle = handle;
  }

  write(chunk: Uint8Array | string): Promise<void> {
    return writeAll(this.#handle, this.path, chunk);
  }

  async commit(): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#close();
      await rename(this.#aside, this.#target);
      unfinished.delete(this.#aside);
    } catch (cause) {
      await this.discard();
      throw outputError(this.path, cause);
    }
  }

  async discard(): Promise<void> {
    await this.#close();
    if (unfinished.delete(this.#aside)) await unlink(this.#aside).catch(() => undefined);
  }

  async #close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#handle.close();
  }
}

class DirectFile implements OutputFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #open = true;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  write(chunk: Uint8Array | string): Promise<void> {
    return writeAll(this.#handle, this.path, chunk);
  }

  commit(): Promise<void> {
    return this.discard();
  }

  async discard(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#handle.close();
  }
}

async function writeAll(handle: FileHandle, path: string, chunk: Uint8Array | string): Promise<void> {
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  try {
    let offset = 0;
    while (offset < bytes.byteLength) {
      const { bytesWritten } = await handle.write(bytes, offset, bytes.byteLength - offset);
      offset += bytesWritten;
    }
  } catch (cause) {
    throw outputError(path, cause);
  }
}

/**
 * Writes to stdout and waits until it is taken, so that a slow reader slows
 * the writer instead of filling memory.
 *
 * @throws AIBENCH_OUTPUT when the reader has closed the pipe
 */
export function writeStdout(chunk: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(chunk, (error) => (error ? reject(outputError('stdout', error)) : resolve()));
  });
}
