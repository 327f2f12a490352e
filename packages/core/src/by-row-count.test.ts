import { expect, it } from 'vitest';
import { ByRowCount, withRowCount } from './by-row-count.js';

it('ByRowCount makes each once', () => {
  const made: number[] = [];
  const squares = new ByRowCount((rowCount) => {
    made.push(rowCount);
    return rowCount ** 2;
  });
  expect([3, 2, 3, 2, 3].map((rowCount) => squares.get(rowCount))).toEqual([9, 4, 9, 4, 9]);
  expect(made).toEqual([3, 2]);
});

it('withRowCount keeps all else', () => {
  const spec = { name: 'x', dtype: 'float32', shape: [8, 224, 3], keyPrefix: 'k' } as const;
  expect(withRowCount([spec], 5)).toEqual([{ ...spec, shape: [5, 224, 3] }]);
});
