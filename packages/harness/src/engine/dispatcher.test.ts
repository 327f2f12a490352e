import { describe, expect, it } from 'vitest';
import { ClosedDispatcher } from './dispatcher.js';
import { constantRate, firstRequests, unpaced } from './pacer.js';

describe('ClosedDispatcher', () => {
  it('has a request due when a worker asks, and not before the pacer allows it', () => {
    const dispatcher = new ClosedDispatcher(constantRate(1_000), 0, 1);
    expect(dispatcher.take(0)).toEqual({ index: 0, dueUs: 0 });
    expect(dispatcher.take(10)).toEqual({ index: 1, dueUs: 1_000 });
    expect(dispatcher.take(7_500)).toEqual({ index: 2, dueUs: 7_500 });
  });

  it('gives a thread every so many numbers, up to the limit', () => {
    const taken = [0, 1, 2].map((thread) => {
      const dispatcher = new ClosedDispatcher(firstRequests(unpaced, 8), thread, 3);
      const indices: number[] = [];
      for (let next = dispatcher.take(5); next !== undefined; next = dispatcher.take(5))
        indices.push(next.index);
      expect(dispatcher.take(6)).toBeUndefined();
      return indices;
    });
    expect(taken).toEqual([
      [0, 3, 6],
      [1, 4, 7],
      [2, 5],
    ]);
  });

  it('drops nothing and leaves nothing behind', () => {
    const dispatcher = new ClosedDispatcher(constantRate(1), 0, 1);
    dispatcher.take(0);
    dispatcher.release();
    expect([dispatcher.dropped, dispatcher.close()]).toEqual([0, 0]);
  });
});

describe('firstRequests', () => {
  it('are due as before up to the limit, and never beyond it', () => {
    const pacer = firstRequests(constantRate(1_000), 2);
    expect([0, 1, 2, 3].map((index) => pacer.dueUs(index))).toEqual([
      0,
      1_000,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('are all of them where there is no limit', () => {
    const pacer = constantRate(10);
    expect(firstRequests(pacer, Number.POSITIVE_INFINITY)).toBe(pacer);
    expect(firstRequests(pacer, 0).dueUs(0)).toBe(Number.POSITIVE_INFINITY);
  });
});
