import { open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { AibenchError, inputError, wholeRows } from '@aibench/core';
import { type RequestRows, requestCount } from './row-cursor.js';
import { RowStream } from './row-stream.js';
import type { ThreadInput } from './thread-messages.js';

/** What a run is told of its input. */
export interface RowInputOptions {
  /** Path of the data file; empty for stdin. */
  readonly path: string;
  readonly requests: RequestRows;
  /** Requests asked for; 0 is as many as the rows make. */
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
  const { path, requests, maxQueries, timed, allowTruncated, stdin } = options;
  const queryLimit = maxQueries > 0 ? maxQueries : Number.POSITIVE_INFINITY;
  if (path === '') {
    if (stdin.isTTY === true) {
      throw new AibenchError('AIBENCH_USAGE', 'there is no data: stdin is a terminal', {
        hint: 'pass --file, or pipe from aibench-generate-data',
      });
    }
    const stream = new RowStream(stdin, { ...requests, limit: queryLimit, allowTruncated });
    return { input: { kind: 'stream' }, limit: queryLimit, stream };
  }
  const sizeBytes = await fileSizeBytes(path);
  const rowCount = wholeRows({
    ...{ name: path, sizeBytes, allowTruncated },
    rowSizeBytes: requests.rowSizeBytes,
  });
  const available = requestCount(rowCount, requests);
  if (available === 0) {
    throw new AibenchError('AIBENCH_INPUT', `${path} has ${rowCount} rows, fewer than one request has`, {
      hint: `lower --batch-size ${requests.batchSize}, or pass --partial-batch send`,
    });
  }
  const limit = timed ? queryLimit : Math.min(queryLimit, available);
  return { input: { kind: 'file', path, rowCount }, limit, stream: undefined };
}

async function fileSizeBytes(path: string): Promise<number> {
  const hint = 'see --file';
  const kind = await stat(path).catch((cause: unknown) => {
    throw inputError(path, cause, hint);
  });
  if (!kind.isFile()) {
    const what = kind.isDirectory() ? 'a folder' : 'no regular file';
    throw new AibenchError('AIBENCH_INPUT', `cannot read ${path}: it is ${what}`, {
      hint: 'leave --file out to read a pipe from stdin',
    });
  }
  // Opened, so that a file that may not be read is found out before anything is started.
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw inputError(path, cause, hint);
  });
  await file.close();
  return kind.size;
}
