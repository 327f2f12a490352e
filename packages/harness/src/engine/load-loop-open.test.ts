import { AibenchError, float32Tensor } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrivalsBefore, poissonArrivals, traceArrivals } from '../load-model/arrivals.js';
import { constantProfile } from '../load-model/rate-profile.js';
import { ArrayRows, answerAfter, type Infer, setUp, startUs } from './load-loop.test.fixture.js';
import { constantRate, firstRequests } from './pacer.js';
import type { Turn } from './row-cursor.js';
import { VirtualClock } from './virtual-clock.js';

/** Every millisecond. */
const everyMs = constantRate(1_000);

/** A server that stalls once, at the request with this id. */
function stallAt(clock: VirtualClock, id: number, stallUs: number): Infer {
  return (request, stages) => answerAfter(clock, request.id === id ? stallUs : 100)(request, stages);
}

describe('an open loop', () => {
  it('counts response time from the due time and service time from the send', async () => {
    const clock = new VirtualClock();
    const { run, samples, sentUs } = setUp({
      clock,
      rows: 8,
      schedule: { pacer: everyMs },
      infer: stallAt(clock, 1, 3_500),
    });
    expect(await run()).toMatchObject({ sent: 8, answered: 8, late: 2, lateByClient: 0 });
    // The one worker catches up, one request after the other, and then keeps to the schedule again.
    expect(sentUs).toEqual([0, 1_000, 4_500, 4_600, 4_700, 5_000, 6_000, 7_000]);
    expect(samples.map(({ serviceUs }) => serviceUs)).toEqual([100, 3_500, 100, 100, 100, 100, 100, 100]);
    expect(samples.map(({ responseUs }) => responseUs)).toEqual([
      100, 3_500, 2_600, 1_700, 800, 100, 100, 100,
    ]);
  });

  it('sends on while answers are out, where there are workers', async () => {
    const clock = new VirtualClock();
    const { run, sentUs, samples } = setUp({
      clock,
      rows: 8,
      workers: 5,
      schedule: { pacer: everyMs },
      infer: stallAt(clock, 1, 3_500),
    });
    expect(await run()).toMatchObject({ sent: 8, late: 0 });
    expect(sentUs).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000]);
    expect(samples.every(({ serviceUs, responseUs }) => serviceUs === responseUs)).toBe(true);
  });

  it('counts a late send as the client’s own where a worker had waited for the due time', async () => {
    const clock = new VirtualClock();
    const { run, samples } = setUp({ clock, rows: 4, workers: 2, schedule: { pacer: everyMs } });
    // The thread computes from 1,500 on, so that what is due at 2,000 goes out at 3,600.
    void clock.wait(startUs + 1_500).then(() => clock.advance(2_100));
    expect(await run()).toMatchObject({ sent: 4, answered: 4, late: 1, lateByClient: 1 });
    expect(samples.map(({ responseUs, serviceUs }) => responseUs - serviceUs).sort((a, b) => a - b)).toEqual([
      0, 0, 600, 1_600,
    ]);
  });

  it('counts a row that comes too late as the client’s lateness', async () => {
    const clock = new VirtualClock();
    const rows = new ArrayRows(3, async (turn) => {
      await clock.wait(turn?.index === 1 ? 4_000 : 10);
      return turn;
    });
    const { run } = setUp({ clock, rows, workers: 3, schedule: { pacer: firstRequests(everyMs, 3) } });
    expect(await run()).toMatchObject({ sent: 3, late: 1, lateByClient: 1 });
  });

  it('counts late sends that fail, too', async () => {
    const clock = new VirtualClock();
    const { run } = setUp({
      clock,
      rows: 4,
      schedule: { pacer: everyMs },
      ignoreErrors: true,
      infer: async () => {
        await clock.wait(3_500);
        throw new AibenchError('AIBENCH_SERVER', 'no');
      },
    });
    expect(await run()).toMatchObject({ sent: 4, answered: 0, late: 3, lateByClient: 0 });
  });

  it('drops what falls due while as many requests as allowed are out or waiting', async () => {
    const clock = new VirtualClock();
    const { loop, run, sentUs, dispatcher } = setUp({
      clock,
      rows: 100,
      schedule: { pacer: firstRequests(everyMs, 8), maxOutstanding: 2 },
      infer: stallAt(clock, 0, 4_500),
    });
    expect(await run()).toMatchObject({ sent: 5 });
    // 0 is out and 1 waits; 2, 3 and 4 find no room.
    expect(sentUs).toEqual([0, 4_500, 5_000, 6_000, 7_000]);
    expect([dispatcher.dropped, loop.unsent]).toEqual([3, 0]);
  });

  it('gives room back for a request that is not sent after all', async () => {
    const clock = new VirtualClock();
    const { run, dispatcher, loop } = setUp({
      clock,
      rows: 2,
      workers: 2,
      schedule: { pacer: firstRequests(everyMs, 6), maxOutstanding: 2 },
    });
    expect(await run()).toMatchObject({ sent: 2, answered: 2 });
    // The rows are at their end: what has no row is neither dropped nor unsent.
    expect([dispatcher.dropped, loop.unsent]).toEqual([0, 0]);
  });

  it('counts what had fallen due before the end and was not sent', async () => {
    const clock = new VirtualClock();
    const { loop, run, sentUs } = setUp({
      clock,
      rows: 1_000,
      schedule: { pacer: arrivalsBefore(everyMs, 10_000) },
      infer: stallAt(clock, 2, 60_000),
      durationUs: 10_000,
    });
    expect((await run()).sent).toBe(3);
    expect(sentUs).toEqual([0, 1_000, 2_000]);
    expect(loop.unsent).toBe(7);
  });

  it('counts a send that comes due just before the end and wakes after it', async () => {
    const clock = new VirtualClock();
    const { loop, run } = setUp({
      clock,
      rows: 100,
      workers: 2,
      schedule: { pacer: arrivalsBefore(everyMs, 3_500) },
      durationUs: 3_500,
    });
    void clock.wait(startUs + 2_900).then(() => clock.advance(5_000));
    expect((await run()).sent).toBe(3);
    expect(loop.unsent).toBe(1);
  });

  it('counts up to a stop, and not what falls due while answers are waited for', async () => {
    const clock = new VirtualClock();
    const { loop, run } = setUp({
      clock,
      rows: 1_000,
      workers: 2,
      schedule: { pacer: everyMs },
      infer: answerAfter(clock, 50_000),
    });
    void clock.wait(startUs + 5_500).then(() => loop.stop());
    expect(await run()).toMatchObject({ sent: 2, answered: 2 });
    // Due up to 5,500 were 0 to 5.
    expect(loop.unsent).toBe(4);
    expect(clock.nowUs()).toBe(startUs + 51_000);
  });

  it('counts nothing as unsent where the input ends before the schedule does', async () => {
    const clock = new VirtualClock();
    const { loop, run } = setUp({
      clock,
      rows: 3,
      workers: 2,
      schedule: { pacer: everyMs },
      infer: stallAt(clock, 1, 60_000),
      durationUs: 100_000,
    });
    expect(await run()).toMatchObject({ sent: 3, answered: 3 });
    expect(loop.unsent).toBe(0);
  });

  it('ends with an endless burst, whose arrivals nobody can count', async () => {
    const endless = { dueUs: () => 0 };
    const { loop, run } = setUp({ rows: 1_000, workers: 2, schedule: { pacer: endless }, durationUs: 1_000 });
    expect((await run()).sent).toBe(20);
    expect(loop.unsent).toBeLessThanOrEqual(2);
  });

  it('replays a trace, requests at the same time included', async () => {
    const times = Float64Array.of(0, 0, 500, 500, 500, 9_000);
    const { run, sentUs, samples } = setUp({
      rows: 100,
      workers: 2,
      schedule: { pacer: traceArrivals(times) },
    });
    expect((await run()).sent).toBe(6);
    expect(sentUs).toEqual([0, 0, 500, 500, 600, 9_000]);
    expect(samples.map(({ responseUs }) => responseUs)).toEqual([100, 100, 100, 100, 200, 100]);
  });

  it('measures what is due after the burn-in time, whenever it is sent', async () => {
    const clock = new VirtualClock();
    const { run, samples } = setUp({
      clock,
      rows: 8,
      schedule: { pacer: everyMs },
      infer: stallAt(clock, 1, 3_500),
      burnInUs: 3_000,
    });
    await run();
    // 2 is sent after 3,000, but was due before.
    expect(samples.map(({ measured }) => measured)).toEqual([
      false,
      false,
      false,
      true,
      true,
      true,
      true,
      true,
    ]);
  });

  it('shows a leap of the clock as lateness, and loses nothing', async () => {
    const clock = new VirtualClock();
    const { loop, run, samples } = setUp({
      clock,
      rows: 1_000,
      workers: 4,
      schedule: { pacer: arrivalsBefore(everyMs, 1e6) },
      durationUs: 1e6,
      timeoutUs: 1e9,
    });
    void clock.wait(startUs + 100_500).then(() => clock.advance(700_000));
    const { sent, answered, late, lateByClient } = await run();
    expect([sent + loop.unsent, answered]).toEqual([1_000, sent]);
    expect(samples).toHaveLength(sent);
    expect(late).toBeGreaterThan(600);
    // Four had waited for their due times; the others found no worker.
    expect(lateByClient).toBeGreaterThanOrEqual(1);
    expect(lateByClient).toBeLessThanOrEqual(4);
    expect(Math.max(...samples.map(({ responseUs }) => responseUs))).toBeGreaterThan(690_000);
  });

  it('bears a thousand workers', async () => {
    const clock = new VirtualClock();
    const { run, loop } = setUp({
      clock,
      rows: 5_000,
      workers: 1_000,
      schedule: { pacer: constantRate(100_000) },
      infer: answerAfter(clock, 9_995),
    });
    expect(await run()).toMatchObject({ sent: 5_000, answered: 5_000, late: 0 });
    expect(loop.readConcurrency()).toMatchObject({ inFlight: 0, most: 1_000 });
  });
});

