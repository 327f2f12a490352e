import { AibenchError } from '@aibench/core';
import type { Runner } from '@aibench/harness';
import { connectSession } from './connect-session.js';
import { describeServer } from './describe-server.js';
import { flags } from './flags.js';
import { startNullServer } from './null-server.js';
import { addressesOf, openServers } from './open-servers.js';
import { RedisAiStats } from './server-stats.js';

/** Asks RedisAI, in one command for each inference or in three. */
export const runner: Runner<typeof flags> = {
  name: 'redisai',
  summary: 'measures inference on RedisAI',
  flags,
  examples: [
    'aibench-run-inference-redisai --file fraud.dat --enable-reference-data-redis --workers 16 --verify',
    'aibench-run-inference-redisai --file fraud.dat --host 10.0.0.1,10.0.0.2 --threads 2 --json-out-file result.json',
    "aibench-run-inference-redisai --file fraud.dat --find-max-rate 'p99<10ms' --workers 64",
    'aibench-run-inference-redisai --file fraud.dat --sweep workers=1,2,4..64 --duration 10s --calibrate',
    'head -c 1152000 fraud.dat | aibench-run-inference-redisai --use-dag=false',
  ],
  validate(values) {
    addressesOf(values);
    if (values.clusterMode && values.poolPipelineConcurrency > 0) {
      throw new AibenchError('AIBENCH_USAGE', '--pool-pipeline-concurrency does not go with --cluster-mode', {
        hint: 'a worker has a connection to every shard',
      });
    }
    if (values.persistResults && (values.clusterMode || !values.useDag)) {
      const other = values.clusterMode ? '--cluster-mode' : '--use-dag=false';
      throw new AibenchError('AIBENCH_USAGE', `--persist-results does not go with ${other}`, {
        hint: 'it is an option of the DAG, and keeps answers where the model is; leave one of them out',
      });
    }
  },
  describeServer,
  connect: connectSession,
  startNullServer: (context) => startNullServer(context),
  async openServerStats(context) {
    const { shards } = await openServers(context);
    return new RedisAiStats(shards, { reset: context.flags.resetServerStats });
  },
};
