import { describe, expect, it } from 'vitest';
import { exampleLatenciesUs, exampleResult } from './example-result.test.fixture.js';
import { hdrText } from './hdr-text.js';

describe('hdrText', () => {
  it('is a percentile distribution in milliseconds, that other tools read', () => {
    const lines = hdrText(exampleResult).split('\n');
    expect(lines[0]).toMatch(/^ +Value +Percentile +TotalCount +1\/\(1-Percentile\)$/);
    const rows = lines.flatMap((line) => {
      const match = /^ *([\d.]+) ([\d.]+) +(\d+)/.exec(line);
      return match === null ? [] : [match.slice(1).map(Number) as [number, number, number]];
    });
    // For every value the share of latencies that do not exceed it.
    for (const [valueMs, share, count] of rows) {
      expect(exampleLatenciesUs.filter((us) => us / 1_000 <= valueMs)).toHaveLength(count);
      expect(share).toBeLessThanOrEqual(count / exampleLatenciesUs.length);
    }
    expect(rows.at(-1)?.slice(1)).toEqual([1, 5]);
    expect(hdrText(exampleResult)).toMatch(/#\[Mean +=\s+3\.2\d+, StdDeviation/);
    expect(hdrText(exampleResult)).toMatch(/#\[Max +=\s+8\.00\d, Total count +=\s+5\]/);
  });
});
