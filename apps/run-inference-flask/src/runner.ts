import { type Runner, startNullReferenceServer } from '@aibench/harness';
import { checkStoreFlags } from '@aibench/reference-store';
import { connectSession } from './connect-session.js';
import { describeServer } from './describe-server.js';
import { flags } from './flags.js';
import { requestForm } from './request-form.js';
import { serviceAddresses } from './service-addresses.js';

/** Asks the suite's Flask service, or another one that takes the same requests. */
export const runner: Runner<typeof flags> = {
  name: 'flask',
  summary: 'measures inference on a Flask REST service',
  flags,
  examples: [
    'aibench-run-inference-flask --file fraud.dat --workers 16 --verify',
    'aibench-run-inference-flask --file fraud.dat --enable-reference-data-redis --redis-host 10.0.0.9:6379',
    'aibench-run-inference-flask --file fraud.dat --restapi-request-uri /v1/predict',
    "aibench-run-inference-flask --file fraud.dat --find-max-rate 'p99<20ms' --restapi-host 10.0.0.1:8000,10.0.0.2:8000",
  ],
  validate(values) {
    serviceAddresses(values);
    requestForm(values);
    checkStoreFlags(values);
  },
  describeServer,
  readyLimitMs: (values) => values.readyTimeoutMs,
  connect: connectSession,
  async startNullServer({ task }) {
    const { address, stop } = await startNullReferenceServer({ task, protocol: 'flask' });
    // Reference data comes from the user's own store; what it costs is the same with every server.
    return { flags: { restapiHost: [address] }, stop };
  },
};
