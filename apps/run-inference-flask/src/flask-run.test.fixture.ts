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

const app = 'run-inference-flask';

/** Writes a folder of models, removed after the test. */
export async function makeModels(...flags: readonly string[]): Promise<string> {
  const folder = temporaryFolder();
  await addModel(folder, ...flags);
  return folder;
}

/** Writes another model into a folder of models. */
export async function addModel(folder: string, ...flags: readonly string[]): Promise<void> {
  await succeed('setup-model', ['--server', 'flask', '--output-dir', folder, ...flags]);
}

/** Runs the runner's binary without live output. */
export function runInference(args: readonly string[], options?: BinaryOptions): Promise<BinaryResult> {
  return runBinary(app, ['--quiet', ...args], options);
}

/** Runs it with a result file, which is there whatever becomes of the run, unless nothing was sent. */
export function runWithResult(args: readonly string[], options?: BinaryOptions): Promise<RunOutcome> {
  return runAppWithResult(app, args, options);
}
