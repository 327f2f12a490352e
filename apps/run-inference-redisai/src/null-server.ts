import { type NullServer, type RunnerContext, startNullReferenceServer } from '@aibench/harness';
import type { flags } from './flags.js';

/**
 * Starts the reference server without models, for `--calibrate`.
 *
 * @throws AIBENCH_USAGE where it is not installed, AIBENCH_SERVER where it does not start
 */
export async function startNullServer({
  task,
}: Pick<RunnerContext<typeof flags>, 'task'>): Promise<NullServer<typeof flags>> {
  const { address, stop } = await startNullReferenceServer({ task, protocol: 'redis' });
  return { flags: { host: [address], clusterMode: false, tlsCa: '', tlsInsecure: false }, stop };
}
