import type { StoredModel } from '../../store/stored-model.js';
import { ReplyError } from '../reply-error.js';
import type { Request } from '../request.js';

/** A request to run a model, by keys. */
export interface ModelCall {
  readonly model: StoredModel;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** How long the client waits, in ms; undefined: for ever. */
  readonly timeoutMs: number | undefined;
}

/** Finds a model by its key or throws a ReplyError. */
export type FindModel = (key: string) => StoredModel;

/**
 * Reads `AI.MODELEXECUTE key INPUTS n key... OUTPUTS n key... [TIMEOUT t]`.
 *
 * @param start index of the command's name
 * @param end index after its last argument
 * @throws ReplyError in RedisAI's words
 */
export function readModelExecute(
  request: Request,
  start: number,
  end: number,
  findModel: FindModel,
): ModelCall {
  // The name, a key, and at least INPUTS 1 key OUTPUTS 1 key.
  if (end - start < 8) throw new ReplyError("ERR wrong number of arguments for 'AI.MODELEXECUTE' command");
  const model = findModel(request.text(start + 1));
  const inputs = readCountedKeys(request, start + 2, end, 'INPUTS');
  const outputs = readCountedKeys(request, start + 3 + inputs.length + 1, end, 'OUTPUTS');
  checkCounts(model, inputs, outputs);
  let at = start + 4 + inputs.length + 2 + outputs.length;
  let timeoutMs: number | undefined;
  if (at < end && request.is(at, 'TIMEOUT')) {
    if (at + 1 >= end) throw new ReplyError('ERR No value provided for TIMEOUT');
    timeoutMs = readTimeout(request, at + 1);
    at += 2;
  }
  if (at < end) throw new ReplyError(`Invalid argument: ${request.utf8(at)}`);
  return { model, inputs, outputs, timeoutMs };
}

function readCountedKeys(request: Request, at: number, end: number, keyword: 'INPUTS' | 'OUTPUTS'): string[] {
  const what = keyword === 'INPUTS' ? 'input' : 'output';
  if (at >= end || !request.is(at, keyword)) throw new ReplyError(`ERR ${keyword} not specified`);
  const count = at + 1 < end ? request.integer(at + 1) : undefined;
  if (count === undefined) throw new ReplyError(`ERR Invalid argument for ${what}_count`);
  if (count <= 0) {
    throw new ReplyError(`ERR ${keyword === 'INPUTS' ? 'Input' : 'Output'} count must be a positive integer`);
  }
  if (at + 2 + count > end) {
    throw new ReplyError(
      `ERR number of ${what} keys to AI.MODELEXECUTE command does not match the number of given arguments`,
    );
  }
  return Array.from({ length: count }, (_, i) => request.text(at + 2 + i));
}

/**
 * Reads the older form, `AI.MODELRUN key [TIMEOUT t] INPUTS key... OUTPUTS key...`.
 *
 * @param start index of the command's name
 * @param end index after its last argument
 * @throws ReplyError in RedisAI's words
 */
export function readModelRun(request: Request, start: number, end: number, findModel: FindModel): ModelCall {
  if (end - start < 3) throw new ReplyError("ERR wrong number of arguments for 'AI.MODELRUN' command");
  const model = findModel(request.text(start + 1));
  let at = start + 2;
  let timeoutMs: number | undefined;
  if (request.is(at, 'TIMEOUT') && at + 1 < end) {
    timeoutMs = readTimeout(request, at + 1);
    at += 2;
  }
  if (at >= end || !request.is(at, 'INPUTS')) throw new ReplyError('ERR INPUTS not specified');
  const inputs: string[] = [];
  const outputs: string[] = [];
  let keys = inputs;
  for (at += 1; at < end; at++) {
    if (keys === inputs && request.is(at, 'OUTPUTS')) keys = outputs;
    else keys.push(request.text(at));
  }
  checkCounts(model, inputs, outputs);
  return { model, inputs, outputs, timeoutMs };
}

/** @throws ReplyError when it is no positive whole number */
export function readTimeout(request: Request, index: number): number {
  const value = request.integer(index);
  if (value === undefined || value <= 0) throw new ReplyError('ERR Invalid value for TIMEOUT');
  return value;
}

function checkCounts({ model }: StoredModel, inputs: readonly string[], outputs: readonly string[]): void {
  // RedisAI sends these two without a code in front.
  if (model.inputNames !== undefined && inputs.length !== model.inputNames.length) {
    throw new ReplyError('Number of keys given as INPUTS here does not match model definition');
  }
  if (
    outputs.length === 0 ||
    (model.outputNames !== undefined && outputs.length !== model.outputNames.length)
  ) {
    throw new ReplyError('Number of keys given as OUTPUTS here does not match model definition');
  }
}
