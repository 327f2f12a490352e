import { unlinkSync } from 'node:fs';
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { AibenchError } from '@aibench/core';

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
 * `commit`. A device or a pipe is written to directly.
 *
 * @throws AIBENCH_OUTPUT naming the path
 */
export async function openOutputFile(path: string): Promise<OutputFile> {
  try {
    const target = await realpath(path).catch(() => path);
    const existing = await stat(target).catch(() => undefined);
    if (existing?.isDirectory()) throw new Error('it is a folder');
    if (existing !== undefined && !existing.isFile()) return new DirectFile(path, await open(target, 'w'));
    const aside = `${target}.partial-${process.pid}`;
    const handle = await open(aside, 'w', existing?.mode ?? 0o666);
    unfinished.add(aside);
    return new AsideFile(path, target, aside, handle);
  } catch (cause) {
    throw outputError(path, cause);
  }
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

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder is not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is larger than the file system allows',
  EPIPE: 'the reader has closed the pipe',
};

/** An output error with its reason in words. */
export function outputError(path: string, cause: unknown): AibenchError {
  if (cause instanceof AibenchError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  return new AibenchError('AIBENCH_OUTPUT', `cannot write ${path}: ${reasons[code ?? ''] ?? message}`, {
    cause,
  });
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
