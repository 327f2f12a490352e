import { float32Values } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fraudReference, fraudRow, readTransaction } from './fraud-row.js';

const float32s = (length: number) =>
  fc.array(fc.float({ noNaN: true }), { minLength: length, maxLength: length });

describe('the row of creditcard-fraud', () => {
  it('is laid out as in the Go suite: u64 id, 30 and 256 float32, little-endian', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), float32s(30), float32s(256), (id, transaction, reference) => {
        // At an odd offset, as rows lie in a buffer that was read from a pipe.
        const row = Buffer.alloc(1 + 1152).subarray(1);
        row.writeBigUInt64LE(BigInt(id), 0);
        for (const [i, value] of [...transaction, ...reference].entries()) row.writeFloatLE(value, 8 + 4 * i);
        expect(fraudRow.sizeBytes).toBe(1152);
        expect(fraudRow.readId(row)).toBe(id);
        expect([...float32Values(readTransaction(row))]).toEqual(transaction);
        expect([...float32Values(fraudReference.read(row))]).toEqual(reference);
      }),
      { numRuns: 50 },
    );
  });

  it('has its reference data under keys of one cluster slot', () => {
    expect(fraudReference.blobKey(7)).toBe('referenceBLOB:{7}');
    expect(fraudReference.tensorKey(7)).toBe('referenceTensor:{7}');
    expect(fraudReference.storedShape).toEqual([1, 256]);
  });
});
