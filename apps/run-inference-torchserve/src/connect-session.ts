import { SharedClients } from '@aibench/grpc';
import type { ServerDescription, Session, SessionContext } from '@aibench/harness';
import { openHttpClient, requestHeaders } from '@aibench/http';
import { type Channel, openFetchingSession } from '@aibench/reference-store';
import { pingPath } from '@aibench/torchserve';
import { grpcChannel, httpChannel, type PredictionCall } from './channel.js';
import type { flags, TorchServeFlags } from './flags.js';
import { modelChoice } from './model-choice.js';
import { serverPlaces } from './server-addresses.js';

type Context = SessionContext<typeof flags>;

/** Opens a worker's session: a connection to its server and, where the model takes reference data, one to Redis. */
export function connectSession(context: Context): Promise<Session> {
  return openFetchingSession(context, () => openChannel(context));
}

async function openChannel(context: Context): Promise<Channel> {
  const { flags: values, requestTimeoutMs, task, worker } = context;
  const places = serverPlaces(values);
  const { inference } = places[worker % places.length]!;
  const headers = requestHeaders({ lines: values.header, bearerToken: values.bearerToken });
  const call: PredictionCall = { choice: modelChoice(values, task), task, body: values.body, headers };
  if (inference.protocol === 'grpc') return grpcChannel(await clientsOf(context).join(inference.grpc), call);
  const client = await openHttpClient(inference.http, {
    flag: '--torchserve-host',
    implementation: values.httpClient,
    timeoutMs: answerLimitMs(values, requestTimeoutMs),
    timeoutFlag: '--torchserve-read-timeout',
  });
  try {
    // Connects: the first inference must not have to.
    await client.route({ method: 'GET', path: pingPath, headers }).send();
  } catch (error) {
    await client.close();
    throw error;
  }
  return httpChannel(client, call);
}

/** The shorter of both limits, of which `--torchserve-read-timeout 0s` is none. */
function answerLimitMs({ torchserveReadTimeoutMs }: TorchServeFlags, requestTimeoutMs: number): number {
  return torchserveReadTimeoutMs === 0
    ? requestTimeoutMs
    : Math.min(torchserveReadTimeoutMs, requestTimeoutMs);
}

/** By the servers' description, which is one object for all sessions of a run's thread. */
const clients = new WeakMap<ServerDescription, SharedClients>();

function clientsOf({ server, flags: values, requestTimeoutMs }: Context): SharedClients {
  let shared = clients.get(server);
  if (shared === undefined) {
    const { bearerToken, grpcClient: implementation, header: lines, workersPerConnection } = values;
    shared = new SharedClients(
      {
        ...{
          flag: '--torchserve-grpc-host',
          implementation,
          headers: requestHeaders({ lines, bearerToken }),
        },
        timeoutMs: answerLimitMs(values, requestTimeoutMs),
      },
      workersPerConnection,
    );
    clients.set(server, shared);
  }
  return shared;
}
