import { setTimeout as sleep } from 'node:timers/promises';
import { AibenchError } from '@aibench/core';
import { askHealth, chooseModel, type FlaskHealth, type FlaskModel, identifyService } from '@aibench/flask';
import type { RunnerContext, ServerDescription } from '@aibench/harness';
import { type HttpAddress, HttpConnection } from '@aibench/http';
import { describeStore } from '@aibench/reference-store';
import type { flags } from './flags.js';
import { type RequestForm, requestForm } from './request-form.js';
import { hostFlag, serviceAddresses } from './service-addresses.js';

type Context = RunnerContext<typeof flags>;

/** What a service was found to be; without health it is one of another make. */
interface Inspected {
  readonly address: string;
  readonly health: FlaskHealth | undefined;
  readonly model: FlaskModel | undefined;
}

/** Answers of a service, or of a proxy before it, that is still starting. */
const startingStatuses: ReadonlySet<string> = new Set(['502', '503', '504']);

/** The engine waits for 5 s at least, and would not know which service it was that did not answer. */
const shortestLimitMs = 3_500;
const shareOfRequestTimeout = 0.8;

/** How often a service that is starting is asked. */
const periodMs = 250;

/**
 * Sees that every service answers and has a model that takes and gives what
 * the use case calls for, waiting for one that is starting; and that the store
 * of reference data is there, where one is needed. A service of another make,
 * which tells nothing of itself, is taken as it is.
 *
 * @throws AIBENCH_CONNECTION, AIBENCH_SERVER, AIBENCH_TIMEOUT, AIBENCH_MISSING_KEY, AIBENCH_ANSWER
 */
export async function describeServer(context: Context): Promise<ServerDescription> {
  const { flags: values } = context;
  const form = requestForm(values);
  const services = await Promise.all(
    serviceAddresses(values).map((address) => inspect(context, address, form)),
  );
  const [first] = services as [Inspected, ...Inspected[]];
  checkAlike(services);
  const store = await describeStore(context);
  const { product, version } = identifyService(first.health);
  return {
    product,
    version,
    isReference: services.some(({ health }) => identifyService(health).isReference),
    details: {
      addresses: services.map(({ address }) => address).join(','),
      path: form.path,
      body: form.body,
      httpClient: values.httpClient,
      ...serviceDetails(first),
      ...store,
    },
  };
}

async function inspect(context: Context, where: HttpAddress, { headers }: RequestForm): Promise<Inspected> {
  const { flags: values, task, requestTimeoutMs } = context;
  const timeoutMs = Math.max(requestTimeoutMs * shareOfRequestTimeout, shortestLimitMs);
  const connection = new HttpConnection(where, { flag: hostFlag, timeoutMs });
  const { address } = connection;
  try {
    const health = await whenReady(context, () => askHealth(connection, headers));
    const model =
      health === undefined ? undefined : chooseModel(task, health, { address, model: values.model });
    return { address, health, model };
  } finally {
    await connection.close();
  }
}

/** Asks until the service has started, or the limit is over; then with what it said last. */
async function whenReady<T>({ flags: values, signal }: Context, ask: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + values.readyTimeoutMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isStarting(error) || performance.now() + periodMs > endMs) throw error;
    }
    await sleep(periodMs, undefined, { signal });
  }
}

function isStarting(error: unknown): boolean {
  if (!(error instanceof AibenchError)) return false;
  // Gunicorn's port takes connections before its workers are there to answer.
  if (error.code === 'AIBENCH_TIMEOUT') return true;
  if (error.code === 'AIBENCH_SERVER') return startingStatuses.has(error.status ?? '');
  return error.code === 'AIBENCH_CONNECTION' && /connection refused$/.test(error.message);
}

/** Services that are measured as one must answer alike. */
function checkAlike([first, ...others]: readonly Inspected[]): void {
  for (const { address, model } of others) {
    if (model?.name === first?.model?.name) continue;
    const what =
      model === undefined || first?.model === undefined
        ? `${address} is of another make than ${first?.address}`
        : `${address} would answer with model ${model.name}, ${first.address} with ${first.model.name}`;
    throw new AibenchError('AIBENCH_ANSWER', what, {
      hint: 'the services must have the same model; see --restapi-host and --model',
    });
  }
}

function serviceDetails({ health, model }: Inspected): ServerDescription['details'] {
  if (health === undefined || model === undefined) return {};
  const { backend, identity } = health;
  return {
    ...identity,
    backend: backend.name,
    backendVersion: backend.version,
    model: model.name,
    ...(model.sha256 === undefined ? {} : { modelSha256: model.sha256 }),
  };
}
