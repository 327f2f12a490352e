import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { AibenchError } from '@aibench/core';
import type { UseCase } from '@aibench/usecases';
import { RowStream } from './row-stream.js';
import type { ThreadInput } from './thread-messages.js';

/** What a run is told of its input. */
export interface RowInputOptions {
  /** Path of the data file; empty for stdin. */
  readonly path: string;
  readonly useCase: UseCase;
  /** Requests asked for; 0 is as many as there are rows. */
  readonly maxQueries: number;
  /** Whether the run is bounded by time, so that a file that ends sooner starts over. */
  readonly timed: boolean;
  readonly allowTruncated: boolean;
  readonly stdin: Readable & { readonly isTTY?: boolean };
}

/** A run's rows, checked. */
export interface RowInput {
  /** For the threads. */
  readonly input: ThreadInput;
  /** Requests that the input and the limit allow; Infinity where only the end of the input or the time tells. */
  readonly limit: number;
  /** Where the rows come from when the threads don't read them themselves. */
  readonly stream: RowStream | undefined;
}

/**
 * Opens the rows of a run and checks them before anything is started.
 *
 * @throws AIBENCH_INPUT for a file that is missing, unreadable, empty or ends within a row
 * @throws AIBENCH_USAGE when rows would be read from a terminal
 */
export async function openRowInput(options: RowInputOptions): Promise<RowInput> {
  const { path, useCase, maxQueries, timed, allowTruncated, stdin } = options;
  const rowSizeBytes = useCase.row.sizeBytes;
  const queryLimit = maxQueries > 0 ? maxQueries : Number.POSITIVE_INFINITY;
  if (path === '') {
    if (stdin.isTTY === true) {
      throw new AibenchError('AIBENCH_USAGE', 'there is no data: stdin is a terminal', {
        hint: 'pass --file, or pipe from aibench-generate-data',
      });
    }
    const stream = new RowStream(stdin, { rowSizeBytes, limit: queryLimit, allowTruncated });
    return { input: { kind: 'stream' }, limit: queryLimit, stream };
  }
  const sizeBytes = await fileSizeBytes(path);
  const rowCount = Math.floor(sizeBytes / rowSizeBytes);
  const restBytes = sizeBytes - rowCount * rowSizeBytes;
  if (restBytes > 0 && !(allowTruncated && rowCount > 0)) {
    throw new AibenchError(
      'AIBENCH_INPUT',
      `${path} ends within row ${rowCount}: ${restBytes} of its ${rowSizeBytes} bytes are there`,
      { hint: `pass --allow-truncated to use the whole rows before it; is it a ${useCase.name} file?` },
    );
  }
  const limit = timed ? queryLimit : Math.min(queryLimit, rowCount);
  return { input: { kind: 'file', path, rowCount }, limit, stream: undefined };
}

async function fileSizeBytes(path: string): Promise<number> {
  const hint = 'see --file';
  const stats = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
    throw new AibenchError('AIBENCH_INPUT', `cannot read ${path}: ${reason}`, { hint, cause });
  });
  if (!stats.isFile()) {
    const what = stats.isDirectory() ? 'a folder' : 'no regular file';
    throw new AibenchError('AIBENCH_INPUT', `cannot read ${path}: it is ${what}`, {
      hint: 'leave --file out to read a pipe from stdin',
    });
  }
  if (stats.size === 0) throw new AibenchError('AIBENCH_INPUT', `${path} is empty`, { hint });
  return stats.size;
}
