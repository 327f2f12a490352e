import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Aggregator } from './aggregator.js';
import { SampleBuffer, sampleWidth } from './samples.js';
import { stageNames } from './stages.js';

interface Request {
  readonly endUs: number;
  readonly serviceUs: number;
  /** Default: the service time. */
  readonly responseUs?: number;
  readonly measured: boolean;
  /** Default: no query's last answer. */
  readonly queryUs?: number;
  readonly stagesUs: readonly number[];
}

function samplesOf(requests: readonly Request[]): Float64Array {
  return Float64Array.from(
    requests.flatMap(({ endUs, serviceUs, responseUs, measured, queryUs, stagesUs }) => [
      endUs,
      serviceUs,
      responseUs ?? serviceUs,
      Number(measured),
      queryUs ?? -1,
      ...stagesUs,
    ]),
  );
}

const none = stageNames.map(() => -1);
const request = (endUs: number, serviceUs: number, measured = true): Request => ({
  endUs,
  serviceUs,
  measured,
  stagesUs: none,
});

const anyRequest: fc.Arbitrary<Request> = fc.record({
  endUs: fc.integer({ min: 1, max: 10_000 }),
  serviceUs: fc.integer({ min: 1, max: 3_000 }),
  measured: fc.boolean(),
  stagesUs: fc.tuple(...stageNames.map(() => fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: 2_000 })))),
});

