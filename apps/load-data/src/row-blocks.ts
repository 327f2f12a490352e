import { createReadStream, fstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { inputError, wholeRows } from '@aibench/core';

/** Where rows come from. */
export interface RowInput {
  /** For messages: the path, or `stdin`. */
  readonly name: string;
  /** Bytes that will come, where that is known. */
  readonly sizeBytes: number | undefined;
  /** Whole rows, many at a time. A block is valid until the next one is asked for. */
  blocks(): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** How a data file is read. */
export interface RowInputOptions {
  readonly rowBytes: number;
  /** Whether a file that ends inside a row gives its whole rows instead of an error. */
  readonly allowTruncated: boolean;
  /** Ends the input early when aborted. */
  readonly signal: AbortSignal;
}

/** Bytes read at once, roughly: large enough that reading costs little, small enough to stay in the cache. */
const blockBytes = 1 << 19;

/**
 * Opens a data file, read in blocks of whole rows. The next block is read while
 * the one before is in use.
 *
 * @throws AIBENCH_INPUT naming the file, when it cannot be read or is empty; while it is read, naming the
 * row at which it is cut off
 */
export async function openRowFile(path: string, options: RowInputOptions): Promise<RowInput> {
  const file = await open(path).catch((cause: unknown) => {
    throw inputError(path, cause, 'see --file');
  });
  const close = () => file.close();
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    // A pipe or a device has no size and no positions.
    if (!stat.isFile()) {
      // A socket's read can be given up, a file's cannot.
      const stream = stat.isFIFO()
        ? new Socket({ fd: file.fd, readable: true, writable: false })
        : createReadStream(path, { fd: file.fd, autoClose: false });
      return { name: path, sizeBytes: undefined, blocks: () => streamBlocks(path, stream, options), close };
    }
    // Before anything is loaded, since the size is known.
    checkEnd(path, stat.size, options);
    const size = Math.max(1, Math.floor(blockBytes / options.rowBytes)) * options.rowBytes;
    const read = async (block: Buffer, position: number): Promise<number> => {
      let filled = 0;
      while (filled < block.length) {
        const { bytesRead } = await file.read(block, filled, block.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    };
    async function* blocks(): AsyncGenerator<Buffer> {
      const pair = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)] as const;
      let position = 0;
      let next = read(pair[0], 0);
      for (let turn = 0; ; turn++) {
        const filled = await next.catch((cause: unknown) => {
          throw inputError(path, cause, 'see --file');
        });
        position += filled;
        const block = pair[turn % 2]!;
        next = filled < size ? Promise.resolve(0) : read(pair[(turn + 1) % 2]!, position);
        // Whoever stops asking must not leave a rejection behind.
        next.catch(() => {});
        const whole = filled - (filled % options.rowBytes);
        if (whole > 0) yield block.subarray(0, whole);
        if (filled < size) {
          if (whole < filled) checkEnd(path, position, options);
          return;
        }
      }
    }
    return { name: path, sizeBytes: stat.size, blocks, close };
  } catch (cause) {
    await close();
    throw inputError(path, cause, 'see --file');
  }
}

/** Reads rows from stdin. */
export function openRowStdin(stdin: Readable & { readonly fd?: number }, options: RowInputOptions): RowInput {
  return {
    name: 'stdin',
    sizeBytes: redirectedFileSize(stdin.fd ?? 0),
    blocks: () => streamBlocks('stdin', stdin, options),
    async close() {
      stdin.destroy();
    },
  };
}

/** Joins a stream's chunks into blocks of whole rows. */
async function* streamBlocks(
  name: string,
  stream: Readable,
  options: RowInputOptions,
): AsyncGenerator<Buffer> {
  const { rowBytes, signal } = options;
  const stop = () => void stream.destroy();
  signal.addEventListener('abort', stop, { once: true });
  // Holds at least one row and the largest chunk that a pipe delivers.
  const block = Buffer.allocUnsafeSlow(Math.max(rowBytes, 1 << 16) + rowBytes);
  let filled = 0;
  let totalBytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      totalBytes += chunk.length;
      let taken = 0;
      while (taken < chunk.length) {
        const part = chunk.copy(block, filled, taken);
        taken += part;
        filled += part;
        const whole = filled - (filled % rowBytes);
        if (whole === 0) continue;
        yield block.subarray(0, whole);
        block.copyWithin(0, whole, filled);
        filled -= whole;
      }
    }
  } catch (cause) {
    if (signal.aborted) return;
    throw inputError(name, cause, 'see --file');
  } finally {
    signal.removeEventListener('abort', stop);
  }
  checkEnd(name, totalBytes, options);
}

function redirectedFileSize(fd: number): number | undefined {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() ? stat.size : undefined;
  } catch {
    return undefined;
  }
}

/** At the end of the input: it must hold at least one row and end with a whole one. */
function checkEnd(name: string, sizeBytes: number, { rowBytes, allowTruncated }: RowInputOptions): void {
  wholeRows({ name, sizeBytes, rowSizeBytes: rowBytes, allowTruncated });
}
