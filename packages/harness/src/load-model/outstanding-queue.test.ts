import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { burstArrivals, constantArrivals, poissonArrivals, traceArrivals } from './arrivals.js';
import { type Arrival, OutstandingQueue } from './outstanding-queue.js';
import { constantProfile } from './rate-profile.js';

interface Outcome {
  /** Arrival -> when it was sent. */
  readonly sentUs: Map<number, number>;
  readonly dropped: number;
}

/**
 * The same queue told from the arrivals' side: one that finds `maxOutstanding`
 * others not yet answered is dropped, any other is sent when the first of the
 * workers is free, in the order of arrival.
 */
function reference(
  dueUs: readonly number[],
  serviceUs: readonly number[],
  workers: number,
  maxOutstanding: number,
): Outcome {
  const sentUs = new Map<number, number>();
  const freeUs = Array.from({ length: workers }, () => 0);
  const answeredUs: number[] = [];
  let dropped = 0;
  for (const [index, due] of dueUs.entries()) {
    if (answeredUs.filter((answered) => answered > due).length >= maxOutstanding) {
      dropped += 1;
      continue;
    }
    const worker = freeUs.indexOf(Math.min(...freeUs));
    const sent = Math.max(due, freeUs[worker]!);
    freeUs[worker] = sent + serviceUs[index]!;
    answeredUs.push(freeUs[worker]!);
    sentUs.set(index, sent);
  }
  return { sentUs, dropped };
}

/** Workers as the engine has them, on a virtual clock: take, send, release, take, ... */
function simulate(queue: OutstandingQueue, serviceUs: readonly number[], workers: number): Outcome {
  const sentUs = new Map<number, number>();
  /** When each worker has its answer; undefined for one that found no more work. */
  const answeredUs: (number | undefined)[] = [];
  const start = (worker: number, nowUs: number) => {
    const arrival = queue.take(nowUs);
    if (arrival === undefined) {
      answeredUs[worker] = undefined;
      return;
    }
    const sent = Math.max(arrival.dueUs, nowUs);
    sentUs.set(arrival.index, sent);
    answeredUs[worker] = sent + serviceUs[arrival.index]!;
  };
  for (let worker = 0; worker < workers; worker++) start(worker, 0);
  for (;;) {
    const nowUs = answeredUs.reduce<number>(
      (least, time) => Math.min(least, time ?? least),
      Number.POSITIVE_INFINITY,
    );
    if (nowUs === Number.POSITIVE_INFINITY) return { sentUs, dropped: queue.dropped };
    const done = [...answeredUs.keys()].filter((worker) => answeredUs[worker] === nowUs);
    for (const _ of done) queue.release(nowUs);
    for (const worker of done) start(worker, nowUs);
  }
}

const gapsAndServices = fc.array(fc.tuple(fc.nat(20), fc.nat(60)), { maxLength: 120 });

function dueOf(gaps: readonly number[]): number[] {
  let due = 0;
  return gaps.map((gap) => (due += gap));
}

