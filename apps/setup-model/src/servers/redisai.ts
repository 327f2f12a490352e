import { extname } from 'node:path';
import { AibenchError, formatCount, type Tensor } from '@aibench/core';
import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';
import { batchExtent, withInputShapes, writeGraphDef, writeOnnx } from '@aibench/models';
import { type RedisConnection, redisAiDtype } from '@aibench/redis';
import {
  dagCommand,
  describeRedisAi,
  inferenceError,
  isClusterNode,
  openShards,
  type RedisAiDescription,
  readAnswer,
  type Shard,
  serverAddresses,
} from '@aibench/redisai';
import type { InstalledModel, ModelFile, ModelSetup, SetupContext } from '../model-setup.js';

const group = 'RedisAI';

const flags = {
  host: flag.list({
    default: ['127.0.0.1'],
    placeholder: 'host,..',
    describe:
      'RedisAI servers, all of which get the model: names, host:port, or redis://[[user]:password@]host[:port] (rediss:// for TLS)',
    group,
  }),
  port: flag.list({
    default: ['6379'],
    placeholder: 'port,..',
    describe: 'Their ports: one each, or one for all; not used for a host that names its own',
    group,
  }),
  'tls-ca': flag.string({
    default: '',
    placeholder: 'path',
    describe: "PEM file with the authorities to trust, instead of the system's",
    group,
  }),
  'tls-insecure': flag.boolean({
    default: false,
    describe: "Don't check the servers' TLS certificates",
    group,
  }),
  'cluster-mode': flag.boolean({
    default: false,
    describe: 'Where the servers are a Redis Cluster, give every master a copy of the model',
    group,
  }),
  backend: flag.choice(['auto', 'TF', 'ONNX', 'TFLITE', 'TORCH'], {
    default: 'auto',
    describe: "Back end; auto is TF for the suite's models, and follows the file's extension for your own",
    group,
  }),
  device: flag.string({
    default: 'CPU',
    placeholder: 'CPU|GPU|GPU:n',
    describe: 'Device that runs it',
    group,
  }),
  'batch-size': flag.integer({
    default: 0,
    min: 0,
    describe: 'Most rows that the server joins in one run; 0: it joins none',
    group,
  }),
  'min-batch-size': flag.integer({
    default: 0,
    min: 0,
    describe: 'Rows that the server waits for before it runs the model; needs --batch-size',
    group,
  }),
  'min-batch-timeout': flag.duration({
    default: '0s',
    describe:
      'Longest time that it waits for them, in whole milliseconds; 0s: for ever; needs --min-batch-size',
    group,
  }),
  tag: flag.string({ default: '', describe: 'Text that is kept with the model, a version', group }),
  inputs: flag.list({
    default: [],
    placeholder: 'name,..',
    describe: "Input nodes of a TensorFlow model of your own; without it, the use case's",
    group,
  }),
  outputs: flag.list({
    default: [],
    placeholder: 'name,..',
    describe: "Output nodes of a TensorFlow model of your own; without it, the use case's",
    group,
  }),
} as const satisfies FlagSet;

type Flags = FlagValues<typeof flags>;
type Context = SetupContext<typeof flags>;
type Backend = 'TF' | 'ONNX' | 'TFLITE' | 'TORCH';
type CommandArgument = string | number | Uint8Array;

const backendOfExtension: Readonly<Record<string, Backend>> = {
  '.pb': 'TF',
  '.onnx': 'ONNX',
  '.tflite': 'TFLITE',
  '.pt': 'TORCH',
  '.pth': 'TORCH',
};

const extensionOf = { TF: '.pb', ONNX: '.onnx', TFLITE: '.tflite', TORCH: '.pt' } as const;

/** A model as it is stored. */
interface Model {
  readonly backend: Backend;
  readonly bytes: Uint8Array;
}

/** RedisAI keeps models under keys, and knows TensorFlow graphs, ONNX, TFLite and TorchScript. */
export const modelSetup: ModelSetup<typeof flags> = {
  flags,
  examples: [
    'aibench-setup-model --host 127.0.0.1 --port 6379 --enable-reference-data-redis',
    'aibench-setup-model --host 10.0.0.1,10.0.0.2 --backend ONNX --device GPU',
  ],
  modelFiles: (context) => [modelFile(context)],
  install,
};

function modelFile(context: Context): ModelFile {
  const { backend, bytes } = readyModel(context);
  return { path: `${context.modelName}${extensionOf[backend]}`, bytes };
}

async function* install(context: Context): AsyncGenerator<InstalledModel> {
  const { flags: values, modelName } = context;
  checkFlags(values);
  const model = readyModel(context);
  const connect = { flag: '--host' };
  const addresses = serverAddresses({
    hosts: values.host,
    ports: values.port,
    tls: { caPath: values.tlsCa, insecure: values.tlsInsecure },
  });
  const cluster = values.clusterMode && (await isClusterNode(addresses[0], connect));
  const shards = await openShards(addresses, { ...connect, cluster, model: modelName });
  try {
    for (const shard of shards.list) {
      const server = await describeRedisAi(shard.connection);
      await store(context, shard, server, model);
      const size = formatCount(model.bytes.byteLength);
      yield {
        address: shard.connection.address,
        server: `${server.product} ${server.version}`,
        description: `${shard.model}, ${model.backend} on ${device(values)}, ${size} bytes`,
        answer: await askProbe(context, shard, server),
      };
    }
  } finally {
    await shards.close();
  }
}

