import { extname } from 'node:path';
import { AibenchError, formatCount } from '@aibench/core';
import { type GrpcAddress, openControlClient, parseGrpcAddress } from '@aibench/grpc';
import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';
import { batchExtent, withInputShapes, writeGraphDef, writeOnnx } from '@aibench/models';
import { GrpcControl, inspectServer } from '@aibench/triton';
import type { InstalledModel, ModelFile, ModelSetup, SetupContext } from '../model-setup.js';
import { askProbe, loadModel } from '../triton/load-model.js';
import { modelConfiguration, type TritonBackend } from '../triton/model-configuration.js';
import { pythonModel } from '../triton/python-model.js';
import { writeModelFiles } from '../write-model-files.js';

const group = 'Triton';

const flags = {
  host: flag.list({
    default: ['127.0.0.1:8001'],
    placeholder: 'host:port,..',
    describe:
      'Triton servers that are made to load the model, at their gRPC ports: host:port, or grpc://host:port (grpcs:// for TLS)',
    group,
  }),
  'model-repository': flag.string({
    default: '',
    placeholder: 'path',
    describe: "The servers' model repository, as it is seen from here, to write the model into",
    group,
  }),
  'model-version': flag.integer({ default: 1, min: 1, describe: 'Version of the model', group }),
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
  backend: flag.choice(['auto', 'onnxruntime', 'tensorflow', 'python'], {
    default: 'auto',
    describe:
      "Back end; auto is onnxruntime for the suite's models, and follows the file's extension for your own; python runs ONNX files where the server lacks onnxruntime",
    group,
  }),
  device: flag.string({
    default: 'CPU',
    placeholder: 'CPU|GPU|GPU:n',
    describe: 'Device that runs it',
    group,
  }),
  instances: flag.integer({
    default: 1,
    min: 1,
    describe: 'Copies of the model that run side by side, on each device',
    group,
  }),
  'intra-op-threads': flag.integer({
    default: 0,
    min: 0,
    describe: 'Threads within an operator; 0 leaves them to the back end',
    group,
  }),
  'batch-size': flag.integer({
    default: 0,
    min: 0,
    describe: 'Most rows that the server joins in one run, with dynamic batching; 0: it joins none',
    group,
  }),
  'preferred-batch-sizes': flag.list({
    default: [],
    placeholder: 'n,..',
    describe: 'Sizes at which a batch is run at once; needs --batch-size',
    group,
  }),
  'queue-delay': flag.duration({
    default: '0s',
    describe: 'Longest time that a request waits for others; needs --batch-size',
    group,
  }),
} as const satisfies FlagSet;

type Flags = FlagValues<typeof flags>;
type Context = SetupContext<typeof flags>;

const backendOfExtension: Readonly<Record<string, TritonBackend>> = {
  '.onnx': 'onnxruntime',
  '.pb': 'tensorflow',
  '.graphdef': 'tensorflow',
};

/** Triton loads models from a repository: a folder for each, with its configuration and its versions. */
export const modelSetup: ModelSetup<typeof flags> = {
  flags,
  examples: [
    'aibench-setup-model --server triton --model-repository /models --host 127.0.0.1:8001',
    'aibench-setup-model --server triton --output-dir models --batch-size 32 --queue-delay 100us --instances 2',
  ],
  modelFiles,
  install,
};

function modelFiles(context: Context): readonly ModelFile[] {
  const { flags: values, modelName, task } = context;
  checkFlags(values);
  if (!/^[^/\\]+$/.test(modelName) || modelName.startsWith('.')) {
    throw new AibenchError('AIBENCH_USAGE', `--model: "${modelName}" cannot be the name of a folder`);
  }
  const backend = backendOf(context);
  const configuration = modelConfiguration({
    ...{ modelName, backend, task, instances: values.instances, device: device(values) },
    maxBatchSize: values.batchSize,
    preferredBatchSizes: values.preferredBatchSizes.map(Number),
    maxQueueDelayUs: Math.round(values.queueDelayMs * 1_000),
    intraOpThreads: values.intraOpThreads,
  });
  const version = `${modelName}/${values.modelVersion}`;
  const modelFile = {
    path: `${version}/${backend === 'tensorflow' ? 'model.graphdef' : 'model.onnx'}`,
    bytes: modelBytes(context, backend),
  };
  // The configuration last: with it, the model is there.
  return [
    modelFile,
    ...(backend === 'python' ? [{ path: `${version}/model.py`, bytes: Buffer.from(pythonModel) }] : []),
    { path: `${modelName}/config.pbtxt`, bytes: Buffer.from(configuration) },
  ];
}

