import { grpcImplementations } from '@aibench/grpc';
import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';
import { httpImplementations } from '@aibench/http';
import { storeFlags } from '@aibench/reference-store';

const server = 'Server';
const inference = 'Inference';

/** The flags of this runner: those of the Go suite's with its defaults, and ours. */
export const flags = {
  protocol: flag.choice(['grpc', 'http'], {
    default: 'grpc',
    describe: 'How the server is asked; http sends the tensors as binary data',
    group: server,
  }),
  host: flag.list({
    default: [],
    placeholder: 'host:port,..',
    describe:
      'Triton servers that the workers are spread over in turn: host:port, grpc:// and http:// or, for TLS, grpcs:// and https://; without it 127.0.0.1:8001, with --protocol http 127.0.0.1:8000',
    group: server,
  }),
  'metrics-host': flag.list({
    default: [],
    placeholder: 'host:port,..',
    describe:
      "The hosts' Prometheus endpoints, in the same order (port 8002, path /metrics where none is given), to be kept once a period; without it, only the model's statistics are",
    group: server,
  }),
  ...storeFlags,
  model: flag.string({
    default: '',
    placeholder: 'name',
    describe: "Name of the model; without it, the use case's own name for it",
    group: inference,
  }),
  'model-version': flag.string({
    default: '',
    placeholder: 'n',
    describe: 'Version of the model; without it, the server chooses, by default the latest',
    group: inference,
  }),
  'grpc-client': flag.choice(grpcImplementations, {
    default: 'own',
    describe: "What carries the calls: the suite's own client, or @grpc/grpc-js as a cross-check",
    group: inference,
  }),
  'http-client': flag.choice(httpImplementations, {
    default: 'own',
    describe: "What carries the requests over HTTP: the suite's own client, or undici as a cross-check",
    group: inference,
  }),
  'workers-per-connection': flag.integer({
    default: 1,
    min: 1,
    describe: 'gRPC: workers of a thread that share a connection',
    group: inference,
  }),
} as const satisfies FlagSet;

/** Their values. */
export type TritonFlags = FlagValues<typeof flags>;
