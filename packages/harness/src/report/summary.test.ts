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
