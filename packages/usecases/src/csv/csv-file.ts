import { type FileHandle, open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AibenchError, inputError } from '@aibench/core';
import { parseCsvCells } from './csv-cells.js';
import { RecordScanner } from './record-scanner.js';

const hint = 'see --input-file';

/** Whole records of a CSV file, in a buffer of their own. */
export interface CsvBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly recordCount: number;
  /** Physical line on which the first of them starts, counted from 1. */
  readonly firstLine: number;
}

/** How a file is cut into batches. */
export interface CsvBatchOptions {
  /** Most records of a batch. */
  readonly recordsPerBatch: number;
  /** Records to read; the file may hold more. */
  readonly recordLimit: number;
  /** Memory for a batch. */
  allocate(sizeBytes: number): Uint8Array<ArrayBuffer>;
}

const readSizeBytes = 512 * 1024;
/** A record longer than this is a quote that never closes, not data. */
const largestRecordBytes = 1024 * 1024;

/**
 * One pass over a CSV file, plain or gzipped (told by its first bytes, not its
 * name), with a header row. It is streamed: a batch at a time is in memory.
 * Every error names the file.
 */
export class CsvFile {
  readonly path: string;
  /** Whether the file can be read a second time: not so with a pipe. */
  readonly isRegular: boolean;
  /** Size on disk; 0 for a pipe. */
  readonly sizeBytes: number;
  readonly #handle: FileHandle;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #counter: { bytes: number };
  #data: Buffer = Buffer.alloc(0);
  #line = 1;
  #ended = false;

  private constructor(
    path: string,
    handle: FileHandle,
    stats: { readonly isRegular: boolean; readonly sizeBytes: number },
    chunks: AsyncIterator<Buffer>,
    counter: { bytes: number },
  ) {
    this.path = path;
    this.#handle = handle;
    this.isRegular = stats.isRegular;
    this.sizeBytes = stats.sizeBytes;
    this.#chunks = chunks;
    this.#counter = counter;
  }

