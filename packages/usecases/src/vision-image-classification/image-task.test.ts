import { AibenchError, float32Tensor, float32Values } from '@aibench/core';
import { evaluate } from '@aibench/models';
import { describe, expect, it } from 'vitest';
import { defaultSettings, imageSettings } from './image-settings.js';
import { useCase } from './index.js';
import { createChunkMaker } from './synthetic-chunk.js';

const rowSizeBytes = 602_112;
const rowCount = 4;
const data = new Uint8Array(rowCount * rowSizeBytes);
const makeChunk = createChunkMaker({ seed: 1, settings: imageSettings(defaultSettings) });
for (let place = 0; place < rowCount; place++) {
  makeChunk(
    { place, firstCrop: 0, cropCount: 1 },
    data.subarray(place * rowSizeBytes, (place + 1) * rowSizeBytes),
  );
}

describe('the inference task of vision-image-classification', () => {
  const task = useCase.task({ withReference: false });

  it('asks with the pixels of one row, as a view, under the id of its place', () => {
    const row = data.subarray(rowSizeBytes, 2 * rowSizeBytes);
    const { id, inputs } = task.readRequest(row, 1);
    expect(id).toBe(1);
    expect(inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual([
      { name: 'input', dtype: 'float32', shape: [1, 224, 224, 3] },
    ]);
    expect(inputs[0]!.data.buffer).toBe(data.buffer);
    expect(inputs[0]!.data.byteOffset).toBe(rowSizeBytes);
  });

  it('asks with several rows as one tensor, with fewer at the end', () => {
    const batch = useCase.task({ withReference: false, batchSize: 3 });
    expect(batch.inputs[0]).toMatchObject({ shape: [3, 224, 224, 3], keyPrefix: 'imageTensor' });
    expect(batch.outputs[0]).toMatchObject({
      ...{ name: 'MobilenetV1/Predictions/Reshape_1', shape: [3, 1001], keyPrefix: 'classificationTensor' },
    });
    expect(batch.readRequest(data.subarray(0, 3 * rowSizeBytes), 0).inputs[0]!.shape[0]).toBe(3);
    const { id, inputs } = batch.readRequest(data.subarray(3 * rowSizeBytes), 3);
    expect([id, inputs[0]!.shape]).toEqual([3, [1, 224, 224, 3]]);
  });

  it('compares with stored answers where there are some', () => {
    const seen: number[][] = [];
    const stored = useCase.task({
      withReference: false,
      batchSize: 2,
      expected: {
        read: (firstRow, count) => {
          seen.push([firstRow, count]);
          return new Uint8Array(count * 1001 * 4);
        },
      },
    });
    const [answer] = stored.expectedOutputs(data.subarray(2 * rowSizeBytes), 2);
    expect(seen).toEqual([[2, 2]]);
    expect(answer).toMatchObject({ name: stored.outputs[0]!.name, dtype: 'float32', shape: [2, 1001] });
    expect(stored.checkTop).toBe(true);
  });

  it('expects what the graph answers; two images differ by more than the tolerance, and in their class', () => {
    const two = data.subarray(0, 2 * rowSizeBytes);
    const [answer] = task.expectedOutputs(two, 0);
    const values = float32Values(answer!);
    const [first, second] = [values.subarray(0, 1001), values.subarray(1001)];
    const [alone] = evaluate(task.graph(), [
      float32Tensor(
        'input',
        [1, 224, 224, 3],
        float32Values(task.readRequest(two.subarray(0, rowSizeBytes)).inputs[0]!),
      ),
    ]);
    expect([...first]).toEqual([...float32Values(alone!)]);
    expect(first.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 4);
    expect(Math.max(...first.map((value, i) => Math.abs(value - second[i]!)))).toBeGreaterThan(
      10 * task.tolerance,
    );
    expect(first.indexOf(Math.max(...first))).not.toBe(second.indexOf(Math.max(...second)));
  });

  it('has a model for both layouts, and says so where it has none', () => {
    const nchw = useCase.withSettings!({ 'image-layout': 'NCHW' }).task({ withReference: false });
    expect(nchw.inputs[0]!.shape).toEqual([1, 3, 224, 224]);
    expect(nchw.graph().inputs[0]!.shape).toEqual([-1, 3, 224, 224]);
    expect(nchw.defaultModelName).toBe('mobilenet_v1_100_224_NxCxHxW');
    expect(task.defaultModelName).toBe('mobilenet_v1_100_224_NxHxWxC');
    for (const settings of [{ 'image-size': 299 }, { 'image-dtype': 'uint8' }]) {
      const other = useCase.withSettings!(settings).task({ withReference: false });
      expect(() => other.graph()).toThrow(expect.objectContaining({ code: 'AIBENCH_USAGE' }));
    }
  });

  it('has no reference data', () => {
    expect(() => useCase.task({ withReference: true })).toThrow(AibenchError);
    expect(useCase.references).toEqual([]);
  });

  it('refuses settings that exclude each other', () => {
    expect(() =>
      useCase.withSettings!({ 'image-dtype': 'uint8', 'image-normalization': 'imagenet' }),
    ).toThrow(
      expect.objectContaining({
        code: 'AIBENCH_USAGE',
        hint: expect.stringContaining('--image-dtype uint8'),
      }),
    );
  });
});
