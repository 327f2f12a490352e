import { basename, resolve } from 'node:path';
import { AibenchError, formatCount, type Tensor } from '@aibench/core';
import { type ControlClient, type GrpcAddress, openControlClient, parseGrpcAddress } from '@aibench/grpc';
import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';
import { batchExtent, withInputShapes, writeSavedModel } from '@aibench/models';
import {
  askSignature,
  identifyServer,
  type ModelChoice,
  matchSignature,
  predictTemplate,
  readPredictResponse,
  tfServingMethods,
} from '@aibench/tfserving';
import type { InstalledModel, ModelFile, ModelSetup, SetupContext } from '../model-setup.js';
import { filesBeside, savedModelName } from '../saved-model-files.js';
import { batchingConfig, modelsConfig, modelsConfigName } from '../tfserving/config-files.js';
import { isPlaced, placeVersion } from '../tfserving/place-version.js';
import { statusOf, waitForModel } from '../tfserving/wait-for-model.js';
import { writeModelFiles } from '../write-model-files.js';

const group = 'TensorFlow Serving';
const hostFlag = '--tensorflow-serving-host';

const flags = {
  'tensorflow-serving-host': flag.list({
    default: ['127.0.0.1:8500'],
    placeholder: 'host:port,..',
    describe:
      'TensorFlow Serving servers that are waited for until they have loaded the model, at their gRPC ports: host:port, or grpc://host:port (grpcs:// for TLS)',
    group,
  }),
  'model-base-path': flag.string({
    default: '',
    placeholder: 'path',
    describe: 'The folder of models that the servers read, as it is seen from here, to write the model into',
    group,
  }),
  'server-base-path': flag.string({
    default: '',
    placeholder: 'path',
    describe: 'The same folder as the servers see it, for models.config; without it, as it is seen from here',
    group,
  }),
  'model-version': flag.integer({ default: 1, min: 1, describe: 'Version of the model', group }),
  'load-timeout': flag.duration({
    default: '30s',
    describe: 'Longest wait until a server has loaded the model',
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
  'batch-size': flag.integer({
    default: 0,
    min: 0,
    describe:
      'Most rows that the server joins in one run: writes batching.config, and a model that can be batched; 0: none',
    group,
  }),
  'batch-timeout': flag.duration({
    default: '1ms',
    describe: 'Longest time that a request waits for others; with --batch-size',
    group,
  }),
  'batch-threads': flag.integer({
    default: 0,
    min: 0,
    describe: 'Batches that are run side by side; 0: as many as there are cores; with --batch-size',
    group,
  }),
  'max-enqueued-batches': flag.integer({
    default: 0,
    min: 0,
    describe: "Batches that may wait before requests are refused; 0: the server's default; with --batch-size",
    group,
  }),
} as const satisfies FlagSet;

type Flags = FlagValues<typeof flags>;
type Context = SetupContext<typeof flags>;

/** TensorFlow Serving reads models from folders, and loads versions that appear in them. */
export const modelSetup: ModelSetup<typeof flags> = {
  flags,
  examples: [
    'aibench-setup-model --server tfserving --model-base-path /srv/models --enable-reference-data-redis',
    'aibench-setup-model --server tfserving --output-dir models --server-base-path /models --batch-size 32',
  ],
  async modelFiles(context, folder) {
    return [...(await versionFiles(context)), ...(await configFiles(context, folder))];
  },
  install,
};

async function* install(context: Context): AsyncGenerator<InstalledModel> {
  const { flags: values, modelName: model, signal } = context;
  if (values.modelBasePath === '') {
    throw new AibenchError('AIBENCH_USAGE', 'where is the folder of models that the servers read?', {
      hint: 'pass --model-base-path, or --output-dir to only write the files',
    });
  }
  const folder = resolve(values.modelBasePath);
  const files = await versionFiles(context);
  const configs = await configFiles(context, folder);
  const choice = { model, version: values.modelVersion };
  const clients = values.tensorflowServingHost.map((text) =>
    openControlClient(parseAddress(text, values), { flag: hostFlag, timeoutMs: 30_000 }),
  );
  try {
    // Before anything is written: is anybody there, and would it load what is written?
    const isSame = await isPlaced(folder, files);
    for (const client of clients) {
      const { versions } = await statusOf(client, choice);
      if (!isSame && versions.some(({ state }) => state === 'AVAILABLE')) throw alreadyServed(client, choice);
    }
    if (!isSame) await placeVersion(folder, versionPath(context), files);
    await writeModelFiles(folder, configs);
    for (const client of clients) {
      const status = await waitForModel(client, choice, { limitMs: values.loadTimeoutMs, signal });
      const { product, version, isReference } = identifyServer(status.serverHeader);
      const sizeBytes = files.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
      yield {
        address: client.address,
        server: isReference ? `${product} ${version}` : product,
        description: `${model} version ${values.modelVersion}, SavedModel, ${formatCount(sizeBytes)} bytes`,
        answer: await askProbe(client, context, choice),
      };
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** A server keeps a version that it has loaded, whatever becomes of its files. */
function alreadyServed({ address }: ControlClient, { model, version }: ModelChoice): AibenchError {
  return new AibenchError(
    'AIBENCH_SERVER',
    `${address} serves another model as ${model} version ${version}, and would go on to`,
    { hint: 'pass another --model-version, or another --model' },
  );
}

/** The files of the version's folder. */
async function versionFiles(context: Context): Promise<ModelFile[]> {
  const { flags: values, modelName, task, ownModel } = context;
  if (!/^[^/\\]+$/.test(modelName) || modelName.startsWith('.')) {
    throw new AibenchError('AIBENCH_USAGE', `--model: "${modelName}" cannot be the name of a folder`);
  }
  const path = versionPath(context);
  if (ownModel !== undefined) {
    if (basename(ownModel.path) !== savedModelName) {
      throw new AibenchError('AIBENCH_USAGE', `${ownModel.path} is no ${savedModelName}`, {
        hint: `--model-file: the ${savedModelName} of a SavedModel, which is taken with the files beside it`,
      });
    }
    const beside = await filesBeside(ownModel.path);
    const files = [{ path: savedModelName, bytes: ownModel.bytes }, ...beside];
    return files.map((file) => ({ ...file, path: `${path}/${file.path}` }));
  }
  // A batch joins tensors along their outermost extents, so each has to have one for rows.
  const batched = task.references.map((spec) => [spec.name, [batchExtent, ...spec.shape]]);
  const graph = withInputShapes(task.graph(), values.batchSize > 0 ? Object.fromEntries(batched) : {});
  return [{ path: `${path}/${savedModelName}`, bytes: writeSavedModel(graph) }];
}

function versionPath({ flags: { modelVersion }, modelName }: Context): string {
  return `${modelName}/${modelVersion}`;
}

/** The files that the server's command line names. */
async function configFiles(context: Context, folder: string): Promise<ModelFile[]> {
  const { flags: values, modelName } = context;
  const { batchSize, serverBasePath } = values;
  const serverFolder = serverBasePath === '' ? folder : serverBasePath;
  const batching = batchingConfig({
    maxBatchSize: batchSize,
    timeoutUs: Math.round(values.batchTimeoutMs * 1_000),
    threads: values.batchThreads,
    maxEnqueued: values.maxEnqueuedBatches,
  });
  const models = await modelsConfig(folder, serverFolder, modelName);
  return [
    ...(batchSize > 0 ? [{ path: 'batching.config', bytes: Buffer.from(batching) }] : []),
    { path: modelsConfigName, bytes: Buffer.from(models) },
  ];
}

/** Asks in the shapes that the model, which may be the user's own, wants its tensors in. */
async function askProbe(
  client: ControlClient,
  { task, probe }: Context,
  choice: ModelChoice,
): Promise<readonly Tensor[]> {
  const { inputs, outputs } = matchSignature(task, await askSignature(client, choice));
  const tensors = [...probe.request.inputs, ...probe.references];
  const request = predictTemplate({ ...choice, inputs }).encode(tensors.map(({ data }) => data));
  const message = request instanceof Uint8Array ? request : Buffer.concat(request);
  const answer = await client.call(tfServingMethods.predict, message);
  return readPredictResponse(outputs, answer.message);
}

function parseAddress(text: string, { tlsCa, tlsInsecure }: Flags): GrpcAddress {
  const tls = { caPath: tlsCa === '' ? undefined : tlsCa, insecure: tlsInsecure };
  return parseGrpcAddress(text, { flag: hostFlag, defaultPort: 8_500, tls });
}