function checkFlags({ batchSize, minBatchSize, minBatchTimeoutMs, device: text }: Flags): void {
  if (!/^(CPU|GPU(:\d+)?)$/i.test(text)) {
    throw new AibenchError('AIBENCH_USAGE', `--device: "${text}" is no device`, {
      hint: 'CPU, GPU or GPU:1',
    });
  }
  if (minBatchSize > 0 && batchSize === 0) {
    throw new AibenchError('AIBENCH_USAGE', '--min-batch-size needs --batch-size');
  }
  if (minBatchTimeoutMs > 0 && minBatchSize === 0) {
    throw new AibenchError('AIBENCH_USAGE', '--min-batch-timeout needs --min-batch-size');
  }
}

/** RedisAI writes devices in capitals, and scripts of the Go suite's users don't. */
function device({ device: text }: Flags): string {
  return text.toUpperCase();
}

function readyModel({ flags: { backend }, task, ownModel }: Context): Model {
  if (ownModel !== undefined) {
    const found = backendOfExtension[extname(ownModel.path).toLowerCase()];
    if (backend === 'auto' && found === undefined) {
      throw new AibenchError('AIBENCH_USAGE', `what kind of model is ${ownModel.path}?`, {
        hint: 'pass --backend TF, ONNX, TFLITE or TORCH',
      });
    }
    return { backend: backend === 'auto' ? found! : backend, bytes: ownModel.bytes };
  }
  // Reference tensors arrive in the shape that they are stored in, and side by side where the server joins requests.
  const stored = task.references.map((spec) => [spec.name, [batchExtent, ...spec.storedShape.slice(1)]]);
  const graph = withInputShapes(task.graph(), Object.fromEntries(stored));
  if (backend === 'ONNX') return { backend, bytes: writeOnnx(graph) };
  if (backend === 'TF' || backend === 'auto') return { backend: 'TF', bytes: writeGraphDef(graph) };
  throw new AibenchError('AIBENCH_USAGE', `the suite's models are written for TF and ONNX, not ${backend}`, {
    hint: 'pass --backend TF or ONNX, or a model of your own with --model-file',
  });
}

/** Redis takes strings of up to 512 MB, so a larger model is given in pieces. */
const chunkSizeBytes = 511 * 1024 * 1024;

async function store(
  { flags: values, task }: Context,
  { connection, model: key }: Shard,
  { aiCommands }: RedisAiDescription,
  { backend, bytes }: Model,
): Promise<void> {
  const isNew = aiCommands === 'execute';
  const args: CommandArgument[] = [key, backend, device(values)];
  if (values.tag !== '') args.push('TAG', values.tag);
  if (values.batchSize > 0) args.push('BATCHSIZE', values.batchSize);
  if (values.minBatchSize > 0) args.push('MINBATCHSIZE', values.minBatchSize);
  if (values.minBatchTimeoutMs > 0) args.push('MINBATCHTIMEOUT', Math.ceil(values.minBatchTimeoutMs));
  if (backend === 'TF') {
    const inputs = namesOr(values.inputs, [...task.inputs, ...task.references]);
    const outputs = namesOr(values.outputs, task.outputs);
    args.push('INPUTS', ...(isNew ? [inputs.length] : []), ...inputs);
    args.push('OUTPUTS', ...(isNew ? [outputs.length] : []), ...outputs);
  }
  args.push('BLOB');
  for (let at = 0; at < bytes.byteLength; at += chunkSizeBytes) {
    args.push(bytes.subarray(at, at + chunkSizeBytes));
  }
  await connection.call(isNew ? 'AI.MODELSTORE' : 'AI.MODELSET', ...args);
}

function namesOr(given: readonly string[], specs: readonly { readonly name: string }[]): readonly string[] {
  return given.length > 0 ? given : specs.map(({ name }) => name);
}

/** Asks in a DAG, with reference tensors under keys of their own, so that no data of the user's is touched. */
async function askProbe(
  { task, probe }: Context,
  { connection, model, hashTag }: Shard,
  { aiCommands: family }: RedisAiDescription,
): Promise<readonly Tensor[]> {
  const keyOf = (name: string) => `aibench-setup-model:${name}:${process.pid}${hashTag}`;
  const referenceKeys = task.references.map(({ name }) => keyOf(name));
  const command = dagCommand(task, {
    family,
    model,
    keys: { reference: ({ name }) => keyOf(name), tensor: ({ name }) => keyOf(name) },
  });
  const { id, inputs } = probe.request;
  const context = { task, address: connection.address, model, cluster: hashTag !== '' };
  try {
    await storeReferences(connection, referenceKeys, { task, probe });
    const wire = command.encode(
      id,
      inputs.map(({ data }) => data),
    );
    return readAnswer(context, await connection.send(wire), id);
  } catch (error) {
    throw inferenceError(context, error, id);
  } finally {
    if (referenceKeys.length > 0) await connection.call('DEL', ...referenceKeys).catch(() => undefined);
  }
}

async function storeReferences(
  connection: RedisConnection,
  keys: readonly string[],
  { task, probe }: Pick<Context, 'task' | 'probe'>,
): Promise<void> {
  for (const [i, { dtype, storedShape }] of task.references.entries()) {
    const { data } = probe.references[i]!;
    await connection.call('AI.TENSORSET', keys[i]!, redisAiDtype(dtype), ...storedShape, 'BLOB', data);
  }
}
