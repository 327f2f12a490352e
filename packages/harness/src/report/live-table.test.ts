import { describe, expect, it } from 'vitest';
import { exampleResult } from './example-result.test.fixture.js';
import { formatMs, liveTableHeader, liveTableLine } from './live-table.js';

const [burnIn, window] = exampleResult.windows;

describe('the live table', () => {
  it('has a line a period, whose columns lie under their headings', () => {
    const header = liveTableHeader();
    const line = liveTableLine({ ...window!, answeredPerSecond: 12_345.6, failed: 3 }, 1_234_567);
    expect(line.length).toBe(header.length);
    expect(line.trim().split(/ +/)).toEqual(['2.0s', '12,346', '1,234,567', '1.000', '2.000', '2.000', '3']);
    expect(header.trim().split(/ {2,}/)).toEqual([
      'test time',
      'inferences/s',
      'inferences',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      'failed',
    ]);
  });

  it('counts requests where one has several rows', () => {
    const header = liveTableHeader(2);
    expect(header).toContain(' requests/s       requests ');
    expect(header).not.toContain('inferences');
    expect(header.length).toBe(liveTableHeader().length);
  });

  it('shows no latency of a period without measured requests', () => {
    expect(liveTableLine({ ...burnIn!, answered: 5 }, 5).match(/burn-in/g)).toHaveLength(3);
    const gap = liveTableLine({ ...burnIn!, answered: 0 }, 0);
    expect(
      gap
        .trim()
        .split(/ +/)
        .filter((cell) => cell === '-'),
    ).toHaveLength(3);
  });

  it('formats numbers for people', () => {
    expect([formatMs(1_234.5), formatMs(0)]).toEqual(['1.234', '0.000']);
  });
});
