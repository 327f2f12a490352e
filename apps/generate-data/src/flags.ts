import { type FlagSet, flag } from '@aibench/harness/cli';
import { defaultUseCaseName } from '@aibench/usecases';
import { useCaseFlags } from './use-case-flags.js';

/** The flags for every use case: those of the Go suite's aibench_generate_data with its defaults, and our own. */
export const commonFlags = {
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
  'batch-size': flag.integer({
    default: 1,
    min: 1,
    describe:
      'Rows that a runner will send at once: changes no byte, but you are told where some are left over',
  }),
  'with-expected': flag.boolean({
    default: false,
    describe:
      "Also compute the model's answer to each row, once, and write them to <output-file>.expected: what --verify compares with where the model is too large to be run beside the load",
  }),
  'model-file': flag.string({
    default: '',
    placeholder: 'path',
    describe:
      "A model of your own that computes those answers, in place of the suite's: ONNX, a frozen GraphDef (.pb), or a SavedModel's saved_model.pb",
  }),
  'profile-file': flag.string({
    default: '',
    placeholder: 'path',
    describe:
      'Write a .cpuprofile of the run, for DevTools; the main thread then makes the rows, so that they are in it',
  }),
} as const satisfies FlagSet;

/** All flags: a command line takes those of every use case, and refuses those of another than it names. */
export const flags = { ...commonFlags, ...useCaseFlags } as typeof commonFlags;
