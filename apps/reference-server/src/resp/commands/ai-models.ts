import { type InferenceModel, loadModel } from '../../inference/inference-model.js';
import { ServerError } from '../../inference/server-error.js';
import type { Keyspace } from '../../store/keyspace.js';
import { StoredModel } from '../../store/stored-model.js';
import type { Client } from '../client.js';
import { type Command, firstKey, noKeys } from '../command.js';
import { ReplyError, replyErrors } from '../reply-error.js';
import type { ReplyWriter } from '../reply-writer.js';
import type { Request } from '../request.js';
import { checkTensorKey, getInput } from './ai-tensors.js';
import { type ModelArguments, readModelSet, readModelStore } from './model-arguments.js';
import { type ModelCall, readModelExecute, readModelRun } from './model-call.js';
import { inferWithin } from './model-run.js';

/**
 * The model under a key; the null model's stand-in where there is none.
 *
 * @throws ReplyError in RedisAI's words when there is none, or something else
 */
export function getModel({ keyspace, service }: Client, key: string): StoredModel {
  const value = keyspace.get(key);
  if (value instanceof StoredModel) return value;
  if (value !== undefined) throw replyErrors.wrongType();
  if (service.absentModel !== undefined) return service.absentModel;
  throw new ReplyError('ERR model key is empty');
}

function checkModelKey(keyspace: Keyspace, key: string): void {
  const value = keyspace.peek(key);
  if (value !== undefined && !(value instanceof StoredModel)) throw replyErrors.wrongType();
}

function store(read: (request: Request) => ModelArguments): Command['run'] {
  return async ({ keyspace, reply, service }, request) => {
    const { file, device, tag, batch } = read(request);
    let model: InferenceModel;
    try {
      model = await loadModel(file, service.options.load);
    } catch (error) {
      if (error instanceof ServerError) throw new ReplyError(`ERR ${error.message}`, { cause: error });
      throw error;
    }
    const key = request.text(1);
    checkModelKey(keyspace, key);
    keyspace.set(key, new StoredModel(model, device, tag, batch));
    reply.ok();
  };
}

function replyModelBytes(reply: ReplyWriter, bytes: Uint8Array, chunkBytes: number): void {
  if (bytes.length <= chunkBytes) {
    reply.bulk(bytes);
    return;
  }
  const chunks = Math.ceil(bytes.length / chunkBytes);
  reply.array(chunks);
  for (let i = 0; i < chunks; i++) reply.bulk(bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes));
}

function replyNames(reply: ReplyWriter, names: readonly string[]): void {
  reply.array(names.length);
  for (const name of names) reply.bulkText(name);
}

function get(client: Client, request: Request): void {
  const { reply, service } = client;
  if (request.length > 4) throw replyErrors.wrongArity('ai.modelget');
  const { model, device, tag, batch } = getModel(client, request.text(1));
  let hasMeta = false;
  let hasBlob = false;
  for (let i = 2; i < request.length; i++) {
    if (request.is(i, 'META')) hasMeta = true;
    else if (request.is(i, 'BLOB')) hasBlob = true;
  }
  const { bytes, format } = model.file;
  if (hasBlob && !hasMeta) {
    replyModelBytes(reply, bytes, service.modelChunkBytes);
    return;
  }
  const withBlob = hasBlob || !hasMeta;
  reply.array(withBlob ? 18 : 16);
  reply.bulkLatin1('backend');
  reply.bulkLatin1(format);
  reply.bulkLatin1('device');
  reply.bulkLatin1(device);
  reply.bulkLatin1('tag');
  reply.bulkLatin1(tag);
  reply.bulkLatin1('batchsize');
  reply.integer(batch.batchSize);
  reply.bulkLatin1('minbatchsize');
  reply.integer(batch.minBatchSize);
  reply.bulkLatin1('inputs');
  replyNames(reply, model.inputNames ?? []);
  reply.bulkLatin1('outputs');
  replyNames(reply, model.outputNames ?? []);
  reply.bulkLatin1('minbatchtimeout');
  reply.integer(batch.minBatchTimeoutMs);
  if (!withBlob) return;
  reply.bulkLatin1('blob');
  replyModelBytes(reply, bytes, service.modelChunkBytes);
}

function remove(client: Client, request: Request): void {
  const { keyspace, reply } = client;
  const key = request.text(1);
  getModel(client, key);
  keyspace.delete(key);
  reply.ok();
}

function scan({ keyspace, reply }: Client): void {
  const models = [...keyspace.entries()].filter(([, value]) => value instanceof StoredModel);
  reply.array(models.length);
  for (const [key, value] of models) {
    reply.array(2);
    reply.bulkLatin1(key);
    reply.bulkLatin1((value as StoredModel).tag);
  }
}

function execute(read: (request: Request, client: Client) => ModelCall): Command['run'] {
  return (client, request) => {
    const { keyspace, reply, service } = client;
    const call = read(request, client);
    const inputs = call.inputs.map((key) => getInput(client, key));
    const outputs = inferWithin(service.options.engine, call, inputs);
    const finish = (tensors: Awaited<typeof outputs>): void => {
      if (tensors === 'timed out') {
        reply.simple('TIMEDOUT');
        return;
      }
      for (const key of call.outputs) checkTensorKey(keyspace, key);
      call.outputs.forEach((key, index) => {
        keyspace.set(key, tensors[index]!);
      });
      reply.ok();
    };
    return outputs instanceof Promise ? outputs.then(finish) : finish(outputs);
  };
}

const shared = { flags: ['write', 'denyoom', 'module'], keys: firstKey, group: 'module' } as const;

/** Models: store, read and run. */
export const modelCommands: readonly Command[] = [
  {
    ...{ ...shared, name: 'ai.modelstore', arity: -6 },
    summary: 'Stores a model',
    run: store(readModelStore),
  },
  {
    ...{ ...shared, name: 'ai.modelset', arity: -4 },
    summary: 'Stores a model (older form of AI.MODELSTORE)',
    run: store(readModelSet),
  },
  {
    ...{ ...shared, name: 'ai.modelget', arity: -2, flags: ['readonly', 'module'] },
    summary:
      'Returns a model: META, BLOB. Batching options are kept and reported; this server does not batch',
    run: get,
  },
  {
    ...{ ...shared, name: 'ai.modeldel', arity: 2, flags: ['write', 'module'] },
    summary: 'Removes a model',
    run: remove,
  },
  {
    ...{ ...shared, name: 'ai.modelexecute', arity: -1 },
    summary: 'Runs a model on stored tensors and stores its answer',
    run: execute((request, client) =>
      readModelExecute(request, 0, request.length, (key) => getModel(client, key)),
    ),
  },
  {
    ...{ ...shared, name: 'ai.modelrun', arity: -1 },
    summary: 'Runs a model (older form of AI.MODELEXECUTE)',
    run: execute((request, client) =>
      readModelRun(request, 0, request.length, (key) => getModel(client, key)),
    ),
  },
  ...['ai._modelscan', 'ai.modelscan'].map(
    (name): Command => ({
      ...{ ...shared, name, arity: 1, flags: ['readonly', 'module'], keys: noKeys },
      summary: 'Lists the models with their tags',
      run: scan,
    }),
  ),
];
