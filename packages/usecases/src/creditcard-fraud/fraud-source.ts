import { CsvFile, csvError } from '../csv/csv-file.js';
import { RowPool } from '../row-pool.js';
import type { RowSource, SourceOptions, SourceProgress } from '../use-case.js';
import { type FraudChunkSettings, type FraudJob, firstIdOfGroup } from './fraud-chunk.js';
import { checkHeader } from './fraud-columns.js';
import { fraudRow } from './fraud-row.js';
import { kaggleStatistics } from './synthetic-transaction.js';

/** A little under 512 KiB: large enough that passing it between threads costs nothing, small enough for the caches. */
const rowsPerChunk = Math.floor(524_288 / fraudRow.sizeBytes);

/**
 * Rows from creditcard.csv, or drawn with its statistics. Reading wraps around
 * to the top of the file where more rows are asked for than it holds; the row
 * ids go on, so the reference data differs from pass to pass.
 *
 * @throws AIBENCH_INPUT when the file cannot be opened or its header is wrong
 */
export async function openFraudSource(options: SourceOptions): Promise<RowSource> {
  const { inputPath, rowLimit } = options;
  const pool = new RowPool<FraudJob>({
    moduleUrl: new URL('./fraud-chunk.js', import.meta.url),
    settings: groupSettings(options),
    threads: options.threads,
    chunkSizeBytes: rowsPerChunk * fraudRow.sizeBytes,
  });
  if (inputPath === undefined) {
    const ids = rowLimit === 0 ? kaggleStatistics.rows : rowLimit;
    return {
      description: 'synthetic',
      rowCount: rowsOfGroup(ids, options),
      progress: () => undefined,
      chunks: () => pool.run(drawJobs(ids, options.groupCount)),
      close: () => pool.close(),
    };
  }
  const passes = await CsvPasses.open(inputPath);
  return {
    description: inputPath,
    rowCount: rowLimit === 0 ? undefined : rowsOfGroup(rowLimit, options),
    progress: () => (rowLimit === 0 ? passes.progress() : undefined),
    chunks: () => pool.run(passes.jobs(rowLimit, (sizeBytes) => pool.allocateBytes(sizeBytes))),
    async close() {
      await pool.close();
      await passes.close();
    },
  };
}

function groupSettings({ seed, groupId, groupCount }: SourceOptions): FraudChunkSettings {
  return { seed, groupId, groupCount };
}

function rowsOfGroup(ids: number, { groupId, groupCount }: SourceOptions): number {
  return Math.max(0, Math.ceil((ids - firstIdOfGroup(0, groupId, groupCount)) / groupCount));
}

function* drawJobs(ids: number, groupCount: number): Generator<FraudJob> {
  const idsPerJob = rowsPerChunk * groupCount;
  for (let firstId = 0; firstId < ids; firstId += idsPerJob) {
    yield { firstId, idCount: Math.min(idsPerJob, ids - firstId) };
  }
}

/** Reads a CSV file, and reads it again while rows are wanted. */
class CsvPasses {
  readonly #path: string;
  #file: CsvFile;
  #columnCount: number;

  private constructor(path: string, file: CsvFile, columnCount: number) {
    this.#path = path;
    this.#file = file;
    this.#columnCount = columnCount;
  }

  static async open(path: string): Promise<CsvPasses> {
    const { file, columnCount } = await openPass(path);
    return new CsvPasses(path, file, columnCount);
  }

  progress(): SourceProgress | undefined {
    const { sizeBytes, readBytes } = this.#file;
    return sizeBytes === 0 ? undefined : { doneBytes: readBytes, totalBytes: sizeBytes };
  }

  /** @param rowLimit 0 is one pass */
  async *jobs(
    rowLimit: number,
    allocate: (sizeBytes: number) => Uint8Array<ArrayBuffer>,
  ): AsyncGenerator<FraudJob> {
    const wanted = rowLimit === 0 ? Number.MAX_SAFE_INTEGER : rowLimit;
    let firstId = 0;
    for (;;) {
      const recordLimit = wanted - firstId;
      const batches = this.#file.batches({ recordsPerBatch: rowsPerChunk, recordLimit, allocate });
      for await (const { bytes, recordCount, firstLine } of batches) {
        const csv = { path: this.#path, firstLine, columnCount: this.#columnCount };
        yield { firstId, idCount: recordCount, bytes, csv };
        firstId += recordCount;
      }
      if (firstId === 0) throw csvError(`${this.#path} holds no rows below its header`);
      if (rowLimit === 0 || firstId >= wanted) return;
      if (!this.#file.isRegular) {
        throw csvError(
          `${this.#path} held ${firstId} rows and, being no regular file, cannot be read again for the ${wanted} of --max-transactions`,
        );
      }
      await this.#file.close();
      ({ file: this.#file, columnCount: this.#columnCount } = await openPass(this.#path));
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function openPass(path: string): Promise<{ file: CsvFile; columnCount: number }> {
  const file = await CsvFile.open(path);
  try {
    const { cells, line } = await file.readHeader();
    return { file, columnCount: checkHeader(path, line, cells) };
  } catch (error) {
    await file.close();
    throw error;
  }
}
