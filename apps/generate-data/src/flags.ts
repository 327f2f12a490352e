import { type FlagSet, flag } from '@aibench/harness/cli';
import { defaultUseCaseName } from '@aibench/usecases';

/** The flags of aibench-generate-data: those of the Go suite's aibench_generate_data with its defaults, and our own. */
export const flags = {
  'use-case': flag.string({
    default: defaultUseCaseName,
    placeholder: 'name',
    describe: 'Use case to make data for',
  }),
  format: flag.choice(['redisai'], { default: 'redisai', describe: 'Format of the data file' }),
  'input-file': flag.string({
    default: '',
    placeholder: 'path',
    describe:
      'Data to make rows from: for creditcard-fraud the Kaggle creditcard.csv, plain or gzipped; without it, rows are drawn with its statistics',
  }),
  'output-file': flag.string({
    default: '',
    placeholder: 'path',
    describe: 'Data file to write, with a manifest beside it; without it, rows go to stdout',
  }),
  'max-transactions': flag.integer({
    default: 0,
    min: 0,
    describe:
      'Rows to make; 0 is one pass over the input, more than it holds starts over from its top with new ids',
  }),
  seed: flag.integer({
    default: 0,
    min: -Number.MAX_SAFE_INTEGER,
    describe: 'The same seed gives the same bytes; 0 takes one from the clock and tells it',
  }),
  'interleaved-generation-group-id': flag.integer({
    default: 0,
    min: 0,
    placeholder: 'g',
    describe:
      'Make only the rows whose id is g modulo the number of groups, to spread the work over processes',
  }),
  'interleaved-generation-groups': flag.integer({ default: 1, min: 1, describe: 'Number of groups' }),
  threads: flag.integer({
    default: 0,
    min: 0,
    max: 256,
    describe: 'Threads that make rows; the bytes are the same for any number; 0 is one a core, at most 6',
  }),
  quiet: flag.boolean({ default: false, describe: 'Print errors only' }),
  debug: flag.integer({
    default: 0,
    min: 0,
    max: 2,
    describe: '1 prints the settings and what memory was used, 2 also each chunk of rows',
  }),
  'profile-file': flag.string({
    default: '',
    placeholder: 'path',
    describe:
      'Write a .cpuprofile of the run, for DevTools; the main thread then makes the rows, so that they are in it',
  }),
} as const satisfies FlagSet;
