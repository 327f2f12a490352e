import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constantRate, unpaced } from './pacer.js';

describe('pacers', () => {
  it('unpaced: everything is due at once', () => {
    expect([0, 1, 1e9].map((index) => unpaced.dueUs(index))).toEqual([0, 0, 0]);
  });

  it('constantRate: the n-th request is due n gaps after the start', () => {
    const pacer = constantRate(4);
    expect([0, 1, 2, 8].map((index) => pacer.dueUs(index))).toEqual([0, 250_000, 500_000, 2_000_000]);
  });

  it('constantRate: never more requests due than the rate allows since the start, and no fewer', () => {
    const rate = fc.double({ min: 1e-3, max: 1e7, noNaN: true });
    fc.assert(
      fc.property(rate, fc.nat(1e9), (perSecond, index) => {
        const pacer = constantRate(perSecond);
        expect(pacer.dueUs(index + 1)).toBeGreaterThanOrEqual(pacer.dueUs(index));
        // index + 1 requests are due at this moment, the first of them at 0.
        expect((pacer.dueUs(index) / 1e6) * perSecond).toBeCloseTo(index, 3);
      }),
    );
  });
});
