import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areaUnderCurve } from './area-under-curve.js';

describe('areaUnderCurve', () => {
  it('is the share of pairs in the right order, ties counting half', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 1 })), {
      minLength: 2,
      maxLength: 30,
    });
    fc.assert(
      fc.property(rows, (pairs) => {
        const ones = pairs.filter(([, label]) => label === 1).map(([score]) => score);
        const zeros = pairs.filter(([, label]) => label === 0).map(([score]) => score);
        fc.pre(ones.length > 0 && zeros.length > 0);
        let right = 0;
        for (const one of ones) for (const zero of zeros) right += one > zero ? 1 : one === zero ? 0.5 : 0;
        const area = areaUnderCurve(
          pairs.map(([score]) => score),
          pairs.map(([, label]) => label),
        );
        expect(area).toBeCloseTo(right / (ones.length * zeros.length), 10);
      }),
    );
  });

  it('is not a number where a class is empty', () => {
    expect(areaUnderCurve([1, 2], [0, 0])).toBeNaN();
  });
});
