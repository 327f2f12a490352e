import { DataType, ModelInstanceGroup_Kind } from '@aibench/triton';
import { describe, expect, it } from 'vitest';
import { configJson } from './config-json.js';
import { readModelConfig } from './model-config.js';

const text = `
name: "fraud"
backend: "onnxruntime"
max_batch_size: 8
default_model_filename: "fraud.onnx"
input { name: "a" data_type: TYPE_FP32 dims: [ 30 ] reshape { shape: [ 5, 6 ] } }
output [ { name: "b" data_type: TYPE_UINT8 dims: 2 dims: -1 label_filename: "x" } ]
instance_group [ { count: 2 kind: KIND_CPU }, { kind: KIND_MODEL } ]
dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 500 }
parameters { key: "x" value { string_value: "y" } }`;

describe('a config.pbtxt', () => {
  it('is read, as far as it is of use here', () => {
    expect(readModelConfig(text)).toEqual({
      ...{
        name: 'fraud',
        platform: '',
        backend: 'onnxruntime',
        maxBatchSize: 8,
        defaultModelFilename: 'fraud.onnx',
      },
      input: [{ name: 'a', dataType: DataType.TYPE_FP32, dims: [30n], reshape: { shape: [5n, 6n] } }],
      output: [{ name: 'b', dataType: DataType.TYPE_UINT8, dims: [2n, -1n], reshape: undefined }],
      instanceGroup: [
        { name: '', count: 2, kind: ModelInstanceGroup_Kind.KIND_CPU },
        { name: '', count: 1, kind: ModelInstanceGroup_Kind.KIND_MODEL },
      ],
      schedulingChoice: {
        $case: 'dynamicBatching',
        value: { preferredBatchSize: [4, 8], maxQueueDelayMicroseconds: 500n },
      },
    });
  });

  it('is told over HTTP under its own names', () => {
    expect(configJson('fraud', readModelConfig(text))).toMatchObject({
      ...{ name: 'fraud', max_batch_size: 8, default_model_filename: 'fraud.onnx' },
      input: [{ name: 'a', data_type: 'TYPE_FP32', dims: [30], reshape: { shape: [5, 6] } }],
      output: [{ name: 'b', data_type: 'TYPE_UINT8', dims: [2, -1] }],
      instance_group: [{ count: 2, kind: 'KIND_CPU' }, { kind: 'KIND_MODEL' }],
      dynamic_batching: { preferred_batch_size: [4, 8], max_queue_delay_microseconds: 500 },
    });
  });

  it.each([
    ['name: 3', 'name is no text in quotes'],
    ['max_batch_size: 1.5', 'max_batch_size is no whole number'],
    ['max_batch_size: "8"', 'max_batch_size is no whole number'],
    ['input { data_type: FP32 }', 'data_type is none of TYPE_INVALID, '],
    ['input: "a"', 'input is no message'],
    ['input { name: "a"', 'line 1: the text ends too early'],
  ])('is refused: %s', (wrong, message) => {
    expect(() => readModelConfig(wrong)).toThrow(message);
  });
});
