import { createHash } from 'node:crypto';
import { stat, unlink } from 'node:fs/promises';
import { AibenchError, outputError } from '@aibench/core';
import { type OutputFile, openOutputFile, writeStdout } from '@aibench/harness/cli';
import { type DataManifest, manifestPath, renderManifest } from './manifest.js';

/** What only the output knows of a manifest. */
type Measured = 'sizeBytes' | 'sha256';

/** Where rows go. */
export interface DataOutput {
  write(chunk: Uint8Array): Promise<void>;
  /** Makes what was written appear, with its manifest where it is a file. */
  commit(manifest: Omit<DataManifest, Measured>): Promise<void>;
  /** Leaves nothing behind that is not whole. */
  discard(): Promise<void>;
}

/**
 * Opens a data file; with an empty path, stdout. Only a regular file gets a
 * manifest: a device or a pipe has nothing beside it.
 *
 * @throws AIBENCH_OUTPUT naming the path; AIBENCH_USAGE where rows would go to a terminal
 */
export async function openDataOutput(path: string, stdout: NodeJS.WriteStream): Promise<DataOutput> {
  if (path === '') {
    if (stdout.isTTY) {
      throw new AibenchError('AIBENCH_USAGE', 'stdout is a terminal, and rows are binary', {
        hint: 'pass --output-file, or pipe stdout into a program',
      });
    }
    return { write: writeStdout, commit: async () => undefined, discard: async () => undefined };
  }
  const existing = await stat(path).catch(() => undefined);
  const file = await openOutputFile(path);
  return existing === undefined || existing.isFile() ? new DataFile(path, file) : file;
}

class DataFile implements DataOutput {
  readonly #path: string;
  readonly #file: OutputFile;
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;

  constructor(path: string, file: OutputFile) {
    this.#path = path;
    this.#file = file;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const written = this.#file.write(chunk);
    // While the disk has it: hashing takes about as long as writing, and neither waits for the other.
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.byteLength;
    await written;
  }

  async commit(known: Omit<DataManifest, Measured>): Promise<void> {
    const path = manifestPath(this.#path);
    const manifest = await openOutputFile(path);
    try {
      const sha256 = this.#hash.digest('hex');
      await manifest.write(renderManifest({ ...known, sizeBytes: this.#sizeBytes, sha256 }));
      // Whenever this is cut short, there may be no manifest, but never one of another file.
      await unlink(path).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'ENOENT') throw outputError(path, cause);
      });
      await this.#file.commit();
      await manifest.commit();
    } finally {
      await manifest.discard();
    }
  }

  discard(): Promise<void> {
    return this.#file.discard();
  }
}
