import { grpcImplementations } from '@aibench/grpc';
import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';
import { httpImplementations } from '@aibench/http';
import { storeFlags } from '@aibench/reference-store';

const server = 'Server';
const inference = 'Inference';

/** The flags of this runner: those of the Go suite's with its defaults, and ours. */
export const flags = {
  protocol: flag.choice(['http', 'grpc'], {
    default: 'http',
    describe: "How the server is asked: over HTTP, or by TorchServe's inference API over gRPC",
    group: server,
  }),
  'torchserve-host': flag.list({
    default: ['127.0.0.1:8080'],
    placeholder: 'host:port,..',
    describe:
      'TorchServe servers that the workers are spread over in turn, at their inference ports: host:port, http:// or, for TLS, https://',
    group: server,
  }),
  'torchserve-grpc-host': flag.list({
    default: ['127.0.0.1:7070'],
    placeholder: 'host:port,..',
    describe: 'The same with --protocol grpc: host:port, grpc:// or, for TLS, grpcs://',
    group: server,
  }),
  'torchserve-management-host': flag.list({
    default: [],
    placeholder: 'host:port,..',
    describe:
      "The hosts' management ports, in the same order (port 8081 where none is given), where the model is described before the load starts; without it, port 8081 of hosts that are asked at their usual port, as far as it answers",
    group: server,
  }),
  'torchserve-metrics-host': flag.list({
    default: [],
    placeholder: 'host:port,..',
    describe:
      "The hosts' Prometheus endpoints, in the same order (port 8082, path /metrics where none is given), to be kept once a period; TorchServe has them with metrics_mode=prometheus",
    group: server,
  }),
  ...storeFlags,
  header: flag.texts({
    placeholder: "'Name: value'",
    describe: 'Header of every request, with gRPC its metadata; may be given several times',
    group: server,
  }),
  'bearer-token': flag.string({
    default: '',
    placeholder: 'token',
    describe:
      "TorchServe's key for inferences, sent as a bearer token; better in the environment variable AIBENCH_BEARER_TOKEN, since a command line can be read by others",
    group: server,
  }),
  'management-token': flag.string({
    default: '',
    placeholder: 'token',
    describe:
      'Its key for management; better in AIBENCH_MANAGEMENT_TOKEN; without either, the key for inferences',
    group: server,
  }),
  'ready-timeout': flag.duration({
    default: '30s',
    describe:
      'How long a server may say that it is not healthy, as while its workers start, before the run is given up',
    group: server,
  }),
  model: flag.string({
    default: '',
    placeholder: 'name',
    describe:
      "Name of the model; without it, that in --torchserve-request-uri, or else the use case's own name for it",
    group: inference,
  }),
  'model-version': flag.string({
    default: '',
    placeholder: 'version',
    describe: "Version of the model, as 1.0; without it, the model's default version",
    group: inference,
  }),
  'torchserve-request-uri': flag.string({
    default: '',
    placeholder: 'path',
    describe:
      'Path of inferences over HTTP; without it, /predictions/<model>, and the version behind it where one is given',
    group: inference,
  }),
  body: flag.choice(['json', 'binary'], {
    default: 'json',
    describe:
      "What goes over HTTP: JSON, or the tensors' bytes as multipart/form-data, which are answered with bytes; gRPC is always binary",
    group: inference,
  }),
  'torchserve-read-timeout': flag.duration({
    default: '5s',
    describe:
      'Longest wait for an answer; the shorter one of this and --request-timeout counts; 0s leaves it to that one',
    group: inference,
  }),
  'http-client': flag.choice(httpImplementations, {
    default: 'own',
    describe: "What carries requests over HTTP: the suite's own client, or undici as a cross-check",
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
    describe: 'gRPC: workers of a thread that share a connection',
    group: inference,
  }),
} as const satisfies FlagSet;

/** Their values. */
export type TorchServeFlags = FlagValues<typeof flags>;
