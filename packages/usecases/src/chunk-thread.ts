import { parentPort, workerData } from 'node:worker_threads';
import { AibenchError } from '@aibench/core';
import type { ChunkModule, PoolJob } from './chunk-maker.js';
import type { PlainError, ThreadReply, ThreadRequest, ThreadSetup } from './row-pool.js';

// What a thread of a RowPool runs: it answers requests one by one, in order.

const { moduleUrl, settings } = workerData as ThreadSetup;
const module = (await import(moduleUrl)) as ChunkModule<PoolJob>;
const makeChunk = module.createChunkMaker(settings);

parentPort?.on('message', ({ job, output }: ThreadRequest) => {
  const buffers = [output.buffer];
  if (job.bytes !== undefined) buffers.push(job.bytes.buffer);
  let reply: ThreadReply;
  try {
    const filledBytes = makeChunk(job, output);
    reply = { output, bytes: job.bytes, filledBytes };
  } catch (error) {
    reply = { output, bytes: job.bytes, error: plainError(error) };
  }
  parentPort?.postMessage(reply, buffers);
});

function plainError(error: unknown): PlainError {
  const message = error instanceof Error ? error.message : String(error);
  const known = error instanceof AibenchError ? error : undefined;
  return { code: known?.code, message, hint: known?.hint };
}
