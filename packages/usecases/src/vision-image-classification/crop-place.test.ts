import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cropPlace, shorterSideFor } from './crop-place.js';

describe('cropPlace', () => {
  it('cuts crops of 224 from images whose shorter side has 256', () => {
    expect(shorterSideFor(224)).toBe(256);
    expect(shorterSideFor(299)).toBe(342);
    expect(shorterSideFor(1)).toBe(1);
  });

  it('lies within the image, for any of its arguments', () => {
    const side = fc.integer({ min: 224, max: 3000 });
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(), fc.nat(), side, side, (seed, place, crop, width, height) => {
        const { left, top } = cropPlace(seed, place, crop, { width, height }, 224);
        expect(left).toBeGreaterThanOrEqual(0);
        expect(left).toBeLessThanOrEqual(width - 224);
        expect(top).toBeGreaterThanOrEqual(0);
        expect(top).toBeLessThanOrEqual(height - 224);
      }),
    );
  });

  it('reaches every place, the outermost too', () => {
    const lefts = new Set<number>();
    for (let place = 0; place < 300; place++) {
      lefts.add(cropPlace(1, place, 0, { width: 228, height: 224 }, 224).left);
    }
    expect([...lefts].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('differs with the seed, the place and the crop, each', () => {
    const size = { width: 10_224, height: 10_224 };
    const places = [
      [1, 1, 1],
      [2, 1, 1],
      [1, 2, 1],
      [1, 1, 2],
    ].map(([seed, place, crop]) => JSON.stringify(cropPlace(seed!, place!, crop!, size, 224)));
    expect(new Set(places).size).toBe(places.length);
  });
});
