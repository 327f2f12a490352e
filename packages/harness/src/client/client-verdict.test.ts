import { LatencyHistogram } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { summarizeLatency } from '../result/latency-summary.js';
import { type ClientVerdictInput, clientLimits, judgeClient } from './client-verdict.js';
import type { ClientObservation } from './client-watch.js';

function lateness(p99Us: number) {
  const histogram = new LatencyHistogram();
  for (let sample = 0; sample < 100; sample++) histogram.record(p99Us);
  return summarizeLatency(histogram);
}

const nothing = summarizeLatency(new LatencyHistogram());
const serviceTime = { p50Us: 2_000, p99Us: 5_000 };

/** Ten seconds of a thread at ease. */
function observation(changes: Partial<ClientObservation> = {}): ClientObservation {
  return {
    durationMs: 10_000,
    eventLoopUtilization: 0.3,
    polledMs: 0,
    cpu: { userMs: 2_000, systemMs: 1_000, waitedMs: 0 },
    timerLateness: lateness(900),
    wakeLateness: nothing,
    gc: { count: 20, totalMs: 20, longestMs: 0.4, byKind: {} },
    backlog: undefined,
    rss: { startBytes: 1e8, endBytes: 1e8, mostBytes: 1e8 },
    ...changes,
  };
}

function verdictOn(changes: Partial<ClientObservation>, more: Partial<ClientVerdictInput> = {}) {
  return judgeClient({ threads: [observation(), observation(changes)], serviceTime, ...more });
}

const gc = (totalMs: number, longestMs: number) => ({ gc: { count: 9, totalMs, longestMs, byKind: {} } });

