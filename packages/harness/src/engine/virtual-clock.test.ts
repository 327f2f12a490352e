import { describe, expect, it } from 'vitest';
import { VirtualClock } from './virtual-clock.js';

describe('VirtualClock', () => {
  it('wakes sleepers at their times, in order, and moves only for them', async () => {
    const clock = new VirtualClock(1_000);
    const woken: [string, number][] = [];
    const sleep = async (name: string, dueUs: number) => {
      await clock.sleepUntil(dueUs);
      woken.push([name, clock.nowUs()]);
    };
    await clock.run(
      Promise.all([sleep('c', 9_000_000), sleep('a', 500), sleep('b', 2_000), sleep('b2', 2_000)]),
    );
    expect(woken).toEqual([
      ['a', 1_000],
      ['b', 2_000],
      ['b2', 2_000],
      ['c', 9_000_000],
    ]);
  });

  it('lets whatever follows from a moment happen before the next one', async () => {
    const clock = new VirtualClock();
    const steps: number[] = [];
    const chain = async () => {
      for (let i = 0; i < 3; i++) {
        await clock.wait(10);
        await Promise.resolve();
        steps.push(clock.nowUs());
      }
    };
    await clock.run(Promise.all([chain(), clock.wait(25)]));
    expect(steps).toEqual([10, 20, 30]);
  });

  it('ends sleeps early when all are woken, and waits never', async () => {
    const clock = new VirtualClock();
    const sleeping = clock.sleepUntil(1e9).then(() => clock.nowUs());
    const waiting = clock.wait(50).then(() => clock.nowUs());
    clock.wakeAll();
    expect(await clock.run(Promise.all([sleeping, waiting]))).toEqual([0, 50]);
  });

  it('fails where nothing can ever happen, and with what the work fails with', async () => {
    await expect(new VirtualClock().run(new Promise(() => undefined))).rejects.toThrow('no time brings');
    await expect(new VirtualClock().run(Promise.reject(new Error('work')))).rejects.toThrow('work');
  });
});
