import { DataType, type ModelConfig, ModelInstanceGroup_Kind } from '@aibench/triton';
import type { ConfigTensor } from './check-config.js';

/** A model's configuration as HTTP carries it. @param config undefined where the null model stands in for it */
export function configJson(name: string, config: ModelConfig | undefined): unknown {
  if (config === undefined) return { name, platform: 'null', max_batch_size: 0, input: [], output: [] };
  const batching = config.schedulingChoice?.value;
  return {
    ...{ name: config.name, platform: config.platform, backend: config.backend },
    max_batch_size: config.maxBatchSize,
    input: config.input.map(tensorJson),
    output: config.output.map(tensorJson),
    ...(batching === undefined
      ? {}
      : {
          dynamic_batching: {
            preferred_batch_size: batching.preferredBatchSize,
            max_queue_delay_microseconds: Number(batching.maxQueueDelayMicroseconds),
          },
        }),
    instance_group: config.instanceGroup.map(({ name: group, count, kind }) => ({
      ...{ name: group, count },
      kind: nameOf(ModelInstanceGroup_Kind, kind),
    })),
    default_model_filename: config.defaultModelFilename,
  };
}

function tensorJson({ name, dataType, dims, reshape }: ConfigTensor): unknown {
  return {
    ...{ name, data_type: nameOf(DataType, dataType), dims: dims.map(Number) },
    ...(reshape === undefined ? {} : { reshape: { shape: reshape.shape.map(Number) } }),
  };
}

function nameOf(values: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(values).find(([, number]) => number === value)?.[0] ?? String(value);
}
