import { defaultUseCaseName } from '@aibench/usecases';
import { type FlagSet, flag } from '../cli/flags.js';

/** The flags that every runner has, whichever server it asks. */
export const loadFlags = {
  'use-case': flag.string({
    default: defaultUseCaseName,
    describe: 'What the rows of the data file mean',
    placeholder: 'name',
    group: 'Input',
  }),
  file: flag.string({
    default: '',
    describe: 'Data file; stdin where none is given',
    placeholder: 'path',
    group: 'Input',
  }),
  'allow-truncated': flag.boolean({
    default: false,
    describe: 'Use the whole rows of a data file that ends within a row',
    group: 'Input',
  }),
  'enable-reference-data-redis': flag.boolean({
    default: false,
    describe: 'Ask the model that also gets reference data, which lies in Redis',
    group: 'Input',
  }),
  workers: flag.integer({
    default: 8,
    min: 1,
    max: 100_000,
    describe: 'Concurrent requests, each on a session of its own',
    group: 'Load',
  }),
  threads: flag.integer({
    default: 1,
    min: 1,
    max: 1_024,
    describe: 'Load threads that the workers are spread over',
    group: 'Load',
  }),
  'limit-rps': flag.number({
    default: 0,
    min: 0,
    describe: 'Most requests a second, all workers together; 0 for no limit',
    group: 'Load',
  }),
  'max-queries': flag.integer({
    default: 0,
    min: 0,
    describe: 'Requests to send, burn-in included; 0 for one for each row',
    group: 'Load',
  }),
  duration: flag.duration({
    default: '0s',
    describe:
      'Time after which no request is sent; a data file that ends sooner starts over; 0s for no limit',
    group: 'Load',
  }),
  'burn-in': flag.integer({
    default: 0,
    min: 0,
    describe: 'First requests, which are sent but left out of statistics',
    group: 'Load',
  }),
  'request-timeout': flag.duration({
    default: '30s',
    minMs: 1,
    describe: 'Longest wait for an answer',
    group: 'Load',
  }),
  'ignore-errors': flag.boolean({
    default: false,
    describe: 'Count failed requests and go on; otherwise the first one ends the run',
    group: 'Load',
  }),
  verify: flag.boolean({
    default: false,
    describe: 'Compare every answer with the expected one, outside the clock',
    group: 'Load',
  }),
  seed: flag.integer({
    default: 0,
    describe: 'Seed of whatever the run draws at random; 0 is from the clock',
    group: 'Load',
  }),
  'reporting-period': flag.duration({
    default: '1s',
    minMs: 10,
    describe: 'Length of a reporting window',
    group: 'Output',
  }),
  'json-out-file': flag.string({
    default: '',
    describe: 'Where to write the result as JSON',
    placeholder: 'path',
    group: 'Output',
  }),
  'output-file-stats-hdr-response-latency-hist': flag.string({
    default: '',
    describe: 'Where to write the latency distribution as HdrHistogram text, in ms',
    placeholder: 'path',
    group: 'Output',
  }),
  'print-responses': flag.boolean({
    default: false,
    describe: 'Print every answer on stdout',
    group: 'Output',
  }),
  description: flag.string({ default: '', describe: 'Words of yours, kept in the result', group: 'Output' }),
  'metadata-autobatching': flag.integer({
    default: -1,
    describe: "The server's batch size, as you set it there, kept in the result; -1 for unknown",
    group: 'Output',
  }),
  quiet: flag.boolean({ default: false, describe: 'No line a period and no progress', group: 'Output' }),
  debug: flag.integer({
    default: 0,
    min: 0,
    describe: 'Above 0: say on stderr what is being done',
    group: 'Output',
  }),
  cpuprofile: flag.string({
    default: '',
    describe: 'Where to write a V8 CPU profile of the first load thread',
    placeholder: 'path',
    group: 'Output',
  }),
  memprofile: flag.string({
    default: '',
    describe: 'Where to write a V8 heap profile of the first load thread',
    placeholder: 'path',
    group: 'Output',
  }),
} as const satisfies FlagSet;
