import { stat } from 'node:fs/promises';
import { AibenchError } from '@aibench/core';
import {
  type DataManifest,
  defaultUseCaseName,
  type InferenceTask,
  loadUseCase,
  type OptionValues,
  openExpected,
  readManifest,
  type UseCase,
  useCaseOfData,
} from '@aibench/usecases';
import type { FlagValues } from '../cli/flags.js';
import type { loadFlags } from './load-flags.js';

type LoadValues = Pick<
  FlagValues<typeof loadFlags>,
  'useCase' | 'file' | 'allowTruncated' | 'dataSettings' | 'enableReferenceDataRedis' | 'batchSize' | 'verify'
>;

/** What a run's rows are and what is asked about them. Plain data, of which each thread makes the same task. */
export interface RunData {
  readonly useCase: string;
  /** Settings of its rows; undefined where it has none. */
  readonly settings: OptionValues | undefined;
  readonly withReference: boolean;
  readonly batchSize: number;
  /** The data file whose stored answers are compared; undefined where none are, or are computed. */
  readonly expected: { readonly path: string; readonly manifest: DataManifest } | undefined;
}

/** The same as what works. */
export interface OpenRunData {
  readonly useCase: UseCase;
  readonly task: InferenceTask;
  /** Closes the stored answers. */
  close(): void;
}

/**
 * Finds out what the rows of a run are: from the flags, and from the manifest beside the data file where there is one.
 *
 * @throws AIBENCH_USAGE for a use case, settings or a batch size that there is not; AIBENCH_INPUT where the manifest
 *   contradicts the flags or the file, or where answers are to be verified that nobody has stored
 */
export async function chooseRunData(load: LoadValues): Promise<RunData> {
  const { file, verify, batchSize, enableReferenceDataRedis: withReference } = load;
  const manifest = file === '' ? undefined : await readManifest(file);
  const named = await loadUseCase(load.useCase || manifest?.useCase || defaultUseCaseName);
  const given = readSettings(named, load.dataSettings);
  const sizeBytes = manifest === undefined ? 0 : await checkedSizeBytes(load, manifest);
  const { name, settings, storesAnswers } = useCaseOfData(named, { path: file, sizeBytes, manifest }, given);
  const stored = verify && storesAnswers === true;
  if (stored && manifest?.expected === undefined) {
    throw new AibenchError(
      'AIBENCH_INPUT',
      `--verify: no right answers are stored beside ${file || 'stdin'}`,
      {
        hint: 'make the data with aibench-generate-data --with-expected --output-file, and pass that as --file',
      },
    );
  }
  const expected = stored && manifest !== undefined ? { path: file, manifest } : undefined;
  return { useCase: name, settings, withReference, batchSize, expected };
}

/**
 * A data file's size, to be held against its manifest. One that ends within a row, or need not be whole, is told of, or
 * let pass, when it is opened as data, and so is one that is not there.
 */
async function checkedSizeBytes(
  { file, allowTruncated }: LoadValues,
  manifest: DataManifest,
): Promise<number> {
  const size = await stat(file).then(
    (found) => found.size,
    () => undefined,
  );
  const isLeft = size === undefined || size % manifest.rowSizeBytes !== 0 || allowTruncated;
  return isLeft ? manifest.sizeBytes : size;
}

/** @throws AIBENCH_USAGE where a request cannot be as asked for; AIBENCH_INPUT where the stored answers cannot be read */
export async function openRunData(data: RunData): Promise<OpenRunData> {
  const { settings, withReference, batchSize } = data;
  const named = await loadUseCase(data.useCase);
  const useCase = settings === undefined ? named : (named.withSettings?.(settings) ?? named);
  const expected =
    data.expected === undefined ? undefined : openExpected(data.expected.path, data.expected.manifest);
  return {
    useCase,
    task: useCase.task({ withReference, batchSize, expected }),
    close: () => expected?.close(),
  };
}

/** `name=value` of settings that the use case has. */
function readSettings({ name: useCase, options = [] }: UseCase, items: readonly string[]): OptionValues {
  const known = options.filter(({ isSetting }) => isSetting);
  return Object.fromEntries(
    items.map((item) => {
      const [name = '', text = ''] = item.split(/=(.*)/s);
      const option = known.find((each) => each.name === name);
      if (option === undefined) {
        throw new AibenchError('AIBENCH_USAGE', `--data-settings: ${useCase} has no setting "${name}"`, {
          hint: known.length === 0 ? 'leave it out' : known.map((each) => each.name).join(', '),
        });
      }
      if (option.value.kind !== 'integer') return [name, text];
      if (/^\d+$/.test(text)) return [name, Number(text)];
      throw new AibenchError('AIBENCH_USAGE', `--data-settings: ${name}=${text} is no whole number`);
    }),
  );
}