  /** @throws AIBENCH_INPUT when it cannot be read or is empty */
  static async open(path: string): Promise<CsvFile> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const stats = await handle.stat();
      if (stats.isDirectory()) throw csvError(`cannot read ${path}: it is a folder`);
      const counter = { bytes: 0 };
      const chunks = await openChunks(handle, counter);
      const about = { isRegular: stats.isFile(), sizeBytes: stats.isFile() ? stats.size : 0 };
      const file = new CsvFile(path, handle, about, chunks, counter);
      await file.#extend(0, 1);
      if (file.#data.length === 0) throw csvError(`${path} is empty`);
      const byteOrderMark = file.#data.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0;
      file.#data = file.#data.subarray(byteOrderMark);
      return file;
    } catch (cause) {
      await handle?.close().catch(() => undefined);
      throw inputError(path, cause, hint);
    }
  }

  /** Bytes of the file that have been read so far, as they lie on disk. */
  get readBytes(): number {
    return this.#counter.bytes;
  }

  /** Cells of the first record, blanks around them dropped, and the line on which it starts. To be called first. */
  async readHeader(): Promise<{ readonly cells: readonly string[]; readonly line: number }> {
    for (;;) {
      const scanner = new RecordScanner(this.#data, this.#line);
      if (scanner.next()) {
        const text = this.#data.subarray(scanner.start, scanner.end).toString('utf8');
        const [cells] = parseCsvCells(text) ?? [];
        if (cells === undefined) throw csvError(`${this.path} line ${scanner.startLine}: wrong quoting`);
        this.#data = this.#data.subarray(scanner.end);
        this.#line = scanner.nextLine;
        return { cells: cells.map((cell) => cell.trim()), line: scanner.startLine };
      }
      if (!(await this.#extend(scanner.start, scanner.startLine))) {
        throw csvError(`${this.path} holds no header row`);
      }
    }
  }

  /**
   * The records after the header, in order.
   *
   * @throws AIBENCH_INPUT naming the line where a quote never closes, or where gzipped data is cut off or damaged
   */
  async *batches(options: CsvBatchOptions): AsyncGenerator<CsvBatch, void, undefined> {
    const { recordsPerBatch, recordLimit } = options;
    let taken = 0;
    while (taken < recordLimit) {
      const scanner = new RecordScanner(this.#data, this.#line);
      let firstLine = this.#line;
      let start = 0;
      let recordCount = 0;
      const batch = (): CsvBatch => {
        const bytes = options.allocate(scanner.end - start);
        bytes.set(this.#data.subarray(start, scanner.end));
        taken += recordCount;
        return { bytes, recordCount, firstLine };
      };
      while (taken + recordCount < recordLimit && scanner.next()) {
        if (recordCount === 0) {
          start = scanner.start;
          firstLine = scanner.startLine;
        }
        recordCount++;
        if (recordCount === recordsPerBatch) {
          yield batch();
          recordCount = 0;
        }
      }
      const isSmall = recordCount < recordsPerBatch / 2 && scanner.end - start < readSizeBytes / 2;
      const reachedLimit = taken + recordCount >= recordLimit;
      if (recordCount > 0 && (!isSmall || this.#ended || reachedLimit)) {
        yield batch();
        recordCount = 0;
      }
      if (reachedLimit) return;
      // A few records left over wait for the next read, so that batches don't come out tiny.
      const keep = recordCount > 0 ? { start, line: firstLine } : undefined;
      if (!(await this.#extend(scanner.start, scanner.startLine, keep))) return;
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.().catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
  }

  /**
   * Appends what the file holds next; at its end, once, the line end that the
   * last record may lack.
   *
   * @param start where the unfinished record starts, on line `line`
   * @param keep from where on the data is still wanted, if from before that
   * @returns false when there is nothing left
   */
  async #extend(start: number, line: number, keep = { start, line }): Promise<boolean> {
    const unfinishedBytes = this.#data.length - start;
    if (unfinishedBytes > (this.#ended ? 0 : largestRecordBytes)) {
      throw csvError(
        `${this.path} line ${line}: the row that starts here does not end; is a quote left open?`,
      );
    }
    if (this.#ended) return false;
    let next: IteratorResult<Buffer>;
    try {
      next = await this.#chunks.next();
    } catch (cause) {
      throw inputError(this.path, cause, hint);
    }
    this.#ended = next.done === true;
    const rest = this.#data.subarray(keep.start);
    const added: Buffer = next.done === true ? Buffer.from(unfinishedBytes > 0 ? '\n' : '') : next.value;
    this.#data = rest.length === 0 ? added : Buffer.concat([rest, added]);
    this.#line = keep.line;
    return true;
  }
}

/** The file's content in chunks, unzipped where it begins as gzip does (RFC 1952: 1f 8b). */
async function openChunks(handle: FileHandle, counter: { bytes: number }): Promise<AsyncIterator<Buffer>> {
  const stream = handle.createReadStream({ highWaterMark: readSizeBytes });
  const raw = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first: Buffer[] = [];
  let length = 0;
  while (length < 2) {
    const { done, value } = await raw.next();
    if (done === true) break;
    first.push(value);
    length += value.length;
  }
  const head = Buffer.concat(first);
  async function* counted(): AsyncGenerator<Buffer> {
    if (head.length > 0) {
      counter.bytes += head.length;
      yield head;
    }
    for await (const chunk of { [Symbol.asyncIterator]: () => raw }) {
      counter.bytes += chunk.length;
      yield chunk;
    }
  }
  if (head[0] !== 0x1f || head[1] !== 0x8b) return counted();
  const unzipped = createGunzip({ chunkSize: readSizeBytes });
  // The callback only keeps pipeline from throwing: errors reach whoever reads `unzipped`.
  pipeline(Readable.from(counted()), unzipped, () => undefined);
  return unzipped[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
}

/** An error in what the user gave, whose hint names the flag that it came from. */
export function csvError(message: string): AibenchError {
  return new AibenchError('AIBENCH_INPUT', message, { hint });
}
