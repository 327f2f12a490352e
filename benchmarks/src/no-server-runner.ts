import type { Runner } from '@aibench/harness';

/** Asks nobody: each answer comes with the next turn of the event loop. What is measured is the engine. */
export const runner: Runner<Record<string, never>> = {
  name: 'no-server',
  summary: 'asks nobody',
  flags: {},
  describeServer: async () => ({ product: 'none', version: 'none', isReference: false, details: {} }),
  async connect({ task }) {
    const outputs = task.outputs.map((spec) => ({ ...spec, data: new Uint8Array(8) }));
    return {
      async infer(_request, stages) {
        stages.end('encode');
        await new Promise((resolve) => setImmediate(resolve));
        stages.end('wait');
        stages.end('decode');
        return outputs;
      },
      close: async () => undefined,
    };
  },
};
