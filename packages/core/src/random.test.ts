import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random, rowRandom } from './random.js';

const seed = fc.oneof(fc.maxSafeInteger(), fc.integer());
const rowId = fc.maxSafeNat();

function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.uniform());
}

function moments(values: readonly number[]): {
  mean: number;
  variance: number;
  skewness: number;
  kurtosis: number;
} {
  const average = (power: number, about: number) =>
    values.reduce((sum, value) => sum + (value - about) ** power, 0) / values.length;
  const mean = average(1, 0);
  const variance = average(2, mean);
  return {
    mean,
    variance,
    skewness: average(3, mean) / variance ** 1.5,
    kurtosis: average(4, mean) / variance ** 2,
  };
}

describe('Random', () => {
  it('gives the same numbers for the same seed, by one draw or many', () => {
    fc.assert(
      fc.property(seed, fc.nat(64), (each, count) => {
        const filled = new Float32Array(count);
        new Random(each).fillUniform(filled);
        // Multiples of 2^-24 are exact as float32.
        expect([...filled]).toEqual(draw(new Random(each), count));
      }),
    );
  });

  it('gives numbers that are pinned: data files must not change with a version', () => {
    expect(draw(new Random(12_345), 4)).toMatchInlineSnapshot(`
      [
        0.999264121055603,
        0.7506270408630371,
        0.9880872964859009,
        0.27209562063217163,
      ]
    `);
    expect(draw(rowRandom(12_345, 7, 1), 4)).toMatchInlineSnapshot(`
      [
        0.8448615670204163,
        0.03055340051651001,
        0.18855929374694824,
        0.7130861282348633,
      ]
    `);
  });

  it('is uniform in [0, 1)', () => {
    const values = draw(new Random(1), 200_000);
    expect(values.every((value) => value >= 0 && value < 1 && Number.isInteger(value * 2 ** 24))).toBe(true);
    const { mean, variance } = moments(values);
    // Within five standard errors.
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / values.length));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / values.length));
  });

  it('draws integers from both ends of a range and all between', () => {
    const random = new Random(2);
    const counts = new Map<number, number>();
    for (let i = 0; i < 6_000; i++) {
      const value = random.integer(-2, 3);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2, 3]);
    expect(Math.min(...counts.values())).toBeGreaterThan(800);
  });

  it('draws normals with the moments of a normal', () => {
    const random = new Random(3);
    const { mean, variance, skewness, kurtosis } = moments(
      Array.from({ length: 200_000 }, () => random.normal()),
    );
    expect(mean).toBeCloseTo(0, 1.5);
    expect(variance).toBeCloseTo(1, 1.5);
    expect(skewness).toBeCloseTo(0, 1);
    expect(kurtosis).toBeCloseTo(3, 1);
  });

  it('draws exponentials with mean and variance 1, none negative', () => {
    const random = new Random(4);
    const values = Array.from({ length: 200_000 }, () => random.exponential());
    expect(values.every((value) => value >= 0)).toBe(true);
    expect(moments(values).mean).toBeCloseTo(1, 1.5);
    expect(moments(values).variance).toBeCloseTo(1, 1);
  });
});

describe('rowRandom', () => {
  it("gives a row's numbers whatever was drawn before, in whatever order", () => {
    fc.assert(
      fc.property(seed, fc.uniqueArray(rowId, { minLength: 2, maxLength: 8 }), (each, rows) => {
        const forwards = new Map(rows.map((row) => [row, draw(rowRandom(each, row), 3)]));
        for (const row of [...rows].reverse())
          expect(draw(rowRandom(each, row), 3)).toEqual(forwards.get(row));
      }),
    );
  });

  it('gives other numbers for another seed, row or stream', () => {
    const use = fc.tuple(seed, rowId, fc.nat(3));
    fc.assert(
      fc.property(use, use, (one, other) => {
        fc.pre(one.join() !== other.join());
        expect(draw(rowRandom(...one), 8)).not.toEqual(draw(rowRandom(...other), 8));
      }),
    );
  });

  it('gives no two of a hundred thousand rows of a stream the same numbers, nor numbers that go together', () => {
    const rows = 100_000;
    const firsts = new Set<string>();
    let product = 0;
    for (let row = 0; row < rows; row++) {
      const [a, b, ...more] = draw(rowRandom(1, row), 4) as [number, number, number, number];
      firsts.add([a, b, ...more].join());
      product += (a - 0.5) * (b - 0.5);
    }
    expect(firsts.size).toBe(rows);
    // The correlation of a row's first two numbers, within five standard errors of none.
    expect(Math.abs((12 * product) / rows)).toBeLessThan(5 / Math.sqrt(rows));
  });

  it('tells ids apart that differ above their low 32 bits only', () => {
    expect(draw(rowRandom(1, 5), 4)).not.toEqual(draw(rowRandom(1, 5 + 2 ** 32), 4));
    expect(draw(rowRandom(1, 5), 4)).not.toEqual(draw(rowRandom(1 + 2 ** 32, 5), 4));
    expect(draw(rowRandom(-1, 5), 4)).not.toEqual(draw(rowRandom(2 ** 32 - 1, 5), 4));
  });
});
