import { createHash } from 'node:crypto';
import { stat, unlink } from 'node:fs/promises';
import { AibenchError, outputError } from '@aibench/core';
import { type OutputFile, openOutputFile, writeStdout } from '@aibench/harness/cli';
import {
  type DataManifest,
  type ExpectedManifest,
  expectedPath,
  manifestPath,
  renderManifest,
} from '@aibench/usecases';

/** What only the output knows of a file. */
type Measured = 'sizeBytes' | 'sha256';

/** A manifest without what only the output knows. */
export type KnownManifest = Omit<DataManifest, Measured | 'expected'> & {
  readonly expected?: Omit<ExpectedManifest, Measured>;
};

/** Where rows go. */
export interface DataOutput {
  write(chunk: Uint8Array): Promise<void>;
  /** Takes the right answers of rows; only where it was opened for them. */
  writeExpected(answers: Uint8Array): Promise<void>;
  /** Makes what was written appear, with its manifest where it is a file. */
  commit(manifest: KnownManifest): Promise<void>;
  /** Leaves nothing behind that is not whole. */
  discard(): Promise<void>;
}

/** How a {@link DataOutput} is opened. */
export interface DataOutputOptions {
  /** Empty for stdout. */
  readonly path: string;
  readonly stdout: NodeJS.WriteStream;
  /** Whether right answers are to lie beside it. */
  readonly withExpected: boolean;
}

/**
 * Opens a data file; with an empty path, stdout. Only a regular file gets a
 * manifest: a device or a pipe has nothing beside it.
 *
 * @throws AIBENCH_OUTPUT naming the path; AIBENCH_USAGE where rows would go to a terminal, or answers beside no file
 */
export async function openDataOutput({ path, stdout, withExpected }: DataOutputOptions): Promise<DataOutput> {
  if (path === '') {
    if (withExpected) throw answersNowhere('stdout');
    if (stdout.isTTY) {
      throw new AibenchError('AIBENCH_USAGE', 'stdout is a terminal, and rows are binary', {
        hint: 'pass --output-file, or pipe stdout into a program',
      });
    }
    return rowsOnly({ write: writeStdout, commit: nothing, discard: nothing });
  }
  const existing = await stat(path).catch(() => undefined);
  const isRegular = existing === undefined || existing.isFile();
  if (withExpected && !isRegular && !existing.isDirectory()) throw answersNowhere(path);
  const file = await openOutputFile(path);
  if (!isRegular) return rowsOnly(file);
  try {
    const expected = withExpected ? await openOutputFile(expectedPath(path)) : undefined;
    return new DataFile(path, new MeasuredFile(file), expected && new MeasuredFile(expected));
  } catch (error) {
    await file.discard();
    throw error;
  }
}

function answersNowhere(output: string): AibenchError {
  return new AibenchError('AIBENCH_USAGE', `there is no place for answers beside ${output}`, {
    hint: '--with-expected goes with --output-file and a regular file',
  });
}

const nothing = async (): Promise<void> => undefined;

function rowsOnly(output: Omit<OutputFile, 'path'>): DataOutput {
  return {
    write: (chunk) => output.write(chunk),
    writeExpected: nothing,
    commit: () => output.commit(),
    discard: () => output.discard(),
  };
}

/** A file whose size and digest are taken while it is written. */
class MeasuredFile {
  readonly #file: OutputFile;
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;

  constructor(file: OutputFile) {
    this.#file = file;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const written = this.#file.write(chunk);
    // While the disk has it: hashing takes about as long as writing, and neither waits for the other.
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.byteLength;
    await written;
  }

  /** To be called once. */
  measure(): Pick<DataManifest, Measured> {
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest('hex') };
  }

  commit(): Promise<void> {
    return this.#file.commit();
  }

  discard(): Promise<void> {
    return this.#file.discard();
  }
}

class DataFile implements DataOutput {
  readonly #path: string;
  readonly #data: MeasuredFile;
  readonly #expected: MeasuredFile | undefined;

  constructor(path: string, data: MeasuredFile, expected: MeasuredFile | undefined) {
    this.#path = path;
    this.#data = data;
    this.#expected = expected;
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#data.write(chunk);
  }

  async writeExpected(answers: Uint8Array): Promise<void> {
    await this.#expected?.write(answers);
  }

  async commit({ expected, ...known }: KnownManifest): Promise<void> {
    const path = manifestPath(this.#path);
    const manifest = await openOutputFile(path);
    try {
      const answers =
        this.#expected === undefined || expected === undefined
          ? {}
          : { expected: { ...expected, ...this.#expected.measure() } };
      await manifest.write(renderManifest({ ...known, ...this.#data.measure(), ...answers }));
      // Whenever this is cut short, there may be no manifest, but never one of another file.
      await removeIfThere(path);
      if (this.#expected === undefined) await removeIfThere(expectedPath(this.#path));
      else await this.#expected.commit();
      await this.#data.commit();
      await manifest.commit();
    } finally {
      await manifest.discard();
    }
  }

  async discard(): Promise<void> {
    await this.#data.discard();
    await this.#expected?.discard();
  }
}

async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw outputError(path, cause);
  });
}
