import { type FlagSet, flag } from '@aibench/harness/cli';
import { defaultUseCaseName } from '@aibench/usecases';

/** Flags of `aibench-load-data`: those of the Go suite with its defaults, and ours. */
export const flags = {
  'redis-host': flag.list({
    default: ['redis://localhost:6379'],
    placeholder: 'url',
    describe:
      'Redis to load into: redis://[[user]:password@]host[:port][/database], rediss:// for TLS, or host:port; several nodes of a cluster separated by commas',
    group: 'Server',
  }),
  'cluster-mode': flag.boolean({
    default: false,
    describe: 'The server is a Redis Cluster; --redis-host names one or more of its nodes',
    group: 'Server',
  }),
  'tls-ca': flag.string({
    default: '',
    placeholder: 'path',
    describe: "PEM file with the authorities to trust, instead of the system's",
    group: 'Server',
  }),
  'tls-insecure': flag.boolean({
    default: false,
    describe: "Don't check the server's TLS certificate",
    group: 'Server',
  }),
  'use-case': flag.string({
    default: defaultUseCaseName,
    placeholder: 'name',
    describe: 'Use case that the data file was generated for',
    group: 'Data',
  }),
  file: flag.string({
    default: '',
    placeholder: 'path',
    describe: 'Data file; empty reads stdin',
    group: 'Data',
  }),
  'max-inserts': flag.integer({
    default: 0,
    min: 0,
    describe: 'Rows to load; 0 loads all',
    group: 'Data',
  }),
  'allow-truncated': flag.boolean({
    default: false,
    describe: 'Use the whole rows of a data file that ends within a row',
    group: 'Data',
  }),
  'set-blob': flag.boolean({
    default: true,
    describe: 'Store reference data as Redis strings',
    group: 'Data',
  }),
  'set-tensor': flag.boolean({
    default: true,
    describe: 'Store reference data as RedisAI tensors',
    group: 'Data',
  }),
  check: flag.boolean({
    default: true,
    describe: 'After loading, count the keys that the server holds and fail if any is missing',
    group: 'Data',
  }),
  workers: flag.integer({
    default: 1,
    min: 1,
    max: 1_000,
    describe: 'Connections, to each master in a cluster',
    group: 'Load',
  }),
  pipeline: flag.integer({
    default: 1,
    min: 1,
    max: 1_000_000,
    describe: 'Commands on their way at once on each connection; 100 or more for speed',
    group: 'Load',
  }),
  'reporting-period': flag.duration({
    default: '1s',
    describe: 'Time between two progress lines on stdout; 0 for none',
    group: 'Output',
  }),
  debug: flag.integer({
    default: 0,
    min: 0,
    describe: 'Above 0, tells on stderr what it connects to and writes',
    group: 'Output',
  }),
} as const satisfies FlagSet;
