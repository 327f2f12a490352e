import { type FlagValues, flag } from '@aibench/harness/cli';

const faults = 'Injected behaviour';
const protocol = 'Redis protocol';

/** The reference server's flags. */
export const flags = {
  host: flag.string({ default: '127.0.0.1', placeholder: 'address', describe: 'Address to listen on' }),
  'until-stdin-ends': flag.boolean({
    default: false,
    describe: 'End when stdin does, so that the server does not outlive the program that started it',
  }),
  'redis-port': flag.integer({
    ...{ default: 6379, min: 0, max: 65_535, group: protocol },
    describe: 'Port for the Redis protocol; 0 takes a free one',
  }),
  password: flag.string({
    default: '',
    describe: 'Password that clients must give; empty: none',
    group: protocol,
  }),
  'tls-cert': flag.string({
    ...{ default: '', placeholder: 'path', group: protocol },
    describe: 'Certificate (PEM) for TLS; needs --tls-key',
  }),
  'tls-key': flag.string({
    ...{ default: '', placeholder: 'path', group: protocol },
    describe: 'Private key (PEM) for TLS; needs --tls-cert',
  }),
  'redisai-version': flag.integer({
    ...{ default: 10_205, min: 10_000, max: 99_999, group: protocol },
    describe: 'RedisAI version to emulate, 10205 for 1.2.5; below 10203 the newer commands are unknown',
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
      'Answer zeros of the right shape without running the model; models and input tensors that were never stored count as stored',
  }),
  'null-output-shape': flag.list({
    ...{ default: ['1x2'], placeholder: 'shape,..', group: faults },
    describe: 'With --null-model: shape of each output of a model that was never stored, float32',
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
