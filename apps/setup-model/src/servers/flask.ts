import { createHash } from 'node:crypto';
import { basename, extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AibenchError, formatCount, formatDurationMs, type Tensor } from '@aibench/core';
import {
  askHealth,
  chooseModel,
  type FlaskHealth,
  flaskPath,
  identifyService,
  predictPath,
  predictTemplate,
} from '@aibench/flask';
import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';
import { HttpConnection, parseHttpAddress, readJsonOutputs, statusError } from '@aibench/http';
import { writeOnnx, writeSavedModel } from '@aibench/models';
import { modelDescription } from '../flask/model-description.js';
import type { InstalledModel, ModelFile, ModelSetup, SetupContext } from '../model-setup.js';
import { filesBeside, savedModelName } from '../saved-model-files.js';
import { writeModelFiles } from '../write-model-files.js';

const group = 'Flask';
const hostFlag = '--restapi-host';

const flags = {
  'restapi-host': flag.list({
    default: ['127.0.0.1:8000'],
    placeholder: 'host:port,..',
    describe:
      'Flask services that are asked once the model is in their folder: host:port, or http://host:port (https:// for TLS)',
    group,
  }),
  'models-dir': flag.string({
    default: '',
    placeholder: 'path',
    describe:
      "The services' folder of models, AIBENCH_MODELS, as it is seen from here, to write the model into",
    group,
  }),
  backend: flag.choice(['auto', 'onnxruntime', 'tensorflow'], {
    default: 'auto',
    describe:
      "Back end that the model is written for; auto is both for the suite's models, and follows the file's name for your own",
    group,
  }),
  'load-timeout': flag.duration({
    default: '30s',
    describe: 'Longest wait until a service has loaded the model',
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
    describe: "Don't check the services' TLS certificates",
    group,
  }),
} as const satisfies FlagSet;

type Flags = FlagValues<typeof flags>;
type Context = SetupContext<typeof flags>;
type Backend = Exclude<Flags['backend'], 'auto'>;

/** The file of a model's folder that a back end loads. */
const fileOf: Readonly<Record<Backend, string>> = {
  onnxruntime: 'model.onnx',
  tensorflow: savedModelName,
};

/** How often a service is asked. */
const periodMs = 200;

/** The suite's Flask service reads models from folders, and looks at them with every request. */
export const modelSetup: ModelSetup<typeof flags> = {
  flags,
  examples: [
    'aibench-setup-model --server flask --models-dir models --enable-reference-data-redis',
    'aibench-setup-model --server flask --models-dir models --restapi-host 10.0.0.1:8000,10.0.0.2:8000',
  ],
  modelFiles,
  install,
};

/** The description last: with it, the model is there. */
async function modelFiles(context: Context): Promise<ModelFile[]> {
  const { modelName, ownModel, task } = context;
  if (!/^[^/\\]+$/.test(modelName) || modelName.startsWith('.')) {
    throw new AibenchError('AIBENCH_USAGE', `--model: "${modelName}" cannot be the name of a folder`);
  }
  const files: ModelFile[] = [];
  for (const backend of backendsOf(context)) {
    files.push({ path: fileOf[backend], bytes: modelBytes(context, backend) });
    if (ownModel !== undefined && backend === 'tensorflow') files.push(...(await filesBeside(ownModel.path)));
  }
  const names = files.map(({ path }) => path);
  const description = modelDescription(task, names, ownModel !== undefined);
  files.push({ path: 'model.json', bytes: Buffer.from(`${JSON.stringify(description)}\n`) });
  return files.map(({ path, bytes }) => ({ path: `${modelName}/${path}`, bytes }));
}

