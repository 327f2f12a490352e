import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowLayout } from './row-layout.js';
import { dtypeSizeBytes, type TensorSpec, tensorSizeBytes } from './tensor.js';

const spec: fc.Arbitrary<Omit<TensorSpec, 'name'>> = fc.record({
  dtype: fc.constantFrom(...(Object.keys(dtypeSizeBytes) as (keyof typeof dtypeSizeBytes)[])),
  shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
});
const fields = fc
  .array(spec, { maxLength: 6 })
  .map((specs) => specs.map((each, i): TensorSpec => ({ ...each, name: `field${i}` })));
const rowId = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));

describe('RowLayout', () => {
  it('keeps id and fields apart, in order, without a byte between', () => {
    fc.assert(
      fc.property(fields, fc.boolean(), rowId, (specs, hasId, id) => {
        const layout = new RowLayout(specs, { hasId });
        const sizes = specs.map(tensorSizeBytes);
        expect(layout.sizeBytes).toBe(sizes.reduce((sum, size) => sum + size, hasId ? 8 : 0));

        // The row lies in a larger buffer, whose other bytes must stay as they are.
        const around = new Uint8Array(layout.sizeBytes + 32).fill(0xee);
        const row = around.subarray(13, 13 + layout.sizeBytes);
        if (hasId) layout.writeId(row, id);
        specs.forEach((_, i) => {
          layout.readTensor(row, i).data.fill(i + 1);
        });

        const expected = [
          ...(hasId ? new Uint8Array(new BigUint64Array([BigInt(id)]).buffer) : []),
          ...sizes.flatMap((size, i) => Array<number>(size).fill(i + 1)),
        ];
        expect([...row]).toEqual(expected);
        expect([...around.subarray(0, 13), ...around.subarray(13 + layout.sizeBytes)]).toEqual(
          Array(32).fill(0xee),
        );
        if (hasId) expect(layout.readId(row)).toBe(id);
        specs.forEach((each, i) => {
          const tensor = layout.readTensor(row, i);
          expect(tensor).toMatchObject(each);
          expect(tensor.data.byteOffset).toBe(row.byteOffset + layout.offsetOf(each.name));
        });
      }),
    );
  });

  const layout = new RowLayout([{ name: 'x', dtype: 'float32', shape: [2] }], { hasId: true });

  it('rejects any id above 2^53 - 1, and names it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }), (id) => {
        const row = new Uint8Array(layout.sizeBytes);
        new DataView(row.buffer).setBigUint64(0, id, true);
        expect(() => layout.readId(row)).toThrow(
          expect.objectContaining({ code: 'AIBENCH_INPUT', message: expect.stringContaining(String(id)) }),
        );
      }),
    );
  });

  it.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('does not write the id %d', (id) => {
    expect(() => layout.writeId(new Uint8Array(16), id)).toThrow(RangeError);
  });

  it('knows its fields by name', () => {
    expect(layout.offsetOf('x')).toBe(8);
    expect(() => layout.offsetOf('y')).toThrow(/no field y/);
  });
});
