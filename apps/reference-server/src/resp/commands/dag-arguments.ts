import type { ServerTensor } from '../../inference/server-tensor.js';
import { ReplyError } from '../reply-error.js';
import type { Request } from '../request.js';
import { scriptsNotSupported } from './ai-scripts.js';
import { type FindModel, type ModelCall, readModelExecute, readModelRun, readTimeout } from './model-call.js';
import { readTensor } from './tensor-arguments.js';
import { readTensorFormat, type TensorFormat } from './tensor-reply.js';

/** Which command a DAG came with. */
export interface DagKind {
  /** `AI.DAGRUN`, or the newer `AI.DAGEXECUTE`: they take different commands inside. */
  readonly family: 'DAGRUN' | 'DAGEXECUTE';
  readonly readOnly: boolean;
}

/** One command of a DAG. */
export type DagOperation =
  | { readonly kind: 'set'; readonly key: string; readonly tensor: ServerTensor }
  | { readonly kind: 'get'; readonly key: string; readonly format: TensorFormat }
  | { readonly kind: 'run'; readonly call: ModelCall };

/** A DAG that has been read and whose keys have been found to fit together. */
export interface Dag {
  /** The DAG's own tensors by their keys; at first those that it loads. */
  readonly tensors: Map<string, ServerTensor>;
  readonly operations: readonly DagOperation[];
  /** Keys whose tensors are stored when all has gone well. */
  readonly persist: readonly string[];
  readonly timeoutMs: number | undefined;
}

/** Where a DAG's keys are looked up. */
export interface DagContext {
  readonly findModel: FindModel;
  /** @throws ReplyError */
  findTensor(key: string): ServerTensor;
}

/**
 * Reads a DAG: `[LOAD n key...] [PERSIST n key...] [ROUTING key] [TIMEOUT t] |> command |> ...`.
 *
 * @throws ReplyError in RedisAI's words; nothing has been run then
 */
export function readDag(request: Request, kind: DagKind, context: DagContext): Dag {
  checkLength(request, kind);
  const tensors = new Map<string, ServerTensor>();
  const operations: DagOperation[] = [];
  let persist: string[] | undefined;
  let timeoutMs: number | undefined;
  let hasLoad = false;
  let hasRouting = false;
  let at = 1;
  while (at < request.length) {
    const isHead = operations.length === 0;
    if (isPipe(request, at) && at < request.length - 1) {
      const end = endOfOperation(request, at + 1);
      operations.push(readOperation(request, at + 1, end, kind, context));
      at = end;
    } else if (isHead && !hasLoad && request.is(at, 'LOAD')) {
      const keys = readKeys(request, at, loadWords);
      for (const key of keys) tensors.set(key, context.findTensor(key));
      hasLoad = true;
      at += 2 + keys.length;
    } else if (isHead && persist === undefined && request.is(at, 'PERSIST')) {
      if (kind.readOnly) throw new ReplyError('ERR PERSIST cannot be specified in a read-only DAG');
      persist = readKeys(request, at, persistWords);
      if (new Set(persist).size < persist.length) throw new ReplyError('ERR PERSIST keys must be unique');
      at += 2 + persist.length;
    } else if (isHead && !hasRouting && request.is(at, 'ROUTING')) {
      if (at + 1 === request.length) throw new ReplyError('ERR Missing ROUTING value');
      hasRouting = true;
      at += 2;
    } else if (isHead && !hasRouting && request.is(at, 'KEYS')) {
      at += 2 + readKeys(request, at, keysWords).length;
      hasRouting = true;
    } else if (isHead && timeoutMs === undefined && request.is(at, 'TIMEOUT')) {
      if (at + 1 === request.length) throw new ReplyError('ERR No value provided for TIMEOUT');
      timeoutMs = readTimeout(request, at + 1);
      at += 2;
    } else {
      throw new ReplyError(`ERR Invalid DAG command. Unexpected argument:  ${request.utf8(at)}`);
    }
  }
  if (kind.family === 'DAGEXECUTE' && !hasLoad && persist === undefined && !hasRouting) {
    throw new ReplyError(
      'ERR AI.DAGEXECUTE and AI.DAGEXECUTE_RO commands must contain at least one out of ROUTING, LOAD, PERSIST keywords',
    );
  }
  if (operations.length === 0) throw new ReplyError('ERR DAG is empty');
  checkKeys(tensors, operations, persist ?? []);
  return { tensors, operations, persist: persist ?? [], timeoutMs };
}

function checkLength(request: Request, { family, readOnly }: DagKind): void {
  const name = `AI.${family}${readOnly ? '_RO' : ''}`;
  if (family === 'DAGRUN' && request.length < 4) {
    throw new ReplyError(`ERR wrong number of arguments for '${name}' command`);
  }
  if (family === 'DAGEXECUTE' && request.length < 6) {
    throw new ReplyError(`ERR missing arguments for '${name}' command`);
  }
}

function isPipe(request: Request, index: number): boolean {
  return request.sizeBytes(index) === 2 && request.is(index, '|>');
}

