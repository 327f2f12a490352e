import { AibenchError } from '@aibench/core';
import { type Runner, startNullReferenceServer } from '@aibench/harness';
import { checkStoreFlags } from '@aibench/reference-store';
import { connectSession } from './connect-session.js';
import { describeServer } from './describe-server.js';
import { flags } from './flags.js';
import { metricsAddresses, serverAddresses } from './server-addresses.js';
import { TritonStats } from './server-stats.js';

/** Asks Triton, over gRPC or HTTP. */
export const runner: Runner<typeof flags> = {
  name: 'triton',
  summary: 'measures inference on Triton Inference Server',
  flags,
  examples: [
    'aibench-run-inference-triton --file fraud.dat --workers 16 --verify',
    'aibench-run-inference-triton --file fraud.dat --enable-reference-data-redis --redis-host 10.0.0.9:6379',
    'aibench-run-inference-triton --file fraud.dat --protocol http --host 10.0.0.1:8000,10.0.0.2:8000 --threads 2',
    "aibench-run-inference-triton --file fraud.dat --find-max-rate 'p99<10ms' --metrics-host 127.0.0.1:8002",
  ],
  validate(values) {
    serverAddresses(values);
    metricsAddresses(values);
    checkStoreFlags(values);
    if (!/^\d*$/.test(values.modelVersion)) {
      throw new AibenchError('AIBENCH_USAGE', `--model-version: "${values.modelVersion}" is no version`, {
        hint: "a number, the name of one of the model's folders in the repository",
      });
    }
    if (values.protocol !== 'http') {
      if (values.httpClient !== 'own') throw onlyHttp('http-client');
      return;
    }
    if (values.grpcClient !== 'own') throw onlyGrpc('grpc-client');
    if (values.workersPerConnection > 1) throw onlyGrpc('workers-per-connection');
  },
  describeServer,
  connect: connectSession,
  async startNullServer({ task, flags: { protocol } }) {
    const { address, stop } = await startNullReferenceServer({
      task,
      protocol: protocol === 'http' ? 'tritonHttp' : 'triton',
    });
    // Reference data comes from the user's own store; what it costs is the same with every server.
    return { flags: { host: [address], metricsHost: [] }, stop };
  },
  openServerStats: async (context) => new TritonStats(context),
};

function onlyGrpc(name: keyof typeof flags): AibenchError {
  return new AibenchError('AIBENCH_USAGE', `--${name} does not go with --protocol http`, {
    hint: 'over HTTP, each worker has a connection of its own',
  });
}

function onlyHttp(name: keyof typeof flags): AibenchError {
  return new AibenchError('AIBENCH_USAGE', `--${name} goes with --protocol http only`);
}
