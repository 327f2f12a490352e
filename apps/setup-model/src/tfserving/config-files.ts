import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { AibenchError, outputError } from '@aibench/core';

/** Name of the file that `--model_config_file` of the server is given. */
export const modelsConfigName = 'models.config';

/** The first line of the files that are written here, so that no other is written over. */
const header = '# Written by aibench-setup-model.';

/**
 * A ModelServerConfig in text form: the models that lie in a folder, and the one that is about to. Every version of
 * theirs is served.
 *
 * @param folder the models' folder, as it is seen from here
 * @param serverFolder the same folder as the server sees it
 * @throws AIBENCH_OUTPUT where there is such a file that was not written here
 */
export async function modelsConfig(folder: string, serverFolder: string, model: string): Promise<string> {
  await checkOwn(join(folder, modelsConfigName));
  const names = [...new Set([...(await modelsIn(folder)), model])].sort();
  const configs = names.map(
    (name) => `  config {
    name: ${quoted(name)}
    base_path: ${quoted(posix.join(serverFolder, name))}
    model_platform: "tensorflow"
    model_version_policy { all {} }
  }
`,
  );
  return `${header}\nmodel_config_list {\n${configs.join('')}}\n`;
}

/** How a server joins requests into batches. */
export interface BatchingOptions {
  /** Most rows of a batch. */
  readonly maxBatchSize: number;
  /** Longest time that a request waits for others. */
  readonly timeoutUs: number;
  /** Batches that are run side by side; 0 leaves it to the server. */
  readonly threads: number;
  /** Batches that may wait; 0 leaves it to the server. */
  readonly maxEnqueued: number;
}

/** BatchingParameters in text form. */
export function batchingConfig({ maxBatchSize, timeoutUs, threads, maxEnqueued }: BatchingOptions): string {
  const parameters: [string, number][] = [
    ['max_batch_size', maxBatchSize],
    ['batch_timeout_micros', timeoutUs],
  ];
  if (threads > 0) parameters.push(['num_batch_threads', threads]);
  if (maxEnqueued > 0) parameters.push(['max_enqueued_batches', maxEnqueued]);
  return `${header}\n${parameters.map(([name, value]) => `${name} { value: ${value} }\n`).join('')}`;
}

/** Folders that hold a version with a SavedModel. */
async function modelsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  const saved = entries.map((path) => /^([^/\\]+)[/\\]\d+[/\\]saved_model\.pb$/.exec(path)?.[1] ?? '');
  return saved.filter((name) => name !== '');
}

async function checkOwn(path: string): Promise<void> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw outputError(path, cause);
  }
  if (text.startsWith(header)) return;
  throw new AibenchError('AIBENCH_OUTPUT', `${path} is a file of yours, which is not written over`, {
    hint: 'move it away, or add the model to it and use another folder here',
  });
}

/** Text that protobuf's text format reads back. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
