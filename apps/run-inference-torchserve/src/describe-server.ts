import { AibenchError } from '@aibench/core';
import type { RunnerContext, ServerDescription } from '@aibench/harness';
import { HttpConnection, requestHeaders } from '@aibench/http';
import { describeStore, type StoreDetails } from '@aibench/reference-store';
import { modelOfPath } from '@aibench/torchserve';
import { describeModel, type ModelKnowledge, readyWorkers } from './describe-model.js';
import type { flags } from './flags.js';
import { type ModelChoice, modelChoice } from './model-choice.js';
import { apiVersion, probeServer, type ServerIdentity } from './probe-server.js';
import { type ServerPlace, serverPlaces } from './server-addresses.js';

type Context = RunnerContext<typeof flags>;

/** What was found out of one server. */
interface KnownServer extends ServerIdentity {
  readonly place: ServerPlace;
  readonly model: ModelKnowledge;
}

const referenceProduct = 'aibench-reference-server';

/**
 * Questions take longer than inferences. The engine waits for 5 s at least, and
 * would not know which server it was that did not answer.
 */
const shortestLimitMs = 3_500;
const shareOfRequestTimeout = 0.8;

/**
 * Sees that every server is healthy, waiting for those that are starting, and
 * what it tells of the model; and that the store of reference data is there,
 * where one is needed. No inference is made.
 *
 * @throws AIBENCH_CONNECTION, AIBENCH_SERVER, AIBENCH_TIMEOUT, AIBENCH_MISSING_KEY, AIBENCH_ANSWER
 */
export async function describeServer(context: Context): Promise<ServerDescription> {
  const { flags: values, task } = context;
  const choice = modelChoice(values, task);
  const servers = await Promise.all(serverPlaces(values).map((place) => describeOne(place, choice, context)));
  checkAlike(servers);
  const store = await describeStore(context);
  const [first] = servers as [KnownServer, ...KnownServer[]];
  const reference = servers.find(({ header }) => header?.startsWith(referenceProduct));
  const { protocol, body, grpcClient, httpClient } = values;
  return {
    product: reference === undefined ? 'TorchServe' : referenceProduct,
    version: (reference?.header?.split('/')[1] ?? first.version) || 'unknown',
    isReference: reference !== undefined,
    details: {
      addresses: servers.map(({ place }) => place.address).join(','),
      protocol,
      ...(protocol === 'http' ? { httpClient, body, path: choice.path } : { grpcClient, body: 'binary' }),
      model: choice.model,
      ...modelDetails(servers),
      ...store,
    } satisfies StoreDetails & ServerDescription['details'],
  };
}

async function describeOne(place: ServerPlace, choice: ModelChoice, context: Context): Promise<KnownServer> {
  const { flags: values, requestTimeoutMs, signal } = context;
  const timeoutMs = Math.max(requestTimeoutMs * shareOfRequestTimeout, shortestLimitMs);
  const headers = requestHeaders({ lines: values.header, bearerToken: values.bearerToken });
  const identity = await probeServer(place, {
    ...{ timeoutMs, headers, signal, readyTimeoutMs: values.readyTimeoutMs },
    isGateway: modelOfPath(choice.path) === undefined,
  });
  const model = await describeModel(place.management, choice, values, { timeoutMs, signal });
  return { ...identity, version: identity.version ?? (await versionOf(place, model)), place, model };
}

/** gRPC tells no version; the port for management does. */
async function versionOf({ management }: ServerPlace, { kind }: ModelKnowledge): Promise<string | undefined> {
  if (management === undefined || kind === 'unknown') return undefined;
  const connection = new HttpConnection(management.http, { timeoutMs: shortestLimitMs });
  try {
    return await apiVersion(connection, {});
  } finally {
    await connection.close();
  }
}

/** Servers that are compared as one must answer alike. */
function checkAlike(servers: readonly KnownServer[]): void {
  const settings = servers.map(({ model }) =>
    model.kind === 'unknown'
      ? undefined
      : `${model.chosen.version} with a batch size of ${model.chosen.batchSize}`,
  );
  const known = settings.findIndex((setting) => setting !== undefined);
  const other = settings.findIndex((setting) => setting !== undefined && setting !== settings[known]);
  if (other === -1) return;
  throw new AibenchError(
    'AIBENCH_ANSWER',
    `${servers[other]!.place.address} has version ${settings[other]}, ${servers[known]!.place.address} version ${settings[known]}`,
    { hint: 'the servers must have the same model' },
  );
}

function modelDetails(servers: readonly KnownServer[]): ServerDescription['details'] {
  const described = servers.flatMap(({ model }) => (model.kind === 'described' ? [model] : []));
  const unknown = servers.flatMap(({ model }) => (model.kind === 'unknown' ? [model.reason] : []));
  const [first] = described;
  return {
    ...(first === undefined
      ? {}
      : {
          modelVersion: first.chosen.version,
          versions: first.versions.join(','),
          archive: first.chosen.archive,
          workersReady: described.map(({ chosen }) => readyWorkers(chosen)).join(','),
          workersMin: first.chosen.minWorkers,
          workersMax: first.chosen.maxWorkers,
          batchSize: first.chosen.batchSize,
          maxBatchDelayMs: first.chosen.maxBatchDelayMs,
        }),
    ...(unknown.length === 0 ? {} : { modelNotDescribed: unknown.join('; ') }),
  };
}
