import { SharedClients } from '@aibench/grpc';
import type { ServerDescription, Session, SessionContext } from '@aibench/harness';
import { openHttpClient } from '@aibench/http';
import { type Channel, openFetchingSession } from '@aibench/reference-store';
import { serverPath } from '@aibench/triton';
import { grpcChannel, httpChannel } from './channel.js';
import { inferenceCall } from './describe-server.js';
import type { flags } from './flags.js';
import { serverAddresses } from './server-addresses.js';

type Context = SessionContext<typeof flags>;

/** Opens a worker's session: a connection to its server and, where the model takes reference data, one to Redis. */
export function connectSession(context: Context): Promise<Session> {
  return openFetchingSession(context, () => openChannel(context));
}

async function openChannel(context: Context): Promise<Channel> {
  const { flags: values, task, server, worker } = context;
  const addresses = serverAddresses(values);
  const address = addresses[worker % addresses.length]!;
  const callOf = (rowCount: number) => inferenceCall(task, values, server, rowCount);
  if (address.protocol === 'grpc') {
    return grpcChannel(await clientsOf(context).join(address.grpc), callOf);
  }
  const client = await openHttpClient(address.http, { flag: '--host', implementation: values.httpClient });
  try {
    // Connects: the first inference must not have to.
    await client.route({ method: 'GET', path: serverPath.live }).send();
  } catch (error) {
    await client.close();
    throw error;
  }
  return httpChannel(client, callOf);
}

/** By the servers' description, which is one object for all sessions of a run's thread. */
const clients = new WeakMap<ServerDescription, SharedClients>();

function clientsOf({ server, flags: values, requestTimeoutMs }: Context): SharedClients {
  let shared = clients.get(server);
  if (shared === undefined) {
    const { grpcClient: implementation, workersPerConnection } = values;
    const options = { flag: '--host', timeoutMs: requestTimeoutMs, implementation };
    shared = new SharedClients(options, workersPerConnection);
    clients.set(server, shared);
  }
  return shared;
}
