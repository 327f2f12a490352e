/** Work for one chunk of rows: plain data that crosses threads. */
export interface PoolJob {
  /** Input that belongs to the job, in a buffer of its own: it moves to the thread and back. Default: none. */
  readonly bytes?: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Makes one chunk.
 *
 * @param output to be filled from its start, with whole rows
 * @returns how many bytes of `output` are filled
 */
export type ChunkMaker<Job extends PoolJob> = (job: Job, output: Uint8Array<ArrayBuffer>) => number;

/** What a module for a `RowPool` exports. Every thread imports it and calls this once. */
export interface ChunkModule<Job extends PoolJob> {
  createChunkMaker(settings: unknown): ChunkMaker<Job>;
}
