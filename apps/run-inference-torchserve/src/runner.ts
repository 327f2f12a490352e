import { AibenchError } from '@aibench/core';
import { type Runner, startNullReferenceServer } from '@aibench/harness';
import { requestHeaders } from '@aibench/http';
import { checkStoreFlags } from '@aibench/reference-store';
import { connectSession } from './connect-session.js';
import { describeServer } from './describe-server.js';
import { flags, type TorchServeFlags } from './flags.js';
import { modelChoice } from './model-choice.js';
import { serverPlaces } from './server-addresses.js';
import { TorchServeStats } from './server-stats.js';

/** Asks TorchServe, over HTTP or gRPC. */
export const runner: Runner<typeof flags> = {
  name: 'torchserve',
  summary: 'measures inference on TorchServe',
  flags,
  examples: [
    'aibench-run-inference-torchserve --file fraud.dat --workers 16 --verify',
    'aibench-run-inference-torchserve --file fraud.dat --enable-reference-data-redis --redis-host 10.0.0.9:6379',
    'aibench-run-inference-torchserve --file fraud.dat --body binary --torchserve-host 10.0.0.1:8080,10.0.0.2:8080 --threads 2',
    "aibench-run-inference-torchserve --file fraud.dat --protocol grpc --find-max-rate 'p99<20ms' --torchserve-metrics-host 127.0.0.1:8082",
  ],
  validate(values) {
    serverPlaces(values);
    checkStoreFlags(values);
    modelChoice(values, { defaultModelName: '' });
    requestHeaders({ lines: values.header, bearerToken: values.bearerToken });
    checkProtocol(values);
  },
  readyLimitMs: ({ readyTimeoutMs }) => readyTimeoutMs,
  describeServer,
  connect: connectSession,
  async startNullServer({ task, flags: { protocol } }) {
    const { address, stop } = await startNullReferenceServer({
      task,
      protocol: protocol === 'http' ? 'torchserve' : 'torchserveGrpc',
    });
    const hosts = protocol === 'http' ? { torchserveHost: [address] } : { torchserveGrpcHost: [address] };
    // Reference data comes from the user's own store; what it costs is the same with every server.
    return { flags: { ...hosts, torchserveManagementHost: [], torchserveMetricsHost: [] }, stop };
  },
  async openServerStats(context) {
    return context.flags.torchserveMetricsHost.length === 0 ? undefined : new TorchServeStats(context);
  },
};

function checkProtocol({
  body,
  grpcClient,
  httpClient,
  protocol,
  torchserveRequestUri,
  workersPerConnection,
}: TorchServeFlags): void {
  if (protocol === 'http') {
    if (grpcClient !== 'own') throw notWith('http', 'grpc-client');
    if (workersPerConnection > 1) {
      throw notWith('http', 'workers-per-connection', 'over HTTP, each worker has a connection of its own');
    }
    return;
  }
  if (httpClient !== 'own') throw notWith('grpc', 'http-client');
  if (body !== 'json') throw notWith('grpc', 'body', 'gRPC is always binary');
  if (torchserveRequestUri !== '') {
    throw notWith('grpc', 'torchserve-request-uri', 'name the model with --model and --model-version');
  }
}

function notWith(
  protocol: TorchServeFlags['protocol'],
  name: keyof typeof flags,
  hint?: string,
): AibenchError {
  return new AibenchError('AIBENCH_USAGE', `--${name} does not go with --protocol ${protocol}`, { hint });
}
