import { AibenchError } from '@aibench/core';

/** What TorchServe tells of one version of a model. */
export interface VersionDescription {
  readonly model: string;
  readonly version: string;
  /** Archive that it came from, as it was registered. */
  readonly archive: string;
  /** `python` */
  readonly runtime: string;
  /** What ran the archive, where it says so, as the reference server does: `aibench-reference-server/0.1.0`. */
  readonly engine: string | undefined;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** Most requests that one call of the handler gets. */
  readonly batchSize: number;
  /** How long the first request of a batch waits for others, ms. */
  readonly maxBatchDelayMs: number;
  /** Workers by their status, as many as there are: `READY`, `UNLOADING`. */
  readonly workers: readonly string[];
}

/**
 * Reads what `GET /models/<name>` answers: a list with the default version, or
 * with all of them.
 *
 * @param json the parsed answer
 * @throws AIBENCH_ANSWER where it is no such list, or has nothing in it
 */
export function readModelDescription(json: unknown, address: string): VersionDescription[] {
  const entries: readonly unknown[] = Array.isArray(json) ? json : [];
  const versions = entries.filter(isObject).flatMap(readVersion);
  if (entries.length > 0 && versions.length === entries.length) return versions;
  throw new AibenchError(
    'AIBENCH_ANSWER',
    `${address} describes the model in a form that is not TorchServe's`,
    {
      hint: "is it TorchServe's management port?",
    },
  );
}

function readVersion(entry: Readonly<Record<string, unknown>>): VersionDescription[] {
  const { modelName, modelVersion, workers } = entry;
  if (typeof modelName !== 'string' || typeof modelVersion !== 'string') return [];
  const number = (key: string): number => (typeof entry[key] === 'number' ? entry[key] : 0);
  const text = (key: string): string => (typeof entry[key] === 'string' ? entry[key] : '');
  return [
    {
      ...{ model: modelName, version: modelVersion, archive: text('modelUrl'), runtime: text('runtime') },
      engine: text('engine') || undefined,
      minWorkers: number('minWorkers'),
      maxWorkers: number('maxWorkers'),
      batchSize: number('batchSize'),
      maxBatchDelayMs: number('maxBatchDelay'),
      workers: (Array.isArray(workers) ? workers : [])
        .filter(isObject)
        .map(({ status }) => (typeof status === 'string' ? status : '')),
    },
  ];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
