import { grpcImplementations } from '@aibench/grpc';
import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';
import { storeFlags } from '@aibench/reference-store';

const server = 'Server';
const inference = 'Inference';

/** The flags of this runner: those of the Go suite's with its defaults, and ours. */
export const flags = {
  'tensorflow-serving-host': flag.list({
    default: ['127.0.0.1:8500'],
    placeholder: 'host:port,..',
    describe:
      'gRPC ports of the TensorFlow Serving servers that the workers are spread over in turn: host:port (port 8500 where none is given), grpc:// or, for TLS, grpcs://',
    group: server,
  }),
  'metrics-host': flag.list({
    default: [],
    placeholder: 'host:port,..',
    describe:
      "The servers' REST ports, in the same order (port 8501, path /monitoring/prometheus/metrics where none is given), whose metrics are kept once a period; without it, there are none",
    group: server,
  }),
  ...storeFlags,
  model: flag.string({
    default: '',
    placeholder: 'name',
    describe: "Name of the model; without it, the use case's own name for it",
    group: inference,
  }),
  'model-version': flag.integer({
    default: 1,
    min: 0,
    describe: 'Version of the model; 0: the newest that the server has',
    group: inference,
  }),
  signature: flag.string({
    default: 'serving_default',
    placeholder: 'name',
    describe: "The model's signature that is called",
    group: inference,
  }),
  'grpc-client': flag.choice(grpcImplementations, {
    default: 'own',
    describe: "What carries the calls: the suite's own client, or @grpc/grpc-js as a cross-check",
    group: inference,
  }),
  'workers-per-connection': flag.integer({
    default: 1,
    min: 1,
    describe: 'Workers of a thread that share a connection',
    group: inference,
  }),
} as const satisfies FlagSet;

/** Their values. */
export type TfServingFlags = FlagValues<typeof flags>;
