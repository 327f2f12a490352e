import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DeadlineTimer } from './deadline-timer.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('fires for each deadline that has come, and sets no timer for each', () => {
  const deadlines = new Set<number>();
  const fired: number[] = [];
  const timer = new DeadlineTimer((nowMs) => {
    for (const deadline of deadlines) {
      if (deadline > nowMs) continue;
      fired.push(deadline);
      deadlines.delete(deadline);
    }
    return Math.min(...deadlines);
  });
  const now = performance.now();
  for (const afterMs of [1_000, 1_001, 1_002, 5_000]) {
    deadlines.add(now + afterMs);
    timer.add(now + afterMs);
  }
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(999);
  expect(fired).toEqual([]);
  vi.advanceTimersByTime(10);
  expect(fired).toEqual([now + 1_000, now + 1_001, now + 1_002]);
  deadlines.add(now + 2_000);
  timer.add(now + 2_000);
  vi.advanceTimersByTime(1_000);
  expect(fired).toHaveLength(4);
  vi.advanceTimersByTime(10_000);
  expect(fired).toHaveLength(5);
  expect(vi.getTimerCount()).toBe(0);
});

it('waits longer than a timer of Node can', () => {
  let calls = 0;
  const deadline = performance.now() + 2 ** 33;
  const timer = new DeadlineTimer((nowMs) => {
    calls += 1;
    return nowMs >= deadline ? Number.POSITIVE_INFINITY : deadline;
  });
  timer.add(deadline);
  vi.advanceTimersByTime(2 ** 33 + 10);
  expect(calls).toBe(5);
  timer.add(performance.now() + 10);
  timer.stop();
  expect(vi.getTimerCount()).toBe(0);
});