describe('Aggregator', () => {
  it('puts an answer into the window in which it came, by whatever way it arrives', () => {
    const aggregator = new Aggregator(1_000);
    // From two threads; the second one's first chunk arrives after the first one's second.
    aggregator.add(samplesOf([request(100, 50), request(999, 100)]));
    aggregator.add(samplesOf([request(1_001, 200), request(2_500, 900)]));
    aggregator.add(samplesOf([request(998, 30), request(1_000, 40)]));
    const windows = [1, 2, 3].map((n) => aggregator.closeWindow(n * 1_000, 5_000 + n, n));
    expect(windows.map(({ answered }) => answered)).toEqual([3, 2, 1]);
    expect(windows.map(({ failed }) => failed)).toEqual([1, 2, 3]);
    expect(windows.map(({ endMs, endedAtMs, durationMs }) => [endMs, endedAtMs, durationMs])).toEqual([
      [1, 5_001, 1],
      [2, 5_002, 1],
      [3, 5_003, 1],
    ]);
    expect(windows[0]).toMatchObject({
      answeredPerSecond: 3_000,
      serviceTime: { count: 3, minUs: 30, maxUs: 100 },
    });
  });

  it('has nothing of a window in those after it', () => {
    const aggregator = new Aggregator(1_000);
    aggregator.add(
      samplesOf([{ ...request(900, 800), responseUs: 2_000, stagesUs: stageNames.map(() => 3) }]),
    );
    aggregator.closeWindow(1_000, 0, 0);
    aggregator.add(samplesOf([request(1_100, 50), request(1_200, 70)]));
    const { answered, serviceTime, responseTime } = aggregator.closeWindow(2_000, 0, 0);
    expect([answered, serviceTime.count, serviceTime.maxUs]).toEqual([2, 2, 70]);
    expect(responseTime).toEqual(serviceTime);
    expect(aggregator.closeWindow(3_000, 0, 0)).toMatchObject({ answered: 0, responseTime: { count: 0 } });
    const { distributions } = aggregator;
    expect([distributions.serviceTime.count, distributions.responseTime.quantileUs(1)]).toEqual([3, 2_000]);
    expect(distributions.stages().encode?.count).toBe(1);
  });

  it('counts a late sample in the window that is open, not in none', () => {
    const aggregator = new Aggregator(1_000);
    aggregator.closeWindow(1_000, 0, 0);
    aggregator.add(samplesOf([request(990, 10), request(1_100, 10)]));
    expect(aggregator.closeWindow(2_000, 0, 0).answered).toBe(2);
  });

  it('leaves the burn-in out of distributions, and counts it in the windows and rates', () => {
    const aggregator = new Aggregator(1_000);
    aggregator.add(
      samplesOf([request(200, 100, false), request(400, 100, false), request(800, 300), request(900, 100)]),
    );
    expect(aggregator.closeWindow(1_000, 0, 0)).toMatchObject({ answered: 4, serviceTime: { count: 2 } });
    expect([aggregator.answered, aggregator.measured]).toEqual([4, 2]);
    expect(aggregator.distributions.serviceTime.count).toBe(2);
    expect(aggregator.rates()).toEqual({
      measuredPerSecond: 2 / 400e-6,
      measuredDurationMs: 0.4,
      includingBurnInPerSecond: 4 / 800e-6,
      includingBurnInDurationMs: 0.8,
    });
  });

  it('says zero of a run without answers', () => {
    const aggregator = new Aggregator(1_000);
    expect(Object.values(aggregator.rates())).toEqual([0, 0, 0, 0]);
    expect(aggregator.distributions.stages()).toEqual({});
    expect(aggregator.closeWindow(0, 0, 0)).toMatchObject({
      answered: 0,
      answeredPerSecond: 0,
      serviceTime: { count: 0 },
    });
  });

  it('shows the stages that occurred, those alone', () => {
    const aggregator = new Aggregator(1_000);
    aggregator.add(
      samplesOf([
        { ...request(10, 5), stagesUs: [-1, 2, 3, -1] },
        { ...request(10, 5), stagesUs: [-1, 0, -1, -1] },
      ]),
    );
    aggregator.closeWindow(1_000, 0, 0);
    const stages = Object.entries(aggregator.distributions.stages());
    expect(stages.map(([name, { count }]) => [name, count])).toEqual([
      ['encode', 2],
      ['wait', 1],
    ]);
  });

  it('agrees with a straightforward computation, whatever the order and the chunks', () => {
    const scenario = fc.record({
      requests: fc.array(anyRequest, { maxLength: 80 }),
      chunk: fc.integer({ min: 1, max: 20 }),
      periodUs: fc.integer({ min: 300, max: 4_000 }),
    });
    fc.assert(
      fc.property(scenario, ({ requests, chunk, periodUs }) => {
        const aggregator = new Aggregator(periodUs);
        for (let at = 0; at < requests.length; at += chunk)
          aggregator.add(samplesOf(requests.slice(at, at + chunk)));
        const measured = requests.filter((each) => each.measured);
        expect([aggregator.answered, aggregator.measured]).toEqual([requests.length, measured.length]);
        expect(aggregator.serviceSumUs).toBe(requests.reduce((sum, each) => sum + each.serviceUs, 0));
        const windows = Math.ceil(10_001 / periodUs);
        for (let n = 0; n < windows; n++) {
          const inWindow = requests.filter((each) => Math.floor(each.endUs / periodUs) === n);
          const window = aggregator.closeWindow((n + 1) * periodUs, 0, 0);
          expect(window.answered).toBe(inWindow.length);
          expect(window.serviceTime.count).toBe(inWindow.filter((each) => each.measured).length);
          expect(window.answeredPerSecond).toBeCloseTo((inWindow.length * 1e6) / periodUs, 6);
        }
        expect(aggregator.distributions.serviceTime.quantileUs(1)).toBeCloseTo(
          Math.max(0, ...measured.map((each) => each.serviceUs)),
          -1,
        );

        const spanUs = (some: readonly Request[]) =>
          Math.max(...some.map((each) => each.endUs)) -
          Math.min(...some.map((each) => each.endUs - each.serviceUs));
        const rates = aggregator.rates();
        if (measured.length > 0) {
          expect(rates.measuredDurationMs).toBeCloseTo(spanUs(measured) / 1e3, 9);
          expect(rates.measuredPerSecond).toBeCloseTo((measured.length * 1e6) / spanUs(measured), 6);
        }
        if (requests.length > 0)
          expect(rates.includingBurnInDurationMs).toBeCloseTo(spanUs(requests) / 1e3, 9);

        stageNames.forEach((name, i) => {
          const count = measured.filter((each) => each.stagesUs[i]! >= 0).length;
          expect(aggregator.distributions.stages()[name]?.count ?? 0).toBe(count);
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe('the windows that are kept of a steady run', () => {
  /** A window of 1 ms with so many answers of 100 us, evenly spread. */
  const fill = (aggregator: Aggregator, number: number, count: number) =>
    aggregator.add(
      samplesOf(
        Array.from({ length: count }, (_, i) => request(number * 1_000 + ((i + 1) * 999) / count, 100)),
      ),
    );

  it('are the last ones at that moment: neither what was before nor what comes after is measured', () => {
    const aggregator = new Aggregator(1_000, 2);
    for (const [number, count] of [1, 10, 20, 30].entries()) {
      fill(aggregator, number, count);
      aggregator.closeWindow((number + 1) * 1_000, 0, 0);
    }
    aggregator.keepLast();
    // The answers that were still out come in a window that the run ends in.
    fill(aggregator, 4, 7);
    expect(aggregator.closeWindow(4_500, 0, 0, true).answered).toBe(7);
    expect([aggregator.answered, aggregator.measured]).toEqual([68, 50]);
    expect(aggregator.distributions.serviceTime.count).toBe(50);
    expect(aggregator.serviceSumUs).toBeCloseTo(6_800, 6);
  });

  it('have the rate of their answers over their own time, while that of the load stays whole', () => {
    const aggregator = new Aggregator(1_000, 2);
    for (let number = 0; number < 4; number++) {
      // Answers to what was sent long before the windows that are kept.
      aggregator.add(samplesOf([request(number * 1_000 + 500, 400 + number * 900)]));
      aggregator.closeWindow((number + 1) * 1_000, 0, 0);
    }
    aggregator.keepLast();
    expect(aggregator.rates()).toEqual({
      measuredPerSecond: 1_000,
      measuredDurationMs: 2,
      includingBurnInPerSecond: 4 / 3_400e-6,
      includingBurnInDurationMs: 3.4,
    });
  });

  it('are those that there are, where there are fewer', () => {
    const aggregator = new Aggregator(1_000, 3);
    fill(aggregator, 0, 5);
    aggregator.closeWindow(1_000, 0, 0);
    aggregator.keepLast();
    expect([aggregator.measured, aggregator.rates().measuredPerSecond]).toEqual([5, 5_000]);
  });
});

describe('the last window', () => {
  it('takes in what a thread whose clock is ahead has put beyond it', () => {
    const aggregator = new Aggregator(1_000);
    aggregator.add(samplesOf([request(500, 10), request(1_000.5, 10)]));
    expect(aggregator.closeWindow(1_000, 0, 0, true).answered).toBe(2);
    expect(aggregator.distributions.serviceTime.count).toBe(2);
  });
});

describe('the span of measured requests', () => {
  it('begins with the send of the first, and ends with the last due time and answer', () => {
    const aggregator = new Aggregator(10_000);
    aggregator.add(
      samplesOf([
        request(50, 40, false),
        { ...request(400, 100), responseUs: 150 },
        { ...request(900, 100), responseUs: 500 },
      ]),
    );
    aggregator.closeWindow(10_000, 0, 0);
    expect(aggregator.span()).toEqual({ lastDueUs: 100, lastAnswerUs: 600 });
    expect(new Aggregator(1_000).span()).toEqual({ lastDueUs: 0, lastAnswerUs: 0 });
  });
});

describe('SampleBuffer', () => {
  const sampleAt = (endUs: number) => ({
    endUs,
    serviceUs: endUs + 0.5,
    responseUs: endUs + 0.75,
    measured: endUs % 2 === 0,
    queryUs: -endUs,
  });

  it('hands over every sample once, in order, in chunks of whole samples', () => {
    const flushes = fc.array(fc.nat(9_000), { maxLength: 4 });
    fc.assert(
      fc.property(flushes, fc.boolean(), (counts, goRound) => {
        const chunks: Float64Array[] = [];
        const buffer: SampleBuffer = new SampleBuffer((chunk) => {
          // On its way to another thread it is gone from this one.
          const arrived = structuredClone(chunk, { transfer: [chunk.buffer] });
          chunks.push(goRound ? arrived.slice() : arrived);
          if (goRound) buffer.giveBack(arrived.buffer);
        });
        let next = 0;
        for (const count of counts) {
          for (let i = 0; i < count; i++, next++)
            buffer.append(sampleAt(next), Float64Array.of(next, -1, 2, 3));
          buffer.flush();
        }
        const all = chunks.flatMap((chunk) => [...chunk]);
        expect(all).toHaveLength(next * sampleWidth);
        for (let i = 0; i < next; i += 97) {
          expect(all.slice(i * sampleWidth, (i + 1) * sampleWidth)).toEqual([
            i,
            i + 0.5,
            i + 0.75,
            i % 2 === 0 ? 1 : 0,
            -i,
            i,
            -1,
            2,
            3,
          ]);
        }
        // Chunks are transferred to another thread: no two may share memory.
        expect(new Set(chunks.map((chunk) => chunk.buffer)).size).toBe(chunks.length);
      }),
      { numRuns: 20 },
    );
  });

  it('fills the chunks that come back, and makes none beside them', () => {
    const buffers = new Set<ArrayBufferLike>();
    const buffer: SampleBuffer = new SampleBuffer((chunk) => {
      buffers.add(chunk.buffer);
      buffer.giveBack(chunk.buffer);
    });
    for (let i = 0; i < 50_000; i++) buffer.append(sampleAt(i), Float64Array.of(-1, -1, -1, -1));
    expect(buffers.size).toBe(2);
  });

  it('hands over nothing when there is nothing', () => {
    const buffer = new SampleBuffer(() => {
      throw new Error('nothing was expected');
    });
    buffer.flush();
  });
});