function endOfOperation(request: Request, start: number): number {
  let end = start;
  while (end < request.length && !isPipe(request, end)) end += 1;
  return end;
}

interface KeyListWords {
  readonly missing: string;
  readonly invalidCount: string;
  readonly wrongCount: string;
}

const loadWords: KeyListWords = {
  missing: 'ERR missing arguments after LOAD keyword in DAG command',
  invalidCount: 'ERR invalid or negative value found in number of keys to LOAD',
  wrongCount: 'ERR number of keys to LOAD into DAG does not match the number of given arguments',
};

const persistWords: KeyListWords = {
  missing: 'ERR missing arguments after PERSIST keyword in DAG command',
  invalidCount: 'ERR invalid or negative value found in number of keys to PERSIST',
  wrongCount:
    'ERR number of keys to PERSIST after DAG execution does not match the number of given arguments',
};

const keysWords: KeyListWords = {
  missing: 'ERR Missing arguments after KEYS keyword',
  invalidCount: 'ERR Invalid or negative value found in number of KEYS',
  wrongCount:
    'ERR Number of pre declared KEYS to be used in the command does not match the number of given arguments',
};

function readKeys(request: Request, at: number, words: KeyListWords): string[] {
  if (request.length - at < 3) throw new ReplyError(words.missing);
  const count = request.integer(at + 1);
  if (count === undefined || count <= 0) throw new ReplyError(words.invalidCount);
  if (at + 2 + count > request.length) throw new ReplyError(words.wrongCount);
  return Array.from({ length: count }, (_, i) => request.text(at + 2 + i));
}

function readOperation(
  request: Request,
  start: number,
  end: number,
  kind: DagKind,
  context: DagContext,
): DagOperation {
  const length = end - start;
  if (length > 0) {
    if (request.is(start, 'AI.TENSORSET')) {
      if (length < 4) throw new ReplyError("wrong number of arguments for 'AI.TENSORSET' command");
      return { kind: 'set', key: request.text(start + 1), tensor: readTensor(request, start + 2, end) };
    }
    if (request.is(start, 'AI.TENSORGET')) {
      if (length < 2 || length > 4) {
        throw new ReplyError("wrong number of arguments for 'AI.TENSORGET' command");
      }
      return { kind: 'get', key: request.text(start + 1), format: readTensorFormat(request, start + 2, end) };
    }
    const run = readRun(request, start, end, kind, context);
    if (run !== undefined) return run;
  }
  throw new ReplyError('Unsupported command within DAG');
}

function readRun(
  request: Request,
  start: number,
  end: number,
  { family, readOnly }: DagKind,
  { findModel }: DagContext,
): DagOperation | undefined {
  const isOlder = family === 'DAGRUN';
  const isRun = request.is(start, 'AI.MODELRUN');
  if (isRun || request.is(start, 'AI.MODELEXECUTE')) {
    checkFamily(isOlder, isRun, isRun ? 'AI.MODELRUN' : 'AI.MODELEXECUTE');
    const call = (isRun ? readModelRun : readModelExecute)(request, start, end, findModel);
    if (call.timeoutMs !== undefined) throw new ReplyError('ERR TIMEOUT not allowed within a DAG command');
    return { kind: 'run', call };
  }
  const isScriptRun = request.is(start, 'AI.SCRIPTRUN');
  if (isScriptRun || request.is(start, 'AI.SCRIPTEXECUTE')) {
    if (readOnly && !isOlder && !isScriptRun) {
      throw new ReplyError('ERR AI.SCRIPTEXECUTE command cannot be specified in a read-only DAG');
    }
    checkFamily(isOlder, isScriptRun, isScriptRun ? 'AI.SCRIPTRUN' : 'AI.SCRIPTEXECUTE');
    throw new ReplyError(scriptsNotSupported);
  }
  return undefined;
}

/** Older commands belong into `AI.DAGRUN`, newer ones into `AI.DAGEXECUTE`. */
function checkFamily(isOlderDag: boolean, isOlderCommand: boolean, name: string): void {
  if (isOlderDag === isOlderCommand) return;
  throw new ReplyError(
    isOlderDag
      ? `${name} cannot be used in a deprecated AI.DAGRUN command`
      : `Deprecated ${name} cannot be used in AI.DAGEXECUTE command`,
  );
}

/** Each key must be loaded or made before it is used. */
function checkKeys(
  loaded: ReadonlyMap<string, ServerTensor>,
  operations: readonly DagOperation[],
  persist: readonly string[],
): void {
  const made = new Set<string>();
  const isKnown = (key: string): boolean => made.has(key) || loaded.has(key);
  for (const operation of operations) {
    if (operation.kind === 'set') made.add(operation.key);
    else if (operation.kind === 'get') requireKey(isKnown(operation.key));
    else {
      for (const key of operation.call.inputs) requireKey(isKnown(key));
      for (const key of operation.call.outputs) made.add(key);
    }
  }
  if (!persist.every(isKnown)) throw new ReplyError('ERR PERSIST key cannot be found in DAG');
}

function requireKey(isKnown: boolean): void {
  if (!isKnown) throw new ReplyError('ERR INPUT key cannot be found in DAG');
}
