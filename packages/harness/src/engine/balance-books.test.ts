import { AibenchError, float32Tensor } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Conservation } from '../result/run-result.js';
import { Aggregator } from './aggregator.js';
import { balanceBooks } from './balance-books.js';
import { setUp, startUs } from './load-loop.test.fixture.js';
import { constantRate } from './pacer.js';
import { SampleBuffer, sampleWidth } from './samples.js';
import { failedCount } from './tally.js';
import { VirtualClock } from './virtual-clock.js';

interface Load {
  readonly rows: number;
  readonly workers: number;
  readonly serviceUs: readonly number[];
  /** Every so many requests fail; 0 for none. */
  readonly failEvery: number;
  /** Every so many are never answered; 0 for none. */
  readonly silentEvery: number;
  readonly ratePerSecond: number | undefined;
  /** When the run is given up on, us after the start. */
  readonly abandonUs: number;
}

/** What happens to the samples on their way to the statistics. */
type Way = (samples: Float64Array) => Float64Array;

/** Runs a load through the real loop, its samples through the real statistics, and balances the books. */
async function books(load: Load, way: Way = (samples) => samples): Promise<Conservation> {
  const clock = new VirtualClock();
  const aggregator = new Aggregator(1_000_000);
  const buffer = new SampleBuffer((samples) => aggregator.add(way(samples)));
  let requests = 0;
  const { loop } = setUp({
    clock,
    rows: load.rows,
    workers: load.workers,
    ignoreErrors: true,
    samples: buffer,
    ...(load.ratePerSecond === undefined ? {} : { schedule: { pacer: constantRate(load.ratePerSecond) } }),
    infer: async ({ id }) => {
      const number = ++requests;
      await clock.wait(load.serviceUs[number % load.serviceUs.length]!);
      if (load.silentEvery > 0 && number % load.silentEvery === 0) await new Promise(() => undefined);
      if (load.failEvery > 0 && number % load.failEvery === 0) throw new AibenchError('AIBENCH_SERVER', 'no');
      return [float32Tensor('out', [1], [id])];
    },
  });
  const abandoned = clock.wait(startUs + load.abandonUs).then(() => loop.stop());
  await clock.run(Promise.race([loop.run(), abandoned]));
  buffer.flush();
  const tally = loop.tally.read();
  const concurrency = loop.readConcurrency();
  const counts = {
    sent: tally.sent,
    answered: tally.answered,
    failed: failedCount(tally),
    cutOff: concurrency.inFlight,
  };
  return balanceBooks({
    threads: [{ tally, concurrency }],
    counts,
    durationUs: clock.nowUs() - startUs,
    samples: { count: aggregator.answered, serviceSumUs: aggregator.serviceSumUs },
  });
}

const anyLoad: fc.Arbitrary<Load> = fc.record({
  rows: fc.integer({ min: 1, max: 120 }),
  workers: fc.integer({ min: 1, max: 8 }),
  serviceUs: fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 15 }),
  failEvery: fc.nat(7),
  silentEvery: fc.nat(40),
  ratePerSecond: fc.option(fc.integer({ min: 50, max: 20_000 }), { nil: undefined }),
  abandonUs: fc.integer({ min: 1, max: 300_000 }),
});

const steadyLoad: Load = {
  rows: 100,
  workers: 4,
  serviceUs: [2_000, 3_000, 50_000],
  failEvery: 9,
  silentEvery: 0,
  ratePerSecond: undefined,
  abandonUs: 10e6,
};

describe('the books of a run', () => {
  it('balance, whatever fails, is cut off, or waits', async () => {
    await fc.assert(
      fc.asyncProperty(anyLoad, async (load) => {
        const { holds, violations, unchecked, littlesLaw } = await books(load);
        expect(violations).toEqual([]);
        expect(holds).toBe(true);
        expect(unchecked).toBeUndefined();
        // Over all requests and no other time it holds exactly; 2 % are for clocks, of which there is one here.
        expect(littlesLaw?.difference).toBeLessThan(1e-6);
      }),
      { numRuns: 150 },
    );
  });

  it('show a single sample that was lost on its way', async () => {
    let left = 40;
    const losing: Way = (samples) => {
      const count = samples.length / sampleWidth;
      if (left < 0 || count <= left) {
        left -= count;
        return samples;
      }
      const at = left * sampleWidth;
      left = -1;
      return Float64Array.from([...samples.subarray(0, at), ...samples.subarray(at + sampleWidth)]);
    };
    const { holds, violations } = await books(steadyLoad, losing);
    expect(holds).toBe(false);
    expect(violations).toContainEqual('89 requests were answered, but 88 samples arrived');
  });

  it('show times that are wrong though every sample is there', async () => {
    const { violations } = await books(steadyLoad, (samples) =>
      samples.map((value, i) => (i % sampleWidth === 1 ? value * 0.9 : value)),
    );
    expect(violations).toEqual([
      expect.stringMatching(/^Little's law is violated: .* requests were in flight/),
    ]);
  });

  it('show a thread whose counts do not add up', () => {
    const tally = {
      answered: 8,
      answeredRows: 8,
      failures: [],
      verified: 0,
      mismatched: 0,
      reconnects: 0,
      late: 0,
      lateByClient: 0,
    };
    const concurrency = { inFlightAreaUs: 80, inFlight: 0, most: 1, failedTimeUs: 0, cutOffTimeUs: 0 };
    const { violations } = balanceBooks({
      threads: [
        { tally: { ...tally, sent: 8 }, concurrency },
        { tally: { ...tally, sent: 9 }, concurrency },
      ],
      counts: { sent: 17, answered: 16, failed: 0, cutOff: 1 },
      durationUs: 160,
      samples: { count: 16, serviceSumUs: 160 },
    });
    expect(violations).toEqual([
      'load thread 1 sent 9 requests but accounts for 8: 8 answered, 0 failed, 0 cut off',
      'the load threads count 0 requests cut off, the run 1',
    ]);
  });

  it('of a thread that died are told to be unchecked; what is left of them is checked', () => {
    const tally = {
      sent: 4,
      answered: 4,
      answeredRows: 4,
      failures: [],
      verified: 0,
      mismatched: 0,
      reconnects: 0,
      late: 0,
      lateByClient: 0,
    };
    const concurrency = { inFlightAreaUs: 40, inFlight: 0, most: 1, failedTimeUs: 0, cutOffTimeUs: 0 };
    const counts = { sent: 9, answered: 8, failed: 0, cutOff: 1 };
    const run = {
      threads: [{ tally, concurrency }, undefined],
      counts,
      durationUs: 100,
      samples: { count: 8, serviceSumUs: 80 },
    };
    expect(balanceBooks(run)).toEqual({
      holds: true,
      violations: [],
      unchecked: [
        expect.stringMatching(
          /^load thread 1 ended without telling its books: .* Little's law could not be checked$/,
        ),
      ],
      littlesLaw: undefined,
    });
    expect(balanceBooks({ ...run, samples: { count: 7, serviceSumUs: 70 } })).toMatchObject({
      holds: false,
      violations: ['8 requests were answered, but 7 samples arrived'],
    });
    const unsound = [{ tally: { ...tally, answered: 3 }, concurrency }, undefined];
    expect(balanceBooks({ ...run, threads: unsound })).toMatchObject({
      holds: false,
      violations: ['load thread 0 sent 4 requests but accounts for 3: 3 answered, 0 failed, 0 cut off'],
    });
  });
});
