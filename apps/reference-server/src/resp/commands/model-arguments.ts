import type { ModelFile, ModelFormat } from '../../inference/inference-model.js';
import { detachedBytes } from '../../inference/server-tensor.js';
import type { BatchOptions } from '../../store/stored-model.js';
import { ReplyError } from '../reply-error.js';
import type { Request } from '../request.js';
import { requireCount } from './options.js';

/** What `AI.MODELSTORE` and `AI.MODELSET` are told. */
export interface ModelArguments {
  readonly file: ModelFile;
  readonly device: string;
  /** Binary text; empty where none was given. */
  readonly tag: string;
  readonly batch: BatchOptions;
}

const formats: readonly ModelFormat[] = ['ONNX', 'TF', 'TFLITE', 'TORCH'];
const missingBlob = 'ERR Insufficient arguments, missing model BLOB';

/**
 * Reads `AI.MODELSTORE key backend device [options] [INPUTS n name... OUTPUTS n name...] BLOB chunk...`.
 *
 * @throws ReplyError in RedisAI's words
 */
export function readModelStore(request: Request): ModelArguments {
  const { format, device, tag, batch, next } = readOptions(request);
  let at = next;
  let inputs: string[] = [];
  let outputs: string[] = [];
  if (format === 'TF') {
    if (!request.is(at, 'INPUTS')) throw new ReplyError('ERR INPUTS not specified for TF');
    inputs = readNames(request, at + 1, 'input');
    at += 2 + inputs.length;
    if (!request.is(at, 'OUTPUTS')) throw new ReplyError('ERR OUTPUTS not specified for TF');
    outputs = readNames(request, at + 1, 'output');
    at += 2 + outputs.length;
  } else if (request.is(at, 'INPUTS')) {
    throw new ReplyError('ERR INPUTS argument should not be specified for this backend');
  }
  if (at >= request.length) throw new ReplyError(missingBlob);
  if (!request.is(at, 'BLOB')) throw new ReplyError('ERR Invalid argument, expected BLOB');
  const bytes = readBlob(request, at + 1);
  return { file: { format, bytes, inputs, outputs }, device, tag, batch };
}

/**
 * Reads the older form, `AI.MODELSET`, whose names are not counted.
 *
 * @throws ReplyError in RedisAI's words
 */
export function readModelSet(request: Request): ModelArguments {
  const { format, device, tag, batch, next } = readOptions(request);
  let at = next;
  const inputs: string[] = [];
  const outputs: string[] = [];
  if (format === 'TF') {
    if (at >= request.length || request.is(at, 'BLOB')) {
      throw new ReplyError('ERR Insufficient arguments, INPUTS and OUTPUTS not specified');
    }
    if (!request.is(at, 'INPUTS')) throw new ReplyError('ERR INPUTS not specified');
    for (at += 1; at < request.length && !request.is(at, 'OUTPUTS') && !request.is(at, 'BLOB'); at++) {
      inputs.push(request.utf8(at));
    }
    if (!request.is(at, 'OUTPUTS')) throw new ReplyError('ERR OUTPUTS not specified');
    for (at += 1; at < request.length && !request.is(at, 'BLOB'); at++) outputs.push(request.utf8(at));
  }
  if (!request.is(at, 'BLOB')) throw new ReplyError(missingBlob);
  const bytes = readBlob(request, at + 1);
  return { file: { format, bytes, inputs, outputs }, device, tag, batch };
}

interface Options extends Omit<ModelArguments, 'file'> {
  readonly format: ModelFormat;
  /** Index after the options. */
  readonly next: number;
}

function readOptions(request: Request): Options {
  const format = formats.find((name) => request.is(2, name));
  if (format === undefined) throw new ReplyError('ERR unsupported backend');
  const device = readDevice(request, 3);
  let at = 4;
  let tag = '';
  if (request.is(at, 'TAG') && at + 1 < request.length) {
    tag = request.text(at + 1);
    at += 2;
  }
  const readCount = (name: string): number => {
    if (!request.is(at, name)) return 0;
    at += 2;
    return requireCount(request, at - 1, `ERR Invalid argument for ${name}`);
  };
  const batchSize = readCount('BATCHSIZE');
  const minBatchSize = readCount('MINBATCHSIZE');
  if (batchSize === 0 && minBatchSize > 0)
    throw new ReplyError('ERR MINBATCHSIZE specified without BATCHSIZE');
  const minBatchTimeoutMs = readCount('MINBATCHTIMEOUT');
  if (minBatchSize === 0 && minBatchTimeoutMs > 0) {
    throw new ReplyError('ERR MINBATCHTIMEOUT specified without MINBATCHSIZE');
  }
  return { format, device, tag, batch: { batchSize, minBatchSize, minBatchTimeoutMs }, next: at };
}

function readDevice(request: Request, index: number): string {
  const device = index < request.length ? request.text(index) : '';
  if (!/^[CG]PU(:\d{1,5})?$/i.test(device)) throw new ReplyError('ERR Invalid DEVICE');
  if (/^G/i.test(device)) {
    throw new ReplyError(`ERR aibench-reference-server runs models on CPU only, not on ${device}`);
  }
  return device;
}

function readNames(request: Request, at: number, what: 'input' | 'output'): string[] {
  const count = request.integer(at);
  if (count === undefined || count <= 0) throw new ReplyError(`ERR Invalid argument for ${what}_count`);
  if (at + count >= request.length) {
    throw new ReplyError(`ERR number of model ${what}s does not match the number of given arguments`);
  }
  return Array.from({ length: count }, (_, i) => request.utf8(at + 1 + i));
}

/** A model's bytes, put together from as many arguments as they came in. */
function readBlob(request: Request, at: number): Buffer {
  if (at >= request.length) throw new ReplyError(missingBlob);
  if (at + 1 === request.length) return detachedBytes(request.bytes(at));
  return Buffer.concat(Array.from({ length: request.length - at }, (_, i) => request.bytes(at + i)));
}
