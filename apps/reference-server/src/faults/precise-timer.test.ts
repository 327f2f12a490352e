import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.js';
import { PreciseTimer } from './precise-timer.js';

describe('PreciseTimer', () => {
  it('calls back in order of the due times, each in the first step that reaches it', async () => {
    const times = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(times, async (dueMs) => {
        const clock = new VirtualClock();
        const timer = new PreciseTimer(clock);
        const calls: { due: number; at: number }[] = [];
        for (const due of dueMs) timer.at(due, () => calls.push({ due, at: clock.now() }));
        await clock.advance(70, 0.5);
        expect(calls.map(({ due }) => due)).toEqual([...dueMs].sort((a, b) => a - b));
        for (const { due, at } of calls) expect(at - due).toBeLessThanOrEqual(0.5);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps the order of those due at the same time', async () => {
    const clock = new VirtualClock();
    const timer = new PreciseTimer(clock);
    const calls: number[] = [];
    for (let i = 0; i < 20; i++) timer.at(5, () => calls.push(i));
    await clock.advance(6);
    expect(calls).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('sleeps until shortly before, and takes an earlier time that comes later', async () => {
    const clock = new VirtualClock();
    const timer = new PreciseTimer(clock);
    const calls: string[] = [];
    timer.at(100, () => calls.push('late'));
    await clock.advance(50);
    expect(clock.polls).toBe(0);
    timer.at(60, () => calls.push('early'));
    await clock.advance(11);
    expect(calls).toEqual(['early']);
    await clock.advance(40);
    expect(calls).toEqual(['early', 'late']);
  });

  it('forgets everything when closed', async () => {
    const clock = new VirtualClock();
    const timer = new PreciseTimer(clock);
    let calls = 0;
    timer.at(10, () => calls++);
    timer.close();
    await clock.advance(20);
    expect(calls).toBe(0);
  });
});
