import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resizedSize } from './resized-size.js';

describe('resizedSize', () => {
  it.each([
    [640, 480, 341, 256],
    [480, 640, 256, 341],
    [427, 640, 256, 383],
    [256, 256, 256, 256],
    [10, 20, 256, 512],
  ])('of %i x %i', (width, height, resizedWidth, resizedHeight) => {
    expect(resizedSize({ width, height }, 256)).toEqual({ width: resizedWidth, height: resizedHeight });
  });

  it('has the shorter side asked for and keeps the aspect to a pixel', () => {
    const side = fc.integer({ min: 1, max: 20_000 });
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 1000 }), (width, height, shorterSide) => {
        const resized = resizedSize({ width, height }, shorterSide);
        const [shorter, longer] =
          width < height ? [resized.width, resized.height] : [resized.height, resized.width];
        expect(shorter).toBe(shorterSide);
        expect(longer).toBeGreaterThanOrEqual(shorter);
        const exact = (Math.max(width, height) / Math.min(width, height)) * shorterSide;
        expect(Math.abs(longer - exact)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
