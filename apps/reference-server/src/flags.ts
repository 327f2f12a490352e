import { type FlagValues, flag } from '@aibench/harness/cli';

const faults = 'Injected behaviour';
const redis = 'Redis protocol';
const tfserving = 'TensorFlow Serving protocol';
const triton = 'Triton protocol';
const torchserve = 'TorchServe protocol';
const flask = "The Flask service's protocol";
const port = { min: 0, max: 65_535 } as const;

/** The reference server's flags. */
export const flags = {
  host: flag.string({ default: '127.0.0.1', placeholder: 'address', describe: 'Address to listen on' }),
  protocols: flag.list({
    ...{ default: ['redis', 'tfserving', 'triton', 'torchserve', 'flask'], placeholder: 'protocol,..' },
    describe: 'Protocols to serve, each on ports of its own: redis, tfserving, triton, torchserve, flask',
  }),
  'tls-cert': flag.string({
    ...{ default: '', placeholder: 'path' },
    describe: 'Certificate (PEM) for TLS on all ports but those for metrics; needs --tls-key',
  }),
  'tls-key': flag.string({
    ...{ default: '', placeholder: 'path' },
    describe: 'Private key (PEM) for TLS; needs --tls-cert',
  }),
  'max-message-bytes': flag.integer({
    ...{ default: 2_147_483_647, min: 1, max: 2_147_483_647 },
    describe: 'Largest request that is taken over gRPC and HTTP',
  }),
  'until-stdin-ends': flag.boolean({
    default: false,
    describe: 'End when stdin does, so that the server does not outlive the program that started it',
  }),
  'redis-port': flag.integer({
    ...{ ...port, default: 6379, group: redis },
    describe: 'Port for the Redis protocol; 0 takes a free one',
  }),
  password: flag.string({
    default: '',
    describe: 'Password that clients must give; empty: none',
    group: redis,
  }),
  'redisai-version': flag.integer({
    ...{ default: 10_205, min: 10_000, max: 99_999, group: redis },
    describe: 'RedisAI version to emulate, 10205 for 1.2.5; below 10203 the newer commands are unknown',
  }),
  'tfserving-port': flag.integer({
    ...{ ...port, default: 8500, group: tfserving },
    describe: "Port for TensorFlow Serving's gRPC services; 0 takes a free one",
  }),
  'tfserving-rest-port': flag.integer({
    ...{ ...port, default: 8501, group: tfserving },
    describe: 'Port for its metrics, /monitoring/prometheus/metrics; 0 takes a free one',
  }),
  'tfserving-models': flag.string({
    ...{ default: '', placeholder: 'folder', group: tfserving },
    describe: 'Folder of SavedModels to serve, <name>/<version>/saved_model.pb; empty: none',
  }),
  'triton-grpc-port': flag.integer({
    ...{ ...port, default: 8001, group: triton },
    describe: "Port for Triton's gRPC service; 0 takes a free one",
  }),
  'triton-http-port': flag.integer({
    ...{ ...port, default: 8000, group: triton },
    describe: 'Port for the same over HTTP; 0 takes a free one',
  }),
  'triton-metrics-port': flag.integer({
    ...{ ...port, default: 8002, group: triton },
    describe: 'Port for its metrics, /metrics; 0 takes a free one',
  }),
  'model-repository': flag.string({
    ...{ default: '', placeholder: 'folder', group: triton },
    describe:
      'Model repository: <name>/config.pbtxt, <name>/<version>/model.onnx, model.graphdef or model.savedmodel; empty: none',
  }),
  'triton-model-control': flag.choice(['none', 'explicit'], {
    ...{ default: 'none', group: triton },
    describe: 'Whether all models of the repository are served, or those that a client loads',
  }),
  'torchserve-port': flag.integer({
    ...{ ...port, default: 8080, group: torchserve },
    describe: "Port for TorchServe's inferences over HTTP; 0 takes a free one",
  }),
  'torchserve-management-port': flag.integer({
    ...{ ...port, default: 8081, group: torchserve },
    describe: 'Port for its management; 0 takes a free one',
  }),
  'torchserve-metrics-port': flag.integer({
    ...{ ...port, default: 8082, group: torchserve },
    describe: 'Port for its metrics, /metrics; 0 takes a free one',
  }),
  'torchserve-grpc-port': flag.integer({
    ...{ ...port, default: 7070, group: torchserve },
    describe: 'Port for its inferences over gRPC; 0 takes a free one',
  }),
  'model-store': flag.string({
    ...{ default: '', placeholder: 'folder', group: torchserve },
    describe: 'Folder of model archives (.mar), which clients register; empty: none',
  }),
  'torchserve-models': flag.list({
    ...{ default: [], placeholder: 'archive,..', group: torchserve },
    describe: 'Archives of the store that are registered from the start, or all',
  }),
  'flask-port': flag.integer({
    ...{ ...port, default: 8003, group: flask },
    describe: "Port for the Flask service's protocol; 0 takes a free one",
  }),
  'flask-models': flag.string({
    ...{ default: '', placeholder: 'folder', group: flask },
    describe: 'Folder of models to serve, as aibench-setup-model --server flask writes them; empty: none',
  }),
  'intra-op-threads': flag.integer({
    ...{ default: 1, min: 0, max: 1_024, group: 'Inference' },
    describe: 'Threads of ONNX Runtime inside one operator; 0 lets it choose',
  }),
  'inter-op-threads': flag.integer({
    ...{ default: 1, min: 0, max: 1_024, group: 'Inference' },
    describe: 'Threads of ONNX Runtime for operators side by side; 0 lets it choose',
  }),
  'null-model': flag.boolean({
    ...{ default: false, group: faults },
    describe:
      'Answer zeros of the right shape without running the model; any model and input tensor that is asked for counts as there',
  }),
  'null-output-shape': flag.list({
    ...{ default: ['1x2'], placeholder: '[name=]shape,..', group: faults },
    describe: 'With --null-model: name and shape of each output of a model that is not there, float32',
  }),
  delay: flag.duration({
    ...{ default: '0', group: faults },
    describe: 'Time that each inference takes, computing included',
  }),
  'delay-distribution': flag.string({
    ...{ default: '', placeholder: 'distribution', group: faults },
    describe:
      'Times that inferences take: 98%:2ms,2%:50ms or exponential:2ms or uniform:1ms-3ms or lognormal:2ms,0.5 (median, sigma)',
  }),
  'delay-seed': flag.integer({
    ...{ default: 1, group: faults },
    describe: 'Seed of --delay-distribution; the same seed gives the same times in order of service',
  }),
  stall: flag.duration({
    ...{ default: '0', group: faults },
    describe: 'Length of a stall, in which no inference is answered; needs --stall-every',
  }),
  'stall-every': flag.duration({
    ...{ default: '0', group: faults },
    describe: 'Time from the beginning of one stall to the next; the first comes after one such time',
  }),
  concurrency: flag.integer({
    ...{ default: 0, min: 0, group: faults },
    describe: 'Inferences served at once, the others wait in order; 0: no limit',
  }),
  'fail-every': flag.integer({
    ...{ default: 0, min: 0, group: faults },
    describe: 'Answer every N-th inference with an error; 0: none',
  }),
  'wrong-every': flag.integer({
    ...{ default: 0, min: 0, group: faults },
    describe: 'Answer every N-th inference with wrong numbers; 0: none',
  }),
} as const;

/** Their values. */
export type ReferenceServerFlags = FlagValues<typeof flags>;
