import {
  type BinaryOptions,
  type BinaryResult,
  type ReferenceServer,
  type RunOutcome,
  runWithResult as runAppWithResult,
  runBinary,
  startReferenceServer,
  succeed,
  temporaryFolder,
} from '@aibench/testing';

export { loadReferences, makeDataFile, readResult, succeed } from '@aibench/testing';

const app = 'run-inference-tfserving';

/** Writes both fraud models into a folder as TensorFlow Serving loads them, removed after the test. */
export async function makeModels(): Promise<string> {
  const folder = temporaryFolder();
  await addModel(folder);
  await addModel(folder, '--enable-reference-data-redis');
  return folder;
}

/** Writes another model into a folder. */
export async function addModel(folder: string, ...flags: readonly string[]): Promise<void> {
  await succeed('setup-model', ['--server', 'tfserving', '--output-dir', folder, ...flags]);
}

/** Starts a reference server that serves the models of a folder. */
export function serveModels(folder: string, args: readonly string[] = []): Promise<ReferenceServer> {
  return startReferenceServer(['--tfserving-models', folder, ...args]);
}

/** Runs the runner's binary without live output. */
export function runInference(args: readonly string[], options?: BinaryOptions): Promise<BinaryResult> {
  return runBinary(app, ['--quiet', ...args], options);
}

/** Runs it with a result file, which is there whatever becomes of the run, unless nothing was sent. */
export function runWithResult(args: readonly string[], options?: BinaryOptions): Promise<RunOutcome> {
  return runAppWithResult(app, args, options);
}
