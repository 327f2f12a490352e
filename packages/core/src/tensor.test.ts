import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dtypeSizeBytes,
  elementCount,
  float32Tensor,
  float32Values,
  float32View,
  formatShape,
  type Tensor,
  tensorSizeBytes,
} from './tensor.js';

describe('sizes', () => {
  it('multiply the extents; a scalar has one element', () => {
    expect(elementCount([])).toBe(1);
    expect(elementCount([1, 224, 224, 3])).toBe(150_528);
    expect(elementCount([4, 0])).toBe(0);
    for (const [dtype, size] of Object.entries(dtypeSizeBytes)) {
      expect(tensorSizeBytes({ name: 't', dtype: dtype as keyof typeof dtypeSizeBytes, shape: [2, 3] })).toBe(
        6 * size,
      );
    }
  });

  it('are shown as Redis and the servers write shapes', () => {
    expect(formatShape([1, 30])).toBe('[1,30]');
    expect(formatShape([])).toBe('[]');
  });
});

describe('float32 values', () => {
  it('come back as they went in, from any alignment', () => {
    fc.assert(
      fc.property(fc.array(fc.float()), fc.nat(7), (values, misalignment) => {
        const made = float32Tensor('t', [values.length], values);
        const around = new Uint8Array(misalignment + made.data.byteLength + 3);
        around.set(made.data, misalignment);
        const data = around.subarray(misalignment, misalignment + made.data.byteLength);
        expect([...float32Values({ ...made, data })]).toEqual(values);
      }),
    );
  });

  it('are a view where the bytes are aligned, a copy elsewhere', () => {
    const bytes = new Uint8Array(12);
    expect(float32View(bytes.subarray(4)).buffer).toBe(bytes.buffer);
    expect(float32View(bytes.subarray(1, 9)).buffer).not.toBe(bytes.buffer);
    expect(float32View(bytes.subarray(0, 11))).toHaveLength(2);
  });

  it('are little-endian', () => {
    expect([...float32Tensor('t', [1], [1.5]).data]).toEqual([0, 0, 0xc0, 0x3f]);
  });

  it('are not read from another dtype or the wrong number of bytes', () => {
    const tensor = float32Tensor('out', [1, 2], [0.25, 0.75]);
    const wrong: Tensor[] = [
      { ...tensor, dtype: 'int64', shape: [1] },
      { ...tensor, shape: [1, 3] },
      { ...tensor, data: tensor.data.subarray(1) },
    ];
    for (const each of wrong) {
      expect(() => float32Values(each)).toThrow(expect.objectContaining({ code: 'AIBENCH_ANSWER' }));
      expect(() => float32Values(each)).toThrow(/tensor out/);
    }
  });
});
