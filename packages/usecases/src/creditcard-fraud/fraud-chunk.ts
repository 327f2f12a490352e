import type { ChunkMaker, PoolJob } from '../chunk-maker.js';
import { type CsvTransactions, readTransactions } from './csv-transactions.js';
import { fraudReference, fraudRow, transactionSpec } from './fraud-row.js';
import {
  drawReference,
  drawTransaction,
  referenceLength,
  transactionLength,
} from './synthetic-transaction.js';

/** What all chunks of a run share. */
export interface FraudChunkSettings {
  readonly seed: number;
  readonly groupId: number;
  readonly groupCount: number;
}

/** Rows with ids from `firstId` to `firstId + idCount - 1`, of which those of the group are made. */
export interface FraudJob extends PoolJob {
  readonly firstId: number;
  readonly idCount: number;
  /** Where the transactions come from; they are drawn where there is none. Its bytes are the job's. */
  readonly csv?: Omit<CsvTransactions, 'bytes' | 'recordCount'> | undefined;
}

const rowSizeBytes = fraudRow.sizeBytes;
const transactionOffset = fraudRow.offsetOf(transactionSpec.name);
const referenceOffset = fraudRow.offsetOf(fraudReference.name);

/** The smallest id of a group that is not below `id`. */
export function firstIdOfGroup(id: number, groupId: number, groupCount: number): number {
  return id + ((((groupId - id) % groupCount) + groupCount) % groupCount);
}

/**
 * Makes rows in any order: each depends on the seed, its id and its CSV record
 * alone. Every record is read and checked, whichever group it belongs to.
 */
export function createChunkMaker(settings: unknown): ChunkMaker<FraudJob> {
  const { seed, groupId, groupCount } = settings as FraudChunkSettings;
  const skipped = new Float32Array(transactionLength);
  return (job, output) => {
    const { firstId, idCount } = job;
    const { buffer, byteOffset } = output;
    const firstOfGroup = firstIdOfGroup(firstId, groupId, groupCount);
    const rowStart = (id: number) => byteOffset + ((id - firstOfGroup) / groupCount) * rowSizeBytes;
    const transactionOf = (id: number) =>
      new Float32Array(buffer, rowStart(id) + transactionOffset, transactionLength);

    if (job.csv !== undefined) {
      const bytes = job.bytes ?? new Uint8Array(0);
      readTransactions({ ...job.csv, bytes, recordCount: idCount }, (i) =>
        (firstId + i) % groupCount === groupId ? transactionOf(firstId + i) : skipped,
      );
    }
    let filledBytes = 0;
    for (let id = firstOfGroup; id < firstId + idCount; id += groupCount) {
      fraudRow.writeId(output.subarray(filledBytes, filledBytes + 8), id);
      const reference = new Float32Array(buffer, rowStart(id) + referenceOffset, referenceLength);
      drawReference(seed, id, reference);
      if (job.csv === undefined) drawTransaction(seed, id, reference, transactionOf(id));
      filledBytes += rowSizeBytes;
    }
    return filledBytes;
  };
}
