import { AibenchError } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failedCount, mergeTallies, type Tally, TallyCounter } from './tally.js';

describe('TallyCounter', () => {
  it('counts failures by code, and keeps what the first of each said', () => {
    const counter = new TallyCounter();
    counter.sent = 6;
    counter.answered = 1;
    counter.failed(new AibenchError('AIBENCH_SERVER', 'first'));
    counter.failed(new TypeError('a bug'));
    counter.failed(new AibenchError('AIBENCH_SERVER', 'second'));
    counter.failed('a text');
    counter.failed(undefined);
    expect(counter.read()).toEqual({
      sent: 6,
      answered: 1,
      answeredRows: 0,
      failures: [
        { code: 'AIBENCH_SERVER', count: 2, firstMessage: 'first' },
        { code: 'AIBENCH_UNKNOWN', count: 3, firstMessage: 'a bug' },
      ],
      verified: 0,
      mismatched: 0,
      reconnects: 0,
      late: 0,
      lateByClient: 0,
    });
    expect(failedCount(counter.read())).toBe(5);
  });

  it('tells failures of one code apart by the status that the protocol gave them', () => {
    const counter = new TallyCounter();
    for (const status of ['NOT_FOUND', 'RESOURCE_EXHAUSTED', 'NOT_FOUND', undefined])
      counter.failed(new AibenchError('AIBENCH_SERVER', `${status}`, { status }));
    expect(counter.read().failures).toEqual([
      { code: 'AIBENCH_SERVER', status: 'NOT_FOUND', count: 2, firstMessage: 'NOT_FOUND' },
      { code: 'AIBENCH_SERVER', status: 'RESOURCE_EXHAUSTED', count: 1, firstMessage: 'RESOURCE_EXHAUSTED' },
      { code: 'AIBENCH_SERVER', count: 1, firstMessage: 'undefined' },
    ]);
    const merged = mergeTallies([counter.read(), counter.read()]);
    expect(merged.failures.map(({ count }) => count)).toEqual([4, 2, 2]);
  });

  it('reads as it stood then, whatever is counted later', () => {
    const counter = new TallyCounter();
    counter.failed('once');
    const read = counter.read();
    counter.failed('again');
    counter.sent += 1;
    expect(read).toMatchObject({ sent: 0, failures: [{ count: 1 }] });
  });
});

describe('mergeTallies', () => {
  const counted = [
    'sent',
    'answered',
    'answeredRows',
    'verified',
    'mismatched',
    'reconnects',
    'late',
    'lateByClient',
  ] as const;
  const count = fc.nat(1_000);
  const failure = fc.tuple(fc.constantFrom('A', 'B', 'C'), fc.integer({ min: 1, max: 50 }));
  const tally: fc.Arbitrary<Tally> = fc.record({
    sent: count,
    answered: count,
    answeredRows: count,
    verified: count,
    mismatched: count,
    reconnects: count,
    late: count,
    lateByClient: count,
    failures: fc
      .uniqueArray(failure, { selector: ([code]) => code, maxLength: 3 })
      .map((list) => list.map(([code, n]) => ({ code, count: n, firstMessage: `${code}!` }))),
  });

  it('adds everything up, each code once', () => {
    fc.assert(
      fc.property(fc.array(tally, { maxLength: 6 }), (tallies) => {
        const merged = mergeTallies(tallies);
        for (const key of counted)
          expect(merged[key]).toBe(tallies.reduce((sum, each) => sum + each[key], 0));
        expect(failedCount(merged)).toBe(tallies.reduce((sum, each) => sum + failedCount(each), 0));
        const codes = merged.failures.map(({ code }) => code);
        expect(new Set(codes).size).toBe(codes.length);
        for (const { code, firstMessage } of merged.failures) expect(firstMessage).toBe(`${code}!`);
      }),
    );
  });
});
