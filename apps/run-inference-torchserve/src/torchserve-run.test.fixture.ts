import {
  type BinaryOptions,
  type BinaryResult,
  type RunOutcome,
  runWithResult as runAppWithResult,
  runBinary,
  succeed,
  temporaryFolder,
} from '@aibench/testing';

export { answeredWindows, loadReferences, makeDataFile, readResult, succeed } from '@aibench/testing';

const app = 'run-inference-torchserve';

/** A model store with the fraud models, with and without reference data, removed after the test. */
export async function makeModelStore(): Promise<string> {
  const folder = temporaryFolder();
  const place = ['--server', 'torchserve', '--output-dir', folder];
  await succeed('setup-model', place);
  await succeed('setup-model', [...place, '--enable-reference-data-redis']);
  return folder;
}

/** Runs the runner's binary without live output. */
export function runInference(args: readonly string[], options?: BinaryOptions): Promise<BinaryResult> {
  return runBinary(app, ['--quiet', ...args], options);
}

/** Runs it with a result file, which is there whatever becomes of the run, unless nothing was sent. */
export function runWithResult(args: readonly string[], options?: BinaryOptions): Promise<RunOutcome> {
  return runAppWithResult(app, args, options);
}