async function* install(context: Context): AsyncGenerator<InstalledModel> {
  const { flags: values, modelName: model, task, probe } = context;
  const files = modelFiles(context);
  const addresses = values.host.map((text) => parseAddress(text, values));
  if (values.modelRepository === '') {
    throw new AibenchError('AIBENCH_USAGE', "where is the servers' model repository?", {
      hint: 'pass --model-repository, or --output-dir to only write the files',
    });
  }
  const controls = addresses.map(
    (address) => new GrpcControl(openControlClient(address, { flag: '--host', timeoutMs: 30_000 })),
  );
  try {
    // Before anything is written: is anybody there?
    const servers = await Promise.all(controls.map((control) => inspectServer(control)));
    await writeModelFiles(values.modelRepository, files);
    const wanted = { model, version: String(values.modelVersion) };
    for (const [i, control] of controls.entries()) {
      const wasTold = await loadModel(control, wanted);
      const { name, version } = servers[i]!;
      yield {
        address: control.address,
        server: `${name === 'triton' ? 'Triton' : name} ${version}`,
        description: describe(context, wasTold),
        answer: await askProbe(control, task, probe, wanted),
      };
    }
  } finally {
    await Promise.all(controls.map((control) => control.close()));
  }
}

function describe(context: Context, wasTold: boolean): string {
  const { flags: values, modelName } = context;
  const backend = backendOf(context);
  const { instances, batchSize } = values;
  const parts = [
    `${modelName} version ${values.modelVersion}`,
    `${backend}, ${instances} ${instances === 1 ? 'instance' : 'instances'} on ${device(values)}`,
    ...(batchSize > 0 ? [`batches of up to ${batchSize}`] : []),
    `${formatCount(modelBytes(context, backend).byteLength)} bytes`,
  ];
  return `${parts.join(', ')}${wasTold ? '' : ', loaded by the server itself'}`;
}

function parseAddress(text: string, { tlsCa, tlsInsecure }: Flags): GrpcAddress {
  const tls = { caPath: tlsCa || undefined, insecure: tlsInsecure };
  return parseGrpcAddress(text, { flag: '--host', defaultPort: 8_001, tls });
}

function checkFlags({ batchSize, preferredBatchSizes, queueDelayMs, device: text }: Flags): void {
  const fail = (message: string, hint?: string) => new AibenchError('AIBENCH_USAGE', message, { hint });
  if (!/^(CPU|GPU(:\d+)?)$/i.test(text)) throw fail(`--device: "${text}" is no device`, 'CPU, GPU or GPU:1');
  if (preferredBatchSizes.length > 0 && batchSize === 0) {
    throw fail('--preferred-batch-sizes needs --batch-size');
  }
  if (queueDelayMs > 0 && batchSize === 0) throw fail('--queue-delay needs --batch-size');
  const wrong = preferredBatchSizes.find((size) => !/^[1-9]\d{0,8}$/.test(size) || Number(size) > batchSize);
  if (wrong !== undefined) {
    throw fail(`--preferred-batch-sizes: "${wrong}" is no batch size`, `from 1 to --batch-size ${batchSize}`);
  }
}

function device({ device: text }: Flags): string {
  return text.toUpperCase();
}

function backendOf({ flags: { backend }, ownModel }: Context): TritonBackend {
  if (backend !== 'auto') return backend;
  if (ownModel === undefined) return 'onnxruntime';
  const found = backendOfExtension[extname(ownModel.path).toLowerCase()];
  if (found !== undefined) return found;
  throw new AibenchError('AIBENCH_USAGE', `what kind of model is ${ownModel.path}?`, {
    hint: 'pass --backend onnxruntime, tensorflow or python (an ONNX file, too)',
  });
}

/** Where rows are joined, reference tensors lie side by side, a row's in each. */
function modelBytes({ task, ownModel, flags: { batchSize } }: Context, backend: TritonBackend): Uint8Array {
  if (ownModel !== undefined) return ownModel.bytes;
  const batched = task.references.map((spec) => [spec.name, [batchExtent, ...spec.shape]]);
  const graph = withInputShapes(task.graph(), batchSize > 0 ? Object.fromEntries(batched) : {});
  return backend === 'tensorflow' ? writeGraphDef(graph) : writeOnnx(graph);
}
