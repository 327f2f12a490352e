import { Random } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.js';
import { fixedDelay, parseDelayDistribution } from './delay-distribution.js';
import { PreciseTimer } from './precise-timer.js';
import { type ServiceOptions, ServiceQueue } from './service-queue.js';
import { releaseTime } from './stall-schedule.js';

function newQueue(options: Partial<ServiceOptions>): { queue: ServiceQueue; clock: VirtualClock } {
  const clock = new VirtualClock();
  const queue = new ServiceQueue({
    delay: undefined,
    stall: { stallMs: 0, everyMs: 0, startMs: 0 },
    concurrency: 0,
    random: new Random(1),
    timer: new PreciseTimer(clock),
    ...options,
  });
  return { queue, clock };
}

/** Sends pieces of work at once; notes when each is handed out. */
function serveAll(queue: ServiceQueue, clock: VirtualClock, count: number): { id: number; atMs: number }[] {
  const served: { id: number; atMs: number }[] = [];
  for (let id = 0; id < count; id++) {
    void queue.serve(async () => id).then(({ value }) => served.push({ id: value, atMs: clock.now() }));
  }
  return served;
}

describe('ServiceQueue', () => {
  it('passes work straight through without delay, stall or limit', async () => {
    const { queue } = newQueue({});
    expect(queue.isImmediate).toBe(true);
    expect(await queue.serve(async () => 'done')).toEqual({ value: 'done', heldMs: 0 });
  });

  it('holds each piece for its delay, all side by side', async () => {
    const { queue, clock } = newQueue({ delay: fixedDelay(5) });
    const served = serveAll(queue, clock, 3);
    await clock.advance(4.5);
    expect(served).toEqual([]);
    await clock.advance(2);
    expect(served.map(({ id }) => id)).toEqual([0, 1, 2]);
  });

  it('lets computing count towards the delay', async () => {
    const { queue, clock } = newQueue({ delay: fixedDelay(5) });
    let heldMs = 0;
    void queue
      .serve(() => clock.advance(3))
      .then((served) => {
        heldMs = served.heldMs;
      });
    await clock.advance(6);
    expect(heldMs).toBeGreaterThanOrEqual(5);
    expect(heldMs).toBeLessThan(6);
  });

  it('serves so many at once, the others in order of arrival', async () => {
    const { queue, clock } = newQueue({ delay: fixedDelay(10), concurrency: 2 });
    const served = serveAll(queue, clock, 6);
    await clock.advance(5);
    expect(queue.waiting).toBe(4);
    await clock.advance(10);
    expect(served.map(({ id }) => id)).toEqual([0, 1]);
    await clock.advance(50);
    expect(served.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(served.at(-1)!.atMs).toBeGreaterThanOrEqual(30);
    expect(queue.waiting).toBe(0);
  });

  it('gives up its place when the work fails, after the same time', async () => {
    const { queue, clock } = newQueue({ delay: fixedDelay(10), concurrency: 1 });
    const failed: number[] = [];
    void queue
      .serve(async () => {
        throw new Error('no');
      })
      .catch(() => failed.push(clock.now()));
    const served = serveAll(queue, clock, 1);
    await clock.advance(30);
    expect(failed[0]).toBeGreaterThanOrEqual(10);
    expect(served).toHaveLength(1);
  });

  it('answers nothing during a stall and everything due at its end', async () => {
    const stall = { stallMs: 20, everyMs: 50, startMs: 0 };
    const { queue, clock } = newQueue({ delay: parseDelayDistribution('100%:1ms'), stall });
    await clock.advance(49.5);
    const served = serveAll(queue, clock, 5);
    await clock.advance(20);
    expect(served).toEqual([]);
    await clock.advance(2);
    expect(served).toHaveLength(5);
    for (const { atMs } of served) expect(atMs).toBeGreaterThanOrEqual(70);
  });
});

describe('releaseTime', () => {
  const stall = { stallMs: 10, everyMs: 100, startMs: 5 };

  it.each([
    [5, 5],
    [14, 14],
    [104, 104],
    [105, 115],
    [110, 115],
    [115, 115],
    [116, 116],
    [205.5, 215],
    [1_006, 1_015],
  ])('an answer ready at %d goes out at %d', (readyMs, releaseMs) => {
    expect(releaseTime(readyMs, stall)).toBe(releaseMs);
  });

  it('changes nothing without a stall', () => {
    expect(releaseTime(123, { stallMs: 0, everyMs: 0, startMs: 0 })).toBe(123);
  });
});