describe('a burn-in by time in a closed loop', () => {
  it('counts from the send', async () => {
    const { run, samples } = setUp({ rows: 6, burnInUs: 250 });
    await run();
    expect(samples.map(({ measured }) => measured)).toEqual([false, false, false, true, true, true]);
  });
});

describe('queries of several samples', () => {
  const delays =
    (clock: VirtualClock, us: (id: number) => number): Infer =>
    (request, stages) =>
      answerAfter(clock, us(request.id))(request, stages);

  it('go out together when all of the last one are answered, and take as long as the slowest', async () => {
    const clock = new VirtualClock();
    const { run, sentUs, samples } = setUp({
      clock,
      rows: 6,
      workers: 3,
      samplesPerQuery: 3,
      infer: delays(clock, (id) => [100, 300, 200, 50, 40, 60][id]!),
    });
    expect(await run()).toMatchObject({ sent: 6, answered: 6 });
    expect(sentUs).toEqual([0, 0, 0, 300, 300, 300]);
    expect(samples.map(({ queryUs }) => queryUs)).toEqual([-1, -1, 300, -1, -1, 60]);
    expect(samples.map(({ serviceUs }) => serviceUs)).toEqual([100, 200, 300, 40, 50, 60]);
  });

  it('have no time where a sample failed', async () => {
    const clock = new VirtualClock();
    const { run, samples } = setUp({
      clock,
      rows: 6,
      workers: 3,
      samplesPerQuery: 3,
      ignoreErrors: true,
      infer: async ({ id }) => {
        await clock.wait(100 + id);
        if (id === 0) throw new AibenchError('AIBENCH_SERVER', 'no');
        return [float32Tensor('out', [1], [id])];
      },
    });
    expect(await run()).toMatchObject({ sent: 6, answered: 5 });
    expect(samples.map(({ queryUs }) => queryUs)).toEqual([-1, -1, -1, -1, 105]);
  });

  it('have no time where the input ends within them, or the burn-in does', async () => {
    const { run, samples } = setUp({ rows: 8, workers: 3, samplesPerQuery: 3, burnIn: 1 });
    expect(await run()).toMatchObject({ sent: 8, answered: 8 });
    expect(samples.map(({ queryUs }) => queryUs)).toEqual([-1, -1, -1, -1, -1, 100, -1, -1]);
  });

  it('are not begun once the load is over', async () => {
    const clock = new VirtualClock();
    const late = async (turn: Turn | undefined) => {
      await clock.wait(400);
      return turn;
    };
    const { run, clock: its } = setUp({
      clock,
      rows: new ArrayRows(9, late),
      workers: 3,
      samplesPerQuery: 3,
      durationUs: 1_000,
    });
    // Their rows are read one after the other, and the third comes after the end.
    expect(await run()).toMatchObject({ sent: 0, failures: [] });
    expect(its.nowUs()).toBe(startUs + 1_200);
  });
});

