import { readFile } from 'node:fs/promises';
import { AibenchError, inputError } from '@aibench/core';
import type { OptionValues, UseCase } from './use-case.js';

/** Version of {@link DataManifest}; goes up when a key changes its meaning or goes away. */
export const manifestVersion = 1;

/**
 * What a data file holds and how it was made: `<data file>.manifest.json`. The
 * same settings give the same manifest, to the byte.
 */
export interface DataManifest {
  readonly manifestVersion: typeof manifestVersion;
  /** Version of the suite that wrote the file. */
  readonly suiteVersion: string;
  readonly useCase: string;
  /** The use case's settings, by the names of their flags; only for use cases that have some. */
  readonly settings?: OptionValues;
  readonly format: 'redisai';
  readonly rows: number;
  readonly rowSizeBytes: number;
  readonly sizeBytes: number;
  /** Of the data file, in hexadecimal. */
  readonly sha256: string;
  /** The seed that gives these bytes again, never 0. */
  readonly seed: number;
  /** `synthetic`, or the path of the input as it was given. */
  readonly source: string;
  /** The use case's other options, by the names of their flags; only for use cases that have some. */
  readonly sourceOptions?: OptionValues;
  /** Parts of the input that were left out, by name; only where there are any. */
  readonly leftOut?: readonly string[];
  /** Rows asked for over all groups; 0 is one pass over the input. */
  readonly maxTransactions: number;
  /** Which rows of them the file holds: those whose id is `id` modulo `count`. */
  readonly group: { readonly id: number; readonly count: number };
  /** The right answers, which lie in `<data file>.expected`; only where they were asked for. */
  readonly expected?: ExpectedManifest;
}

/** What a file of right answers holds: for each row, in order, the model's output, without anything between. */
export interface ExpectedManifest {
  readonly output: string;
  readonly dtype: 'float32';
  /** Of one row's answer. */
  readonly shape: readonly number[];
  readonly sizeBytes: number;
  readonly sha256: string;
  /** What computed them: the suite's own model, or the path of the user's as it was given. */
  readonly model: string;
  /** Of the ONNX file of that model. */
  readonly modelSha256: string;
}

/** Where the manifest of a data file lies. */
export function manifestPath(dataPath: string): string {
  return `${dataPath}.manifest.json`;
}

/** Where the right answers of a data file's rows lie. */
export function expectedPath(dataPath: string): string {
  return `${dataPath}.expected`;
}

/** A manifest as it is written. */
export function renderManifest(manifest: DataManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/**
 * The manifest of a data file; undefined where there is none beside it.
 *
 * @throws AIBENCH_INPUT where it cannot be read, or is no manifest
 */
export async function readManifest(dataPath: string): Promise<DataManifest | undefined> {
  const path = manifestPath(dataPath);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw inputError(path, cause);
  }
  try {
    return checkedManifest(JSON.parse(text));
  } catch (cause) {
    throw new AibenchError('AIBENCH_INPUT', `${path} is no manifest: ${(cause as Error).message}`, {
      hint: 'remove it, or make the data again with aibench-generate-data',
      cause,
    });
  }
}

/** As much as is relied on when data is read. */
function checkedManifest(value: unknown): DataManifest {
  const {
    manifestVersion: version,
    useCase,
    rowSizeBytes,
    sizeBytes,
    settings = {},
  } = (value ?? {}) as {
    readonly [Key in keyof DataManifest]?: unknown;
  };
  if (version !== manifestVersion) throw new TypeError(`its version is ${version}, not ${manifestVersion}`);
  if (typeof useCase !== 'string') throw new TypeError('it names no use case');
  if (!Number.isSafeInteger(rowSizeBytes) || !Number.isSafeInteger(sizeBytes))
    throw new TypeError('it tells no sizes');
  if (typeof settings !== 'object' || settings === null) throw new TypeError('its settings are no object');
  return value as DataManifest;
}

/**
 * The use case with the settings that a data file was made with, after seeing that the file can be what its manifest
 * says. Without a manifest, the use case as it is.
 *
 * @param given settings that the user asked for, which the file has to have
 * @throws AIBENCH_INPUT where manifest and use case, settings or file contradict each other, naming both
 */
export function useCaseOfData(
  useCase: UseCase,
  data: { readonly path: string; readonly sizeBytes: number; readonly manifest: DataManifest | undefined },
  given: OptionValues = {},
): UseCase {
  const { path, sizeBytes, manifest } = data;
  const asked = useCase.withSettings?.(given) ?? useCase;
  if (manifest === undefined) return asked;
  const at = manifestPath(path);
  if (manifest.useCase !== useCase.name) {
    throw contradiction(
      `${path} holds rows of ${manifest.useCase}, not of ${useCase.name}`,
      '--use-case',
      at,
    );
  }
  for (const [name, value] of Object.entries(given)) {
    const made = manifest.settings?.[name];
    if (made === undefined || made === value) continue;
    throw contradiction(`${path} was made with --${name} ${made}, not ${value}`, `--${name}`, at);
  }
  const made = withManifestSettings(useCase, manifest, path);
  if (manifest.rowSizeBytes !== made.row.sizeBytes) {
    const rows = `rows of ${manifest.rowSizeBytes} bytes, not ${made.row.sizeBytes}`;
    throw contradiction(`${path} holds ${rows} as its settings call for`, '--file', at);
  }
  if (manifest.sizeBytes !== sizeBytes) {
    const size = `${sizeBytes} bytes instead of ${manifest.sizeBytes}`;
    throw contradiction(`${path} has ${size}: it is not the file that was made`, '--file', at);
  }
  return made;
}

function withManifestSettings(useCase: UseCase, manifest: DataManifest, path: string): UseCase {
  const { settings } = manifest;
  if (settings === undefined || useCase.withSettings === undefined) return useCase;
  try {
    return useCase.withSettings(settings);
  } catch (cause) {
    throw new AibenchError('AIBENCH_INPUT', `${manifestPath(path)}: ${(cause as Error).message}`, {
      hint: 'was it written by a newer version?',
      cause,
    });
  }
}

function contradiction(what: string, flag: string, manifest: string): AibenchError {
  return new AibenchError('AIBENCH_INPUT', what, { hint: `says ${manifest}; see ${flag}` });
}
