import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SleepObserver, SystemClock } from './clock.js';

/** Keeps what it is told. */
class Notes implements SleepObserver {
  readonly lateUs: number[] = [];
  readonly polledUs: number[] = [];

  noteWakeLateUs(lateUs: number): void {
    this.lateUs.push(lateUs);
  }

  notePolledUs(polledUs: number): void {
    this.polledUs.push(polledUs);
  }
}

describe('SystemClock', () => {
  it('never goes back, and is the same clock for all that read it', () => {
    const one = new SystemClock();
    const other = new SystemClock();
    const readings = Array.from({ length: 1_000 }, (_, i) => (i % 2 === 0 ? one : other).nowUs());
    for (let i = 2; i < readings.length; i++) expect(readings[i]).toBeGreaterThanOrEqual(readings[i - 2]!);
    // Two instances agree to far less than a millisecond of what lies between their readings.
    expect(Math.abs(other.nowUs() - one.nowUs())).toBeLessThan(1e6);
  });

  it('wakes each sleeper when its time has come and not before, in the order of their times', async () => {
    const delays = fc.array(fc.integer({ min: -1_000, max: 8_000 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(delays, async (delaysUs) => {
        const clock = new SystemClock();
        const startUs = clock.nowUs();
        const woken: number[] = [];
        await Promise.all(
          delaysUs.map(async (delayUs) => {
            await clock.sleepUntil(startUs + delayUs);
            expect(clock.nowUs()).toBeGreaterThanOrEqual(startUs + delayUs);
            woken.push(delayUs);
          }),
        );
        // Sleepers whose time had come already leave first, whatever their order.
        expect(woken.filter((delayUs) => delayUs > 0)).toEqual(
          delaysUs.filter((delayUs) => delayUs > 0).sort((a, b) => a - b),
        );
      }),
      { numRuns: 15 },
    );
  });

  it('ends every sleep when all are woken, however long, and sleeps again after that', async () => {
    const clock = new SystemClock();
    // Above 2^31 - 1 ms setTimeout does not wait at all.
    const long = [1e6, 1e12, 1e18, Number.POSITIVE_INFINITY].map((us) =>
      clock.sleepUntil(clock.nowUs() + us),
    );
    let woken = 0;
    for (const sleep of long) void sleep.then(() => woken++);
    await clock.sleepUntil(clock.nowUs() + 5_000);
    expect(woken).toBe(0);
    clock.wakeAll();
    await Promise.all(long);
    await clock.sleepUntil(clock.nowUs() + 100);
  });

  it('keeps no timer when nobody sleeps, so that a thread can end', async () => {
    const clock = new SystemClock();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const sleep = clock.sleepUntil(clock.nowUs() + 60e6);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before + 1);
    clock.wakeAll();
    await sleep;
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before);
  });

  it('keeps one timer for any number of sleepers, in whatever order they come', () => {
    const clock = new SystemClock();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    for (let i = 100; i > 0; i--) void clock.sleepUntil(clock.nowUs() + i * 1e6);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before + 1);
    clock.wakeAll();
  });
});

describe("SystemClock's observer", () => {
  it('is told once of each sleeper whose time has come, never that it woke early', async () => {
    const notes = new Notes();
    const clock = new SystemClock(notes);
    const startUs = clock.nowUs();
    const delaysUs = [300, 100, 4_000, 100, 2_500];
    await Promise.all(delaysUs.map((delayUs) => clock.sleepUntil(startUs + delayUs)));
    expect(notes.lateUs).toHaveLength(delaysUs.length);
    expect(notes.lateUs.every((lateUs) => lateUs >= 0)).toBe(true);
  });

  it('is told in the order of the due times: of those that wake together, the first is the latest', async () => {
    const notes = new Notes();
    const clock = new SystemClock(notes);
    const startUs = clock.nowUs();
    const sleeps = [400, 200, 300].map((delayUs) => clock.sleepUntil(startUs + delayUs));
    // All three fall due while the thread is busy.
    while (clock.nowUs() < startUs + 1_000);
    await Promise.all(sleeps);
    expect(notes.lateUs).toHaveLength(3);
    expect(notes.lateUs).toEqual([...notes.lateUs].sort((a, b) => b - a));
    expect(notes.lateUs[0]! - notes.lateUs[2]!).toBeCloseTo(200, 3);
  });

  it('is told nothing of sleepers that are woken before their time', async () => {
    const notes = new Notes();
    const clock = new SystemClock(notes);
    const sleep = clock.sleepUntil(clock.nowUs() + 60e6);
    clock.wakeAll();
    await sleep;
    expect(notes.lateUs).toEqual([]);
  });

  it('is told of polling only what passes between two looks with nothing to do', async () => {
    const notes = new Notes();
    const clock = new SystemClock(notes);
    const startUs = clock.nowUs();
    await clock.sleepUntil(startUs + 1_500);
    const elapsedUs = clock.nowUs() - startUs;
    expect(notes.polledUs.every((polledUs) => polledUs > 0)).toBe(true);
    expect(notes.polledUs.reduce((sum, polledUs) => sum + polledUs, 0)).toBeLessThanOrEqual(elapsedUs);
    const told = notes.polledUs.length;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(notes.polledUs).toHaveLength(told);
  });
});
