import type { Runner } from '@aibench/harness';
import { flag } from '@aibench/harness/cli';
import { commandTemplate, openRequestConnection, parseRedisAddress, type TemplatePart } from '@aibench/redis';

const flags = { host: flag.string({ default: '127.0.0.1:6379', describe: 'Redis' }) };

const sample = {
  model: 'financialNet_NoReference',
  transaction: 'transactionTensor:{123456}',
  classification: 'classificationTensor:{123456}',
  blob: 'A'.repeat(120),
};

/**
 * A request of 22 arguments with a blob of 120 bytes, under a name that every
 * Redis knows: the DAG without reference data, which has 20, and ROUTING with
 * its key before it, as AI.DAGEXECUTE has. (With reference data a DAG has 24.)
 */
export const existsArguments: readonly [string, ...string[]] = [
  ...(['EXISTS', 'ROUTING', sample.model, '|>'] as const),
  ...['AI.TENSORSET', sample.transaction, 'FLOAT', '1', '30', 'BLOB', sample.blob, '|>'],
  ...['AI.MODELRUN', sample.model, 'INPUTS', sample.transaction, 'OUTPUTS', sample.classification, '|>'],
  ...['AI.TENSORGET', sample.classification, 'BLOB'],
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
    const connection = await openRequestConnection(parseRedisAddress(host));
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
