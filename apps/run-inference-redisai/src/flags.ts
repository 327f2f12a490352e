import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';

const server = 'Server';

/** The flags of this runner: those of the Go suite's with its defaults, and ours. */
export const flags = {
  host: flag.list({
    default: ['127.0.0.1'],
    placeholder: 'host,..',
    describe:
      'RedisAI servers that the workers are spread over in turn: names, host:port, or redis://[[user]:password@]host[:port] (rediss:// for TLS)',
    group: server,
  }),
  port: flag.list({
    default: ['6379'],
    placeholder: 'port,..',
    describe: 'Their ports: one each, or one for all; not used for a host that names its own',
    group: server,
  }),
  'tls-ca': flag.string({
    default: '',
    placeholder: 'path',
    describe: "PEM file with the authorities to trust, instead of the system's",
    group: server,
  }),
  'tls-insecure': flag.boolean({
    default: false,
    describe: "Don't check the servers' TLS certificates",
    group: server,
  }),
  'cluster-mode': flag.boolean({
    default: false,
    describe: 'Where the servers are a Redis Cluster, run each inference on the master that owns its keys',
    group: server,
  }),
  model: flag.string({
    default: '',
    placeholder: 'name',
    describe: "Key of the model; without it, the use case's own name for it",
    group: 'Inference',
  }),
  'model-filename': flag.string({
    default: '',
    placeholder: 'path',
    describe: 'File that the model was made from; only kept in the result, aibench-setup-model stores models',
    group: 'Inference',
  }),
  'use-dag': flag.boolean({
    default: true,
    describe:
      'Ask in one command, a DAG; otherwise set the tensors, run the model and get the answer in three',
    group: 'Inference',
  }),
  'persist-results': flag.boolean({
    default: false,
    describe:
      'Keep each answer in the store, where the next one of the same worker takes its place: classificationTensor:{w0}; with --use-dag',
    group: 'Inference',
  }),
  'command-family': flag.choice(['auto', 'new', 'old'], {
    default: 'auto',
    describe:
      'AI.DAGEXECUTE and AI.MODELEXECUTE, or AI.DAGRUN and AI.MODELRUN; auto takes the newer ones where the server has them',
    group: 'Inference',
  }),
  'pool-pipeline-concurrency': flag.integer({
    default: 0,
    min: 0,
    describe: 'Workers of a thread that share a connection, their requests joined; 0: each has its own',
    group: 'Inference',
  }),
  'pool-pipeline-window': flag.duration({
    default: '500us',
    maxMs: 60_000,
    describe: 'Longest wait for requests to join, where workers share a connection',
    group: 'Inference',
  }),
  'reset-server-stats': flag.boolean({
    default: false,
    describe:
      "Set the servers' statistics to zero after each reading (CONFIG RESETSTAT, AI.INFO .. RESETSTAT)",
    group: server,
  }),
} as const satisfies FlagSet;

/** Their values. */
export type RedisAiFlags = FlagValues<typeof flags>;