describe('OutstandingQueue', () => {
  it('sends and drops what a discrete-event simulation of the arrivals does', () => {
    const bound = fc.oneof(fc.integer({ min: 0, max: 10 }), fc.constant(Number.POSITIVE_INFINITY));
    fc.assert(
      fc.property(gapsAndServices, fc.integer({ min: 1, max: 6 }), bound, (pairs, workers, room) => {
        const dueUs = dueOf(pairs.map(([gap]) => gap));
        const serviceUs = pairs.map(([, service]) => service);
        const maxOutstanding = workers + room;
        const queue = new OutstandingQueue({
          pacer: traceArrivals(Float64Array.from(dueUs)),
          maxOutstanding,
        });
        const outcome = simulate(queue, serviceUs, workers);
        expect(outcome).toEqual(reference(dueUs, serviceUs, workers, maxOutstanding));
        expect(queue.taken + queue.dropped).toBe(dueUs.length);
        expect([queue.busy, queue.waiting, queue.close(1e9)]).toEqual([0, 0, 0]);
        if (room === Number.POSITIVE_INFINITY) expect(queue.dropped).toBe(0);
      }),
      { numRuns: 400 },
    );
  });

  it('accounts for every arrival that has come due when it is closed early', () => {
    const bound = fc.oneof(fc.integer({ min: 2, max: 10 }), fc.constant(Number.POSITIVE_INFINITY));
    fc.assert(
      fc.property(gapsAndServices, bound, fc.nat(600), (pairs, maxOutstanding, endUs) => {
        const dueUs = dueOf(pairs.map(([gap]) => gap));
        const queue = new OutstandingQueue({
          pacer: traceArrivals(Float64Array.from(dueUs)),
          maxOutstanding,
        });
        queue.take(0);
        queue.take(endUs / 2);
        const waiting = queue.close(endUs);
        const takenAhead = queue.taken - dueUs.slice(0, queue.taken).filter((due) => due <= endUs).length;
        const due = dueUs.filter((each) => each <= endUs).length;
        expect(queue.taken - takenAhead + queue.dropped + waiting).toBe(due);
        expect(queue.take(endUs + 1e6)).toBeUndefined();
        expect(queue.waiting).toBe(0);
      }),
    );
  });

  it('counts what it is far behind with at once, and nothing of a burst that never ends', () => {
    const unbounded = { maxOutstanding: Number.POSITIVE_INFINITY, firstIndex: 1, stride: 2 };
    const behind = new OutstandingQueue({ pacer: constantArrivals(constantProfile(1e9)), ...unbounded });
    for (let n = 0; n < 5; n++) behind.take(0);
    // Due up to 60 s are 0 to 60e9, half of them odd, five of which are taken.
    expect(behind.close(60e6)).toBe(30e9 - 5);
    const burst = new OutstandingQueue({ pacer: burstArrivals(Number.MAX_SAFE_INTEGER), ...unbounded });
    burst.take(0);
    expect([burst.close(1), burst.take(2)]).toEqual([0, undefined]);
  });

  it('drops what comes while as many as allowed are out or wait, and says what is late', () => {
    // Due at 0, 10, 20, ...; the only worker is busy from 0 to 45.
    const queue = new OutstandingQueue({ pacer: constantArrivals(constantProfile(1e5)), maxOutstanding: 3 });
    expect(queue.take(0)).toEqual({ index: 0, dueUs: 0 });
    queue.release(45);
    expect([queue.waiting, queue.dropped, queue.busy]).toEqual([2, 2, 0]);
    expect(queue.take(45)).toEqual({ index: 1, dueUs: 10 });
    queue.release(46);
    expect(queue.take(46)).toEqual({ index: 2, dueUs: 20 });
    queue.release(47);
    expect(queue.take(47)).toEqual({ index: 5, dueUs: 50 });
  });

  it('finds room for what is due just when a request is answered', () => {
    const queue = new OutstandingQueue({ pacer: traceArrivals(Float64Array.of(0, 10)), maxOutstanding: 1 });
    queue.take(0);
    queue.release(10);
    expect(queue.take(10)).toEqual({ index: 1, dueUs: 10 });
  });

  it('never drops an arrival that a worker holds until it is due', () => {
    const queue = new OutstandingQueue({
      pacer: traceArrivals(Float64Array.of(100, 100, 100)),
      maxOutstanding: 2,
    });
    expect([queue.take(0)?.index, queue.take(0)?.index]).toEqual([0, 1]);
    queue.release(150);
    expect([queue.dropped, queue.taken, queue.busy]).toEqual([1, 2, 1]);
    expect(queue.take(150)).toBeUndefined();
  });

  it('gives the threads of a run all arrivals between them, each once', () => {
    const threads = 3;
    const taken: Arrival[] = [];
    for (let thread = 0; thread < threads; thread++) {
      const pacer = poissonArrivals(constantProfile(1_000, 1e6), 9);
      const queue = new OutstandingQueue({
        pacer,
        maxOutstanding: Number.POSITIVE_INFINITY,
        firstIndex: thread,
        stride: threads,
      });
      for (let each = queue.take(0); each !== undefined; each = queue.take(each.dueUs)) {
        taken.push(each);
        queue.release(each.dueUs);
      }
    }
    taken.sort((a, b) => a.index - b.index);
    expect(taken.map(({ index }) => index)).toEqual(taken.map((_, index) => index));
    const all = poissonArrivals(constantProfile(1_000, 1e6), 9);
    expect(taken.map(({ dueUs }) => dueUs)).toEqual(taken.map(({ index }) => all.dueUs(index)));
    expect(all.dueUs(taken.length)).toBe(Number.POSITIVE_INFINITY);
  });

  it('keeps its order and its count over a long wait that never empties', () => {
    const queue = new OutstandingQueue({
      pacer: constantArrivals(constantProfile(1e6)),
      maxOutstanding: 5_000,
    });
    for (let n = 0; n < 20_000; n++) {
      // Two arrivals for each that is taken, until the bound is reached.
      const arrival = queue.take(2 * n)!;
      if (arrival.dueUs !== arrival.index || arrival.dueUs > 2 * n)
        expect.fail(`arrival ${n} is out of order`);
      queue.release(2 * n);
    }
    expect(queue.waiting).toBe(4_999);
    expect(queue.taken + queue.dropped + queue.waiting).toBe(39_999);
    expect(queue.dropped).toBeGreaterThan(10_000);
  });
});
