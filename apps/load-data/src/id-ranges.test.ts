import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IdRanges } from './id-ranges.js';

it('gives back the ids in order', () => {
  const run = fc
    .record({ first: fc.maxSafeNat(), step: fc.nat(3), count: fc.nat(5) })
    .map(({ first, step, count }) => Array.from({ length: count }, (_, i) => first + i * step))
    .filter((ids) => ids.every(Number.isSafeInteger));
  fc.assert(
    fc.property(fc.array(run), (runs) => {
      const ids = runs.flat();
      const ranges = new IdRanges();
      for (const id of ids) ranges.push(id);
      expect([...ranges]).toEqual(ids);
      expect(ranges.length).toBe(ids.length);
    }),
  );
});
