import type { Runner } from '@aibench/harness';
import { flag } from '@aibench/harness/cli';
import { commandTemplate, connectRedis, parseRedisAddress, type TemplatePart } from '@aibench/redis';

const flags = { host: flag.string({ default: '127.0.0.1:6379', describe: 'Redis' }) };

const sample = {
  transaction: 'transactionTensor:{123456}',
  reference: 'referenceTensor:{123456}',
  classification: 'classificationTensor:{123456}',
  blob: 'A'.repeat(120),
};

/** AI.DAGRUN's arguments for one inference with reference data, under a name that every Redis knows. */
export const existsArguments: readonly [string, ...string[]] = [
  ...(['EXISTS', 'LOAD', '1', sample.reference, '|>'] as const),
  ...['AI.TENSORSET', sample.transaction, 'FLOAT', '1', '30', 'BLOB', sample.blob, '|>'],
  ...['AI.MODELRUN', 'financialNet', 'INPUTS', sample.transaction, sample.reference],
  ...['OUTPUTS', sample.classification, '|>', 'AI.TENSORGET', sample.classification, 'BLOB'],
];

const [name, ...rest] = existsArguments;
const parts = rest.map((argument): TemplatePart => {
  if (argument === sample.blob) return { blob: argument.length };
  return argument.includes('{') ? { key: (id) => argument.replace('123456', String(id)) } : argument;
});
const template = commandTemplate([name, ...parts]);

/** Sends what a RedisAI session does to a plain Redis, and takes any answer for the right one. */
export const runner: Runner<typeof flags> = {
  name: 'exists',
  summary: 'asks a plain Redis',
  flags,
  describeServer: async () => ({ product: 'Redis', version: 'unknown', isReference: false, details: {} }),
  async connect({ flags: { host }, task }) {
    const connection = await connectRedis(parseRedisAddress(host));
    const outputs = task.outputs.map((spec) => ({ ...spec, data: new Uint8Array(8) }));
    return {
      async infer({ id, inputs }, stages) {
        const command = template.encode(
          id,
          inputs.map(({ data }) => data),
        );
        stages.end('encode');
        await connection.send(command);
        stages.end('wait');
        stages.end('decode');
        return outputs;
      },
      close: () => connection.close(),
    };
  },
};