describe('an open loop, whatever happens', () => {
  const scenario = fc.record({
    serviceUs: fc.array(fc.integer({ min: 0, max: 9_000 }), { minLength: 1, maxLength: 20 }),
    workers: fc.integer({ min: 1, max: 6 }),
    ratePerSecond: fc.integer({ min: 200, max: 20_000 }),
    seed: fc.option(fc.integer({ min: 1, max: 1_000 })),
    spareOutstanding: fc.option(fc.nat(10)),
    durationUs: fc.integer({ min: 1, max: 50_000 }),
    stopUs: fc.option(fc.integer({ min: 1, max: 60_000 })),
    leapUs: fc.option(fc.integer({ min: 1, max: 30_000 })),
    failEvery: fc.integer({ min: 2, max: 9 }),
    lateRows: fc.boolean(),
  });

  it('every request that falls due is sent, dropped or counted as unsent', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const clock = new VirtualClock();
        const { ratePerSecond, seed, workers, durationUs, stopUs, leapUs } = given;
        const endless =
          seed === null ? constantRate(ratePerSecond) : poissonArrivals(constantProfile(ratePerSecond), seed);
        const pacer = arrivalsBefore(endless, durationUs);
        let requests = 0;
        const { loop, run, samples, dispatcher } = setUp({
          clock,
          rows: new ArrayRows(1e6, (turn) => (given.lateRows ? clock.wait(30).then(() => turn) : turn)),
          workers,
          durationUs,
          ignoreErrors: true,
          schedule: {
            pacer,
            maxOutstanding:
              given.spareOutstanding === null ? Number.POSITIVE_INFINITY : workers + given.spareOutstanding,
          },
          infer: async ({ id }) => {
            const number = requests++;
            await clock.wait(given.serviceUs[number % given.serviceUs.length]!);
            if (number % given.failEvery === 0) throw new AibenchError('AIBENCH_SERVER', 'no');
            return [float32Tensor('out', [1], [id])];
          },
        });
        let endUs = durationUs;
        if (stopUs !== null) {
          void clock.wait(startUs + stopUs).then(() => {
            endUs = Math.min(durationUs, clock.nowUs() - startUs);
            loop.stop();
          });
        }
        if (leapUs !== null) void clock.wait(startUs + 7_000).then(() => clock.advance(leapUs));
        const { sent, answered, late, lateByClient } = await run();
        let due = 0;
        while (pacer.dueUs(due) <= endUs) due++;
        expect(sent + dispatcher.dropped + loop.unsent).toBe(due);
        expect(samples).toHaveLength(answered);
        expect(lateByClient).toBeLessThanOrEqual(late);
        expect(samples.every(({ responseUs, serviceUs }) => responseUs >= serviceUs)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