async function* install(context: Context): AsyncGenerator<InstalledModel> {
  const { flags: values } = context;
  const files = await modelFiles(context);
  const connections = values.restapiHost.map((text) => connect(text, values));
  try {
    if (values.modelsDir === '') {
      throw new AibenchError('AIBENCH_USAGE', "where is the services' folder of models?", {
        hint: 'pass --models-dir, or --output-dir to only write the files',
      });
    }
    // Before anything is written: is anybody there, and could it run the model?
    for (const connection of connections)
      fileFor(context, files, await askService(connection), connection.address);
    await writeModelFiles(values.modelsDir, files);
    for (const connection of connections) yield await prove(context, connection, files);
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

async function prove(
  context: Context,
  connection: HttpConnection,
  files: readonly ModelFile[],
): Promise<InstalledModel> {
  const health = await waitForModel(context, connection, files);
  const { product, version } = identifyService(health);
  const { backend, identity } = health;
  const { workers } = identity;
  const file = fileFor(context, files, health, connection.address);
  const parts = [
    context.modelName,
    `${backend.name} ${backend.version}`,
    ...(workers === undefined ? [] : [`${workers} ${workers === 1 ? 'worker' : 'workers'}`]),
    `${formatCount(file.bytes.byteLength)} bytes`,
  ];
  return {
    address: connection.address,
    server: `${product} ${version}`,
    description: parts.join(', '),
    answer: await askProbe(context, connection, health),
  };
}

/** A service that reads this folder says that it has loaded this very file. */
async function waitForModel(
  context: Context,
  connection: HttpConnection,
  files: readonly ModelFile[],
): Promise<FlaskHealth> {
  const { flags: values, modelName, signal } = context;
  const { address } = connection;
  const endMs = performance.now() + values.loadTimeoutMs;
  for (;;) {
    const health = await askService(connection);
    const { bytes } = fileFor(context, files, health, address);
    const model = health.models.find(({ name }) => name === modelName);
    if (model?.error !== undefined) {
      throw new AibenchError(
        'AIBENCH_SERVER',
        `${address} could not load model ${modelName}: ${model.error}`,
        {
          hint: 'is it a model for this back end, with the tensors of the use case? see --model-file',
        },
      );
    }
    if (model?.sha256 === createHash('sha256').update(bytes).digest('hex')) return health;
    if (performance.now() >= endMs) {
      const seen = model === undefined ? 'it does not have it' : 'it has another';
      throw new AibenchError(
        'AIBENCH_TIMEOUT',
        `${address} has not loaded model ${modelName} within ${formatDurationMs(values.loadTimeoutMs)}: ${seen}`,
        { hint: 'is --models-dir its own folder of models, AIBENCH_MODELS?' },
      );
    }
    await sleep(periodMs, undefined, { signal }).catch((cause: unknown) => {
      throw new AibenchError('AIBENCH_INTERRUPTED', 'interrupted', { cause });
    });
  }
}

async function askService(connection: HttpConnection): Promise<FlaskHealth> {
  const health = await askHealth(connection);
  if (health !== undefined) return health;
  throw new AibenchError('AIBENCH_ANSWER', `${connection.address} is not the suite's Flask service`, {
    hint: `it tells nothing of itself at ${flaskPath.health}; see ${hostFlag} and servers/flask/README.md`,
  });
}

/** The file that a service's back end loads. */
function fileFor(
  { modelName }: Context,
  files: readonly ModelFile[],
  { backend: { name } }: FlaskHealth,
  address: string,
): ModelFile {
  const wanted = Object.hasOwn(fileOf, name) ? fileOf[name as Backend] : undefined;
  const file = files.find(({ path }) => path === `${modelName}/${wanted}`);
  if (file !== undefined) return file;
  throw new AibenchError(
    'AIBENCH_USAGE',
    `${address} runs models with ${name}, for which this one is not written`,
    {
      hint: 'see --backend and --model-file',
    },
  );
}

async function askProbe(
  { modelName: model, task, probe }: Context,
  connection: HttpConnection,
  health: FlaskHealth,
): Promise<readonly Tensor[]> {
  const { address } = connection;
  chooseModel(task, health, { address, model });
  const template = predictTemplate('multipart', [...task.inputs, ...task.references]);
  const tensors = [...probe.request.inputs, ...probe.references];
  const message = template.encode(tensors.map(({ data }) => data));
  const body = message instanceof Uint8Array ? message : Buffer.concat(message);
  const path = predictPath(flaskPath.multipart, model);
  const answer = await connection.send({ method: 'POST', path, headers: template.headers, body });
  if (answer.status !== 200) throw statusError(address, answer);
  return readJsonOutputs(task.outputs, answer.body, { address, requestId: probe.request.id, flag: hostFlag });
}

function connect(text: string, { tlsCa, tlsInsecure }: Flags): HttpConnection {
  const tls = { caPath: tlsCa === '' ? undefined : tlsCa, insecure: tlsInsecure };
  const address = parseHttpAddress(text, { flag: hostFlag, defaultPort: 8_000, tls });
  return new HttpConnection(address, { flag: hostFlag, timeoutMs: 30_000, timeoutFlag: '' });
}

function backendsOf({ flags: { backend }, ownModel }: Context): readonly Backend[] {
  if (ownModel === undefined) return backend === 'auto' ? ['onnxruntime', 'tensorflow'] : [backend];
  const isSavedModel = basename(ownModel.path) === savedModelName;
  if (backend === 'tensorflow' && !isSavedModel) {
    throw new AibenchError('AIBENCH_USAGE', `${ownModel.path} is no ${savedModelName}`, {
      hint: `--model-file: the ${savedModelName} of a SavedModel, which is taken with the files beside it`,
    });
  }
  if (backend !== 'auto') return [backend];
  if (isSavedModel) return ['tensorflow'];
  if (extname(ownModel.path).toLowerCase() === '.onnx') return ['onnxruntime'];
  throw new AibenchError('AIBENCH_USAGE', `what kind of model is ${ownModel.path}?`, {
    hint: `an .onnx file, or the ${savedModelName} of a SavedModel; see --backend`,
  });
}

function modelBytes({ task, ownModel }: Context, backend: Backend): Uint8Array {
  if (ownModel !== undefined) return ownModel.bytes;
  return backend === 'onnxruntime' ? writeOnnx(task.graph()) : writeSavedModel(task.graph());
}
