import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostDecimalBytes, writeDecimal } from './decimal-writer.js';

const buffer = Buffer.alloc(100);

function written(value: number): string {
  buffer.fill(0);
  const end = writeDecimal(value, buffer, 3);
  expect(end - 3).toBeLessThanOrEqual(mostDecimalBytes);
  return buffer.toString('latin1', 3, end);
}

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
/** All float32, each as probable as any other, not only those of fast-check's taste. */
const anyBits = fc.integer({ min: 0, max: 0xffffffff }).map((word) => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, word);
  return view.getFloat32(0);
});

describe('writeDecimal', () => {
  it.each([
    [0, '0'],
    [-0, '-0.0'],
    [1, '1'],
    [-1, '-1'],
    [0.1, '0.1'],
    [1 / 3, '0.333333343'],
    [0.5, '0.5'],
    [88.35, '88.35'],
    [172_792, '172792'],
    [16_777_216, '16777216'],
    [999_999_936, '999999936'],
    [1e9, '1000000000'],
    [123_456.79, '123456.789'],
    [1e-7, '0.0000001'],
    [1.2345679e-7, '0.000000123456786'],
    [1.5e-9, '15e-10'],
    [3.4028234663852886e38, '3.4028234663852886e+38'],
    [1.401298464324817e-45, '1.401298464324817e-45'],
    [0.99999994, '0.99999994'],
    [9.999999, '9.99999905'],
    [9.99999, '9.99999'],
  ])('writes %d as %s', (value, text) => {
    expect(written(Math.fround(value))).toBe(text);
  });

  it('writes what JSON reads back as the same number, sign of zero included', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          float32,
          anyBits.filter((value) => Number.isFinite(value)),
        ),
        (value) => {
          expect(Math.fround(JSON.parse(written(value)) as number)).toBe(value);
        },
      ),
      { numRuns: 20_000 },
    );
  });

  it('writes numbers of up to six digits as people do', () => {
    fc.assert(
      fc.property(fc.nat(999_999), fc.nat(5), (digits, decimals) => {
        const value = digits / 10 ** decimals;
        expect(written(Math.fround(value))).toBe(String(value));
      }),
      { numRuns: 5_000 },
    );
  });
});
