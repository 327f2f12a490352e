import { type Runner, startNullReferenceServer } from '@aibench/harness';
import { checkStoreFlags } from '@aibench/reference-store';
import { connectSession } from './connect-session.js';
import { describeServer } from './describe-server.js';
import { flags } from './flags.js';
import { metricsUrls, serverAddresses } from './server-addresses.js';
import { openServerStats } from './server-stats.js';

/** Asks TensorFlow Serving, by Predict over gRPC. */
export const runner: Runner<typeof flags> = {
  name: 'tfserving',
  summary: 'measures inference on TensorFlow Serving',
  flags,
  examples: [
    'aibench-run-inference-tfserving --file fraud.dat --workers 16 --verify',
    'aibench-run-inference-tfserving --file fraud.dat --enable-reference-data-redis --redis-host 10.0.0.9:6379',
    'aibench-run-inference-tfserving --file fraud.dat --tensorflow-serving-host 10.0.0.1,10.0.0.2:8600 --threads 2',
    "aibench-run-inference-tfserving --file fraud.dat --find-max-rate 'p99<10ms' --metrics-host 127.0.0.1:8501",
  ],
  validate(values) {
    serverAddresses(values);
    metricsUrls(values);
    checkStoreFlags(values);
  },
  describeServer,
  connect: connectSession,
  async startNullServer({ task }) {
    const { address, stop } = await startNullReferenceServer({ task, protocol: 'tfserving' });
    // Reference data comes from the user's own store; what it costs is the same with every server.
    return { flags: { tensorflowServingHost: [address], metricsHost: [] }, stop };
  },
  openServerStats: async (context) => openServerStats(context),
};
