import {
  type BinaryOptions,
  type BinaryResult,
  type ReferenceServer,
  runBinary,
  startReferenceServer,
  succeed,
} from '@aibench/testing';

export { makeDataFile, readResult, succeed } from '@aibench/testing';

/** Starts a reference server with both fraud models and, where a data file is given, its reference data. */
export async function startLoadedServer(
  dataFile: string | undefined,
  args: readonly string[] = [],
): Promise<ReferenceServer> {
  const server = await startReferenceServer(args);
  await setUpServer(server.addresses.redis, dataFile);
  return server;
}

/** Gives a server both fraud models and reference data. */
export async function setUpServer(address: string, dataFile: string | undefined): Promise<void> {
  const host = ['--host', address];
  if (dataFile !== undefined) {
    await succeed('load-data', ['--redis-host', address, '--pipeline', '100', '--file', dataFile]);
  }
  await succeed('setup-model', host);
  await succeed('setup-model', [...host, '--enable-reference-data-redis']);
}

/** Runs the runner's binary without live output. */
export function runInference(args: readonly string[], options?: BinaryOptions): Promise<BinaryResult> {
  return runBinary('run-inference-redisai', ['--quiet', ...args], options);
}
