import { extname } from 'node:path';
import { AibenchError, formatCount } from '@aibench/core';
import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';
import { HttpConnection, parseHttpAddress, requestHeaders } from '@aibench/http';
import { batchExtent, withInputShapes, writeOnnx } from '@aibench/models';
import { ManagementControl, type VersionDescription } from '@aibench/torchserve';
import type { InstalledModel, ModelFile, ModelSetup, SetupContext } from '../model-setup.js';
import { askProbe, type InferencePort } from '../torchserve/ask-probe.js';
import { archivedVersion, writeModelArchive } from '../torchserve/model-archive.js';
import { registerModel } from '../torchserve/register-model.js';
import { serverName } from '../torchserve/server-name.js';
import { writeModelFiles } from '../write-model-files.js';

const group = 'TorchServe';

const flags = {
  'torchserve-host': flag.list({
    default: ['127.0.0.1:8080'],
    placeholder: 'host:port,..',
    describe:
      'TorchServe servers that are asked, at their ports for inference: host:port, or http://host:port (https:// for TLS)',
    group,
  }),
  'torchserve-management-host': flag.list({
    default: ['127.0.0.1:8081'],
    placeholder: 'host:port,..',
    describe:
      'The same servers at their ports for management, where the model is registered, in the same order',
    group,
  }),
  'model-store': flag.string({
    default: '',
    placeholder: 'path',
    describe: "The servers' model store, as it is seen from here, to write the archive into",
    group,
  }),
  'model-version': flag.string({
    default: '1.0',
    placeholder: 'text',
    describe: 'Version of the model; an archive of your own has its version in it',
    group,
  }),
  'bearer-token': flag.string({
    default: '',
    placeholder: 'token',
    describe:
      "The servers' key for inference, where they ask for one; without it, AIBENCH_BEARER_TOKEN of the environment",
    group,
  }),
  'management-token': flag.string({
    default: '',
    placeholder: 'token',
    describe: 'Their key for management; without it, AIBENCH_MANAGEMENT_TOKEN of the environment',
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
  'model-workers': flag.integer({
    default: 1,
    min: 1,
    describe: 'Processes that run the model side by side, on each server',
    group,
  }),
  'intra-op-threads': flag.integer({
    default: 1,
    min: 0,
    describe: 'Threads within an operator, of each worker; 0 leaves them to ONNX Runtime or PyTorch',
    group,
  }),
  'batch-size': flag.integer({
    default: 1,
    min: 1,
    describe: 'Most requests that the server joins in one run; 1: it joins none',
    group,
  }),
  'batch-delay': flag.duration({
    default: '1ms',
    describe: 'Longest time that a request waits for others, in whole milliseconds; with --batch-size',
    group,
  }),
  'response-timeout': flag.duration({
    default: '2m',
    describe: 'Longest time that a worker may take before the server starts it anew, in whole seconds',
    group,
  }),
  'load-timeout': flag.duration({
    default: '2m',
    describe: "Longest wait until a model's workers are ready",
    group,
  }),
} as const satisfies FlagSet;

type Flags = FlagValues<typeof flags>;
type Context = SetupContext<typeof flags>;

/** TorchServe loads archives from its model store when its management API is told to. */
export const modelSetup: ModelSetup<typeof flags> = {
  flags,
  examples: [
    'aibench-setup-model --server torchserve --model-store model-store',
    'aibench-setup-model --server torchserve --output-dir model-store --batch-size 8 --enable-reference-data-redis',
  ],
  modelFiles,
  install,
};

async function modelFiles(context: Context): Promise<readonly ModelFile[]> {
  const { modelName, ownModel, flags: values } = context;
  checkFlags(values);
  if (!/^[^/\\]+$/.test(modelName) || modelName.startsWith('.')) {
    throw new AibenchError('AIBENCH_USAGE', `--model: "${modelName}" cannot be the name of a file`);
  }
  const path = archiveName(context);
  const kind = modelKind(context);
  if (ownModel !== undefined && kind === 'mar') {
    archivedVersion(ownModel.path, ownModel.bytes);
    return [{ path, bytes: ownModel.bytes }];
  }
  const graph = batchedGraph(context);
  const bytes = await writeModelArchive({
    ...{ name: modelName, version: values.modelVersion, format: kind === 'pt' ? 'pt' : 'onnx' },
    ...{ bytes: ownModel?.bytes ?? writeOnnx(graph), inputs: graph.inputs, outputs: graph.outputs },
    intraOpThreads: values.intraOpThreads,
  });
  return [{ path, bytes }];
}

async function* install(context: Context): AsyncGenerator<InstalledModel> {
  const { flags: values, task, probe } = context;
  const files = await modelFiles(context);
  const servers = openServers(values);
  if (values.modelStore === '') {
    throw new AibenchError('AIBENCH_USAGE', "where is the servers' model store?", {
      hint: 'pass --model-store, or --output-dir to only write the archive',
    });
  }
  try {
    // Before anything is written: is anybody there?
    const names = await Promise.all(servers.map(({ control, port }) => identify(control, port)));
    await writeModelFiles(values.modelStore, files);
    const wanted = { model: context.modelName, version: version(context) };
    for (const [i, { control, port }] of servers.entries()) {
      const registration = {
        ...{ archive: archiveName(context), name: context.modelName, workers: values.modelWorkers },
        ...{ batchSize: values.batchSize, maxBatchDelayMs: values.batchDelayMs },
        responseTimeoutS: values.responseTimeoutMs / 1_000,
      };
      const limits = { limitMs: values.loadTimeoutMs, signal: context.signal };
      const described = await registerModel(control, registration, { ...wanted, ...limits });
      yield {
        address: control.address,
        server: described.engine?.replace('/', ' ') ?? names[i]!,
        description: describe(context, described, files[0]!.bytes.byteLength),
        answer: await askProbe(port, task, probe, wanted),
      };
    }
  } finally {
    await Promise.all(servers.flatMap(({ control, port }) => [control.close(), port.connection.close()]));
  }
}

interface Server {
  readonly control: ManagementControl;
  readonly port: InferencePort;
}

function openServers(values: Flags): Server[] {
  const { torchserveHost: hosts, torchserveManagementHost: managementHosts } = values;
  if (hosts.length !== managementHosts.length) {
    throw new AibenchError(
      'AIBENCH_USAGE',
      `--torchserve-host names ${hosts.length} servers, --torchserve-management-host ${managementHosts.length}`,
      { hint: "give every server's two ports, in the same order" },
    );
  }
  const tls = { caPath: values.tlsCa || undefined, insecure: values.tlsInsecure };
  const headers = requestHeaders({ lines: [], bearerToken: values.bearerToken });
  return hosts.map((host, i) => {
    const flag = '--torchserve-host';
    const inference = parseHttpAddress(host, { flag, defaultPort: 8_080, tls });
    const managementFlag = '--torchserve-management-host';
    const management = parseHttpAddress(managementHosts[i]!, {
      flag: managementFlag,
      defaultPort: 8_081,
      tls,
    });
    return {
      control: new ManagementControl(management, {
        ...{ flag: managementFlag, tokenFlag: '--management-token', token: managementToken(values) },
        timeoutMs: values.loadTimeoutMs,
      }),
      port: {
        connection: new HttpConnection(inference, { flag, timeoutMs: 30_000, timeoutFlag: '' }),
        headers,
        flag,
      },
    };
  });
}

function managementToken({ managementToken: given }: Flags): string {
  return given || (process.env['AIBENCH_MANAGEMENT_TOKEN'] ?? '');
}

/** Sees that both ports are TorchServe's. */
async function identify(control: ManagementControl, port: InferencePort): Promise<string> {
  await control.list();
  return serverName(port);
}

function describe(context: Context, { workers, batchSize }: VersionDescription, sizeBytes: number): string {
  const engines = { onnx: 'ONNX Runtime', pt: 'TorchScript', mar: 'an archive of your own' };
  const parts = [
    `${context.modelName} version ${version(context)}`,
    engines[modelKind(context)],
    `${workers.length} ${workers.length === 1 ? 'worker' : 'workers'}`,
    ...(batchSize > 1 ? [`batches of up to ${batchSize}`] : []),
    `${formatCount(sizeBytes)} bytes`,
  ];
  return parts.join(', ');
}

function checkFlags({ modelVersion, batchDelayMs, responseTimeoutMs }: Flags): void {
  const fail = (message: string, hint?: string) => new AibenchError('AIBENCH_USAGE', message, { hint });
  if (!/^[\w.-]+$/.test(modelVersion))
    throw fail(`--model-version: "${modelVersion}" is no version`, '1.0, say');
  if (!Number.isInteger(batchDelayMs)) throw fail('--batch-delay is in whole milliseconds');
  if (responseTimeoutMs < 1_000 || responseTimeoutMs % 1_000 !== 0) {
    throw fail('--response-timeout is in whole seconds, at least one');
  }
}

function archiveName({ modelName }: Context): string {
  return `${modelName}.mar`;
}

function modelKind({ ownModel }: Context): 'onnx' | 'pt' | 'mar' {
  if (ownModel === undefined) return 'onnx';
  const extension = extname(ownModel.path).toLowerCase();
  if (extension === '.onnx') return 'onnx';
  if (extension === '.pt' || extension === '.pth') return 'pt';
  if (extension === '.mar') return 'mar';
  throw new AibenchError('AIBENCH_USAGE', `what kind of model is ${ownModel.path}?`, {
    hint: '--model-file takes a .onnx, a .pt with TorchScript, or a .mar',
  });
}

function version(context: Context): string {
  const { ownModel, flags: values } = context;
  if (ownModel === undefined || modelKind(context) !== 'mar') return values.modelVersion;
  return archivedVersion(ownModel.path, ownModel.bytes);
}

/** The model; where rows are joined, reference tensors lie side by side, a row's in each. */
function batchedGraph({ task, flags: { batchSize } }: Context) {
  const batched = task.references.map((spec) => [spec.name, [batchExtent, ...spec.shape]]);
  return withInputShapes(task.graph(), batchSize > 1 ? Object.fromEntries(batched) : {});
}
