import { describe, expect, it } from 'vitest';
import { ModelStatistics } from './gen/inference/grpc_service.js';
import { modelCounters } from './model-counters.js';
import { readJsonAnswer } from './read-json-answers.js';

const json = {
  name: 'financialNet',
  version: '1',
  last_inference: 1_795_334_439_175,
  inference_count: 9,
  execution_count: 3,
  inference_stats: { success: { count: 9, ns: 35_200_556 }, queue: { count: 9, ns: 46_130 } },
  response_stats: {},
  batch_stats: [
    { batch_size: 1, compute_infer: { count: 1, ns: 30 } },
    { batch_size: 4, compute_infer: { count: 2, ns: 50 } },
  ],
  memory_usage: [{ type: 'GPU', id: 0, byte_size: 1 }],
};

const flat = {
  last_inference: 1_795_334_439_175,
  inference_count: 9,
  execution_count: 3,
  'inference_stats.success.count': 9,
  'inference_stats.success.ns': 35_200_556,
  'inference_stats.queue.count': 9,
  'inference_stats.queue.ns': 46_130,
  'batch_stats.1.compute_infer.count': 1,
  'batch_stats.1.compute_infer.ns': 30,
  'batch_stats.4.compute_infer.count': 2,
  'batch_stats.4.compute_infer.ns': 50,
};

describe('modelCounters', () => {
  it('are the same from JSON and from a message', () => {
    expect(readJsonAnswer.modelStatistics({ model_stats: [json] })).toEqual(flat);
    const message = ModelStatistics.fromPartial({
      ...{ name: 'financialNet', version: '1', lastInference: 1_795_334_439_175n },
      ...{ inferenceCount: 9n, executionCount: 3n },
      inferenceStats: { success: { count: 9n, ns: 35_200_556n }, queue: { count: 9n, ns: 46_130n } },
      batchStats: [
        { batchSize: 1n, computeInfer: { count: 1n, ns: 30n } },
        { batchSize: 4n, computeInfer: { count: 2n, ns: 50n } },
      ],
    });
    expect(modelCounters([ModelStatistics.decode(ModelStatistics.encode(message).finish())])).toEqual(flat);
  });

  it('add up versions', () => {
    const other = { ...json, version: '2', last_inference: 5 };
    const { last_inference: last, inference_count: count } = modelCounters([json, other]);
    expect({ last, count }).toEqual({ last: 1_795_334_439_175, count: 18 });
  });
});

describe('readJsonAnswer', () => {
  it('reads a configuration, whatever of it is there', () => {
    const read = readJsonAnswer.modelConfiguration;
    expect(
      read({
        backend: 'onnxruntime',
        max_batch_size: 8,
        dynamic_batching: { preferred_batch_size: [4, 8], max_queue_delay_microseconds: 100 },
        instance_group: [{ kind: 'KIND_CPU', count: 2 }],
      }),
    ).toEqual({
      backend: 'onnxruntime',
      maxBatchSize: 8,
      dynamicBatching: { preferredBatchSizes: [4, 8], maxQueueDelayUs: 100 },
      instances: [{ kind: 'KIND_CPU', count: 2 }],
    });
    expect(read({ platform: 'tensorflow_graphdef' })).toEqual({
      ...{ backend: 'tensorflow_graphdef', maxBatchSize: 0, dynamicBatching: undefined, instances: [] },
    });
  });

  it('refuses what is none', () => {
    expect(() => readJsonAnswer.modelMetadata([])).toThrow('the answer is no model metadata: []');
    expect(() => readJsonAnswer.serverMetadata(undefined)).toThrow('no server metadata: nothing');
  });
});
