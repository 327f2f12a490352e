import { type GrpcClient, SharedClients } from '@aibench/grpc';
import type { ServerDescription, Session, SessionContext } from '@aibench/harness';
import { connectReferenceReader, type ReferenceReader } from '@aibench/redis';
import { predictTemplate } from '@aibench/tfserving';
import { modelChoice, wireTensors } from './describe-server.js';
import type { flags } from './flags.js';
import { PredictSession } from './predict-session.js';
import { hostFlag, redisAddress, serverAddresses } from './server-addresses.js';

type Context = SessionContext<typeof flags>;

/** Opens a worker's session: a connection to its server and, where the model takes reference data, one to Redis. */
export async function connectSession(context: Context): Promise<Session> {
  const { flags: values, task, server } = context;
  const { inputs, outputs } = wireTensors(task, server);
  const { references } = task;
  const reader = references.length === 0 ? undefined : await connectReader(context);
  let client: GrpcClient;
  try {
    client = await connectClient(context);
  } catch (error) {
    await reader?.close();
    throw error;
  }
  const template = predictTemplate({ ...modelChoice(values, task), inputs });
  return new PredictSession({ client, template, outputs, references, reader });
}

function connectClient(context: Context): Promise<GrpcClient> {
  const addresses = serverAddresses(context.flags);
  return clientsOf(context).join(addresses[context.worker % addresses.length]!);
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

function connectReader({ flags: values, server }: Context): Promise<ReferenceReader> {
  return connectReferenceReader([redisAddress(values)], {
    flag: '--redis-host',
    cluster: server.details['redisCluster'] === true,
  });
}
