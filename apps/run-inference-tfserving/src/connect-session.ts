import { type GrpcClient, openGrpcClient } from '@aibench/grpc';
import type { Session, SessionContext } from '@aibench/harness';
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

function connectClient({ flags: values, requestTimeoutMs, worker }: Context): Promise<GrpcClient> {
  const addresses = serverAddresses(values);
  return openGrpcClient(addresses[worker % addresses.length]!, {
    flag: hostFlag,
    timeoutMs: requestTimeoutMs,
    implementation: values.grpcClient,
  });
}

function connectReader({ flags: values, server }: Context): Promise<ReferenceReader> {
  return connectReferenceReader([redisAddress(values)], {
    flag: '--redis-host',
    cluster: server.details['redisCluster'] === true,
  });
}
