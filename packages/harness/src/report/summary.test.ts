import { describe, expect, it } from 'vitest';
import type { RunResult } from '../result/run-result.js';
import { exampleResult } from './example-result.test.fixture.js';
import { summaryText } from './summary.js';

function lineOf(result: RunResult, heading: string): string | undefined {
  return summaryText(result)
    .split('\n')
    .find((line) => line.startsWith(heading));
}

describe('summaryText', () => {
  it('says what was asked of whom and what came of it', () => {
    const text = summaryText(exampleResult);
    expect(text.split('\n').slice(0, 6)).toEqual([
      'Server      RedisAI 1.2.7',
      'Use case    creditcard-fraud, with reference data',
      'Load        closed loop, at most 500/s, 8 workers on 2 threads',
      'Requests    10 sent, 8 answered, 3 of them burn-in, 1 failed, 1 cut off, 2 reconnects',
      'Throughput  3 inferences/s over 2s (3/s with burn-in)',
      'Client      250.0 us CPU a request, load threads 50 %, 25 % busy',
    ]);
    expect(text).toContain('Failed      1 x AIBENCH_SERVER, the first: no');
    expect(text).not.toContain('Outcome');
    expect(text.endsWith('\n')).toBe(true);
  });

  it('tells rates in rows and in requests where a request may have several', () => {
    const { load, rates } = exampleResult;
    const images = { ...exampleResult, rowNoun: 'images', load: { ...load, batchSize: 3 } };
    expect(lineOf({ ...images, rates: { ...rates, measuredRowsPerSecond: 7.46 } }, 'Throughput')).toBe(
      'Throughput  7.5 images/s in 2.5 requests/s of 3 over 2s (3/s with burn-in)',
    );
    expect(lineOf(images, 'Use case')).toBe('Use case    creditcard-fraud, 3 images a request');
    expect(lineOf({ ...images, rates: { ...rates, measuredRowsPerSecond: 1_200.4 } }, 'Throughput')).toMatch(
      /^Throughput {2}1,200 images\/s/,
    );
  });

  it('has a row of latencies in ms for the service time and each stage that occurred', () => {
    const cells = (heading: string) =>
      summaryText(exampleResult)
        .split('\n')
        .find((line) => line.includes(heading))
        ?.split(/[│\s]+/);
    expect(cells('service time')).toEqual(expect.arrayContaining(['1.000', '2.000', '8.003']));
    expect(cells(' wait ')).toBeDefined();
    expect(summaryText(exampleResult)).not.toContain('encode');
  });

  it('labels the embedded reference server, and says why a run did not complete', () => {
    const server = { ...exampleResult.server, isReference: true };
    expect(lineOf({ ...exampleResult, server }, 'Server')).toContain('(the embedded reference server)');
    const outcome = { kind: 'failed', reason: 'the server is gone', code: 'AIBENCH_CONNECTION' } as const;
    expect(lineOf({ ...exampleResult, outcome }, 'Outcome')).toBe('Outcome     failed: the server is gone');
  });

  it('shows response time beside service time in an open loop, and what was not sent in time', () => {
    const open: RunResult = {
      ...exampleResult,
      load: {
        ...exampleResult.load,
        model: 'open-loop',
        schedule: { kind: 'rate', ratePerSecond: 1_500, spacing: { kind: 'poisson', seed: 1 } },
      },
      counts: { ...exampleResult.counts, late: 5, lateByClient: 2, dropped: 3, unsent: 4 },
    };
    expect(lineOf(open, 'Load')).toBe(
      'Load        open loop, 1,500/s, poisson arrivals, 8 workers on 2 threads',
    );
    expect(lineOf(open, 'Schedule')).toBe(
      'Schedule    17 due, 5 sent over 1 ms late, 3 of them for want of a free worker (see --workers), 3 dropped, 4 never sent',
    );
    expect(summaryText(open)).toMatch(/response time.*send delay.*service time/s);
    expect(summaryText(exampleResult)).not.toContain('response time');
    expect(lineOf(exampleResult, 'Schedule')).toBeUndefined();
    const burst: RunResult = { ...open, load: { ...open.load, schedule: { kind: 'burst' } } };
    expect(lineOf(burst, 'Load')).toContain('everything at once');
    expect(lineOf(burst, 'Schedule')).toBeUndefined();
  });

  it('shows the time of queries where several requests are sent together', () => {
    expect(summaryText({ ...exampleResult, queryTime: exampleResult.serviceTime })).toContain('query time');
    expect(summaryText(exampleResult)).not.toContain('query time');
  });

  it('shouts when the client was the limit, and when the books are wrong', () => {
    const verdict = {
      clientBound: true,
      reasons: ['load thread 0 was busy 99 %'],
      trustedUpTo: 0.5,
      notes: ['too short'],
    };
    const books = {
      holds: false,
      violations: ['a request is lost'],
      unchecked: ['load thread 1 told nothing'],
    };
    const conservation = { ...exampleResult.conservation, ...books };
    const bad: RunResult = { ...exampleResult, client: { ...exampleResult.client, verdict }, conservation };
    expect(lineOf(bad, 'CLIENT-BOUND')).toBe('CLIENT-BOUND load thread 0 was busy 99 %');
    expect(lineOf(bad, 'Note')).toBe('Note        too short');
    expect(summaryText(bad)).toContain('Note        load thread 1 told nothing\n');
    expect(lineOf(bad, 'WRONG BOOKS')).toBe('WRONG BOOKS a request is lost');
    expect(summaryText(exampleResult)).not.toMatch(/CLIENT-BOUND|WRONG BOOKS|Note/);
  });

  it("gives MLPerf's figure, and why it would not count", () => {
    const scenario = {
      scenario: 'single-stream',
      label: 'p90 latency',
      value: 2_500,
      unit: 'us',
      latencyUs: 2_500,
      shortfalls: ['it lasted 3 s, not 600 s'],
    } as const;
    const lines = summaryText({ ...exampleResult, scenario }).split('\n');
    const at = lines.indexOf('MLPerf      single-stream: p90 latency 2.500 ms');
    expect(at).toBeGreaterThan(0);
    expect(lines[at + 1]).toBe("            does not count by LoadGen's rules: it lasted 3 s, not 600 s");
    const offline = { ...scenario, scenario: 'offline', label: 'samples per second', unit: '1/s' } as const;
    expect(lineOf({ ...exampleResult, scenario: offline }, 'MLPerf')).toBe(
      'MLPerf      offline: samples per second 2,500/s',
    );
  });

  it('says whether the load was steady, and if not, why', () => {
    const steady = {
      kind: 'steady',
      steady: true,
      rateSpread: 0.012,
      quantileSpread: 0.05,
      firstWindow: 2,
    } as const;
    const undecided = { rateSpread: undefined, quantileSpread: undefined, steady: false } as const;
    const line = (steadyState: RunResult['steadyState']) =>
      lineOf({ ...exampleResult, steadyState }, 'Steady');
    expect(line(undefined)).toBeUndefined();
    expect(line(steady)).toBe(
      'Steady      yes: rate within 1.2 %, latency within 5.0 % over the windows measured',
    );
    expect(line({ ...steady, kind: 'rate-moves', steady: false })).toBe(
      'Steady      NOT REACHED: rate within 1.2 %, latency within 5.0 % over the last windows',
    );
    expect(line({ ...steady, kind: 'idle', ...undecided })).toContain('NOT REACHED: nothing was answered');
    expect(line({ ...steady, kind: 'too-few-windows', ...undecided })).toContain(
      'NOT REACHED: too few windows',
    );
  });

  it('says how many answers were verified, and shouts when some are wrong', () => {
    const verified = (mismatched: number): RunResult => ({
      ...exampleResult,
      load: { ...exampleResult.load, verify: true },
      counts: { ...exampleResult.counts, verified: 8, mismatched },
    });
    expect(lineOf(exampleResult, 'Verified')).toBeUndefined();
    expect(lineOf(verified(0), 'Verified')).toBe('Verified    8 of 8 answers, all right');
    expect(lineOf(verified(2), 'Verified')).toBe('Verified    2 of 8 answers are WRONG');
  });
});
