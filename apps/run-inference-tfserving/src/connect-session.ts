import { ByRowCount } from '@aibench/core';
import { SharedClients } from '@aibench/grpc';
import type { ServerDescription, Session, SessionContext } from '@aibench/harness';
import { type Channel, openFetchingSession } from '@aibench/reference-store';
import { predictTemplate } from '@aibench/tfserving';
import { modelChoice, wireTensors } from './describe-server.js';
import type { flags } from './flags.js';
import { type PredictForm, predictChannel } from './predict-channel.js';
import { hostFlag, serverAddresses } from './server-addresses.js';

type Context = SessionContext<typeof flags>;

/** Opens a worker's session: a connection to its server and, where the model takes reference data, one to Redis. */
export function connectSession(context: Context): Promise<Session> {
  return openFetchingSession(context, () => openChannel(context));
}

async function openChannel(context: Context): Promise<Channel> {
  const { flags: values, server, task, worker } = context;
  const addresses = serverAddresses(values);
  const client = await clientsOf(context).join(addresses[worker % addresses.length]!);
  const forms = new ByRowCount((rowCount): PredictForm => {
    const { inputs, outputs } = wireTensors(task, server, rowCount);
    return { template: predictTemplate({ ...modelChoice(values, task), inputs }), outputs };
  });
  return predictChannel(client, forms);
}

/** By the servers' description, which is one object for all sessions of a run's thread. */
const clients = new WeakMap<ServerDescription, SharedClients>();

function clientsOf({ server, flags: values, requestTimeoutMs }: Context): SharedClients {
  let shared = clients.get(server);
  if (shared === undefined) {
    const { grpcClient: implementation, workersPerConnection } = values;
    const options = { flag: hostFlag, timeoutMs: requestTimeoutMs, implementation };
    shared = new SharedClients(options, workersPerConnection);
    clients.set(server, shared);
  }
  return shared;
}