describe('judgeClient', () => {
  it('does not take the worst of a few timer ticks for a 99th percentile', () => {
    const lateTicks = (count: number) => {
      const histogram = new LatencyHistogram();
      for (let tick = 0; tick < count; tick++) histogram.record(50_000);
      return observation({ timerLateness: summarizeLatency(histogram) });
    };
    expect(judgeClient({ threads: [lateTicks(99)], serviceTime }).clientBound).toBe(false);
    expect(judgeClient({ threads: [lateTicks(100)], serviceTime }).clientBound).toBe(true);
  });

  it('acquits a thread at ease', () => {
    expect(verdictOn({})).toEqual({ clientBound: false, reasons: [], trustedUpTo: 1, notes: [] });
  });

  it.each<[string, Partial<ClientObservation>]>([
    ['load thread 1 was busy 97 % of the time: raise --threads', { eventLoopUtilization: 0.97 }],
    [
      'load thread 1 used 95 % of a core: raise --threads',
      { cpu: { userMs: 5_000, systemMs: 4_500, waitedMs: undefined } },
    ],
    [
      'load thread 1 waited 12 % of the time for a free core: end other programs, run the server elsewhere or lower --threads',
      { cpu: { userMs: 500, systemMs: 500, waitedMs: 1_200 } },
    ],
    [
      'load thread 1 woke 1.5ms late at p99, above 1ms: raise --threads or lower --rate',
      { wakeLateness: lateness(1_500) },
    ],
    [
      "load thread 1's event loop came 4ms late at p99, above 2ms: raise --threads or lower --workers",
      { timerLateness: lateness(4_000) },
    ],
    [
      'load thread 1 collected garbage 3 % of the time: raise --threads, or give it memory with NODE_OPTIONS=--max-semi-space-size=64',
      gc(300, 2),
    ],
  ])('finds that %s', (reason, changes) => {
    expect(verdictOn(changes)).toMatchObject({ clientBound: true, reasons: [reason] });
  });

  it.each<[string, Partial<ClientObservation>]>([
    ['busy up to the limit', { eventLoopUtilization: clientLimits.busy }],
    [
      'busy with polling for the next due time',
      { eventLoopUtilization: 1, polledMs: 6_000, cpu: { userMs: 9_000, systemMs: 900, waitedMs: 0 } },
    ],
    ['one long collection in a long run', gc(30, 20)],
    ['many short collections', gc(150, 2)],
    ['no schedule of its own', { wakeLateness: nothing }],
  ])('acquits a thread with %s', (_, changes) => {
    expect(verdictOn(changes).reasons).toEqual([]);
  });

  it('allows more lateness where answers take long', () => {
    const late = { wakeLateness: lateness(4_000), timerLateness: lateness(4_000) };
    expect(verdictOn(late).reasons).toHaveLength(2);
    expect(verdictOn(late, { serviceTime: { p50Us: 50_000, p99Us: 60_000 } }).clientBound).toBe(false);
    expect(verdictOn(late, { serviceTime: undefined }).reasons).toHaveLength(2);
  });

  it('counts late sends', () => {
    const reason =
      '2.5 % of the requests were not sent within 1ms of their due time: raise --threads or lower --rate';
    expect(verdictOn({}, { sends: { due: 1_000, late: 25, lost: 0 } }).reasons).toEqual([reason]);
    expect(verdictOn({}, { sends: { due: 1_000, late: 10, lost: 0 } }).clientBound).toBe(false);
    expect(verdictOn({}, { sends: { due: 0, late: 0, lost: 0 } }).clientBound).toBe(false);
  });

  describe('says above which quantile latencies are partly its own', () => {
    it('by the time that its threads were held up, on the way out and on the way in', () => {
      // Of two threads, one waited 4 % of the time and collected 1 %; the other collected 0.2 %.
      const verdict = verdictOn({ cpu: { userMs: 0, systemMs: 0, waitedMs: 400 }, ...gc(100, 1) });
      expect(verdict.trustedUpTo).toBeCloseTo(1 - 2 * (0.02 + 0.006), 9);
      expect(verdict).toMatchObject({
        clientBound: false,
        notes: [
          "latencies above p94.8 are partly the client's own: its threads waited 2 % of the time for a free core and collected garbage 0.6 %",
        ],
      });
    });

    it.each<[string, Partial<ClientObservation>, number]>([
      ['collections that are short beside p99', gc(100, 0.4), 1],
      ['collections that are not', gc(100, 0.6), 1 - 2 * 0.006],
      ['waits that are short beside p99', { cpu: { userMs: 0, systemMs: 0, waitedMs: 400 } }, 1],
    ])('where they can be seen: %s', (name, changes, trusted) => {
      const slow = { p50Us: 40_000, p99Us: 50_000 };
      const more = name.startsWith('waits') ? { serviceTime: slow } : {};
      expect(verdictOn(changes, more).trustedUpTo).toBeCloseTo(trusted, 9);
    });

    it('and never below none', () => {
      const verdict = verdictOn({ cpu: { userMs: 0, systemMs: 0, waitedMs: 30_000 } });
      expect(verdict.trustedUpTo).toBe(0);
      expect(verdict.notes).toEqual([expect.stringMatching(/^all latencies are partly the client's own: /)]);
    });
  });

  it('says that waits of what was never sent are missing', () => {
    const { notes, clientBound } = verdictOn({}, { sends: { due: 1_000, late: 0, lost: 7 } });
    expect(clientBound).toBe(false);
    expect(notes).toEqual([
      '7 of the 1000 requests that fell due were never sent; their waits are in no latency, so response times are lower bounds: raise --workers, or lower the rate',
    ]);
  });

  it('sets the client alone against the whole', () => {
    const verdict = verdictOn({}, { calibration: { p50Us: 1_200, p99Us: 2_500 } });
    expect(verdict.reasons).toEqual([
      'the client alone takes 1.2ms of p50 2ms (60 %): raise --threads or lower --workers',
    ]);
    expect(verdictOn({}, { calibration: { p50Us: 1_200, p99Us: 2_600 } }).reasons).toHaveLength(2);
    const calibration = { p50Us: 1_200, p99Us: 2_600 };
    expect(verdictOn({}, { calibration, serviceTime: undefined }).clientBound).toBe(false);
  });

  it('says what it could not judge, and does not judge it', () => {
    const short = verdictOn({ durationMs: 50, eventLoopUtilization: 1, cpu: undefined });
    expect(short).toEqual({
      clientBound: false,
      reasons: [],
      trustedUpTo: 1,
      notes: [
        'load of less than 200ms is too short to judge a thread by',
        'this system does not tell the CPU time of a thread',
      ],
    });
    expect(judgeClient({ threads: [], serviceTime })).toMatchObject({
      clientBound: false,
      notes: ['no load thread told how it fared'],
    });
  });

  it('is client-bound exactly when it has a reason, each in one line, and worse figures never acquit', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        share,
        share,
        fc.integer({ min: 1, max: 20_000 }),
        share,
        (busy, cpu, lateUs, collected) => {
          const at = (factor: number) =>
            verdictOn({
              eventLoopUtilization: busy * factor,
              cpu: { userMs: cpu * factor * 10_000, systemMs: 0, waitedMs: 0 },
              timerLateness: lateness(lateUs * factor),
              ...gc(collected * factor * 1_000, 1),
            });
          const [better, worse] = [at(1), at(1.3)];
          expect(better.clientBound).toBe(better.reasons.length > 0);
          expect(worse.reasons.length).toBeGreaterThanOrEqual(better.reasons.length);
          for (const reason of worse.reasons) expect(reason).toMatch(/^load thread 1[^\n]*: [^\n]+$/);
        },
      ),
    );
  });
});
