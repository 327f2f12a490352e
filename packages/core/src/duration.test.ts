import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDurationMs, parseDurationMs } from './duration.js';
import { AibenchError } from './errors.js';

/** Nanoseconds in each of Go's units, in whole numbers, so that expectations don't share the code's rounding. */
const unitNs = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
} as const;
const unit = fc.constantFrom(...(Object.keys(unitNs) as (keyof typeof unitNs)[]));

describe('parseDurationMs', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['+0', 0],
    ['0s', 0],
    ['500us', 0.5],
    ['500µs', 0.5],
    ['500μs', 0.5],
    ['1ns', 1e-6],
    ['100ms', 100],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['1.s', 1_000],
    ['1m30s', 90_000],
    ['1h2m3s4ms5us6ns', 3_723_004.005006],
    ['3s2h', 7_203_000],
    ['1s1s', 2_000],
    ['-1.5h', -5_400_000],
    ['+250ms', 250],
    [' 1s ', 1_000],
    ['2562047h', 2_562_047 * 3_600_000],
  ])('reads %j', (text, expectedMs) => {
    expect(parseDurationMs(text)).toBeCloseTo(expectedMs, 9);
  });

  it.each([
    '',
    ' ',
    '1',
    '-',
    '+',
    's',
    '.s',
    '.',
    '1 s',
    '1s 2s',
    '1s-2s',
    '--1s',
    '1d',
    '1S',
    '1e3s',
    '0x10s',
    'NaN',
    'Infinitys',
    '١s',
    '1,5s',
    '1..5s',
    '2562048h',
    `${'9'.repeat(400)}h`,
  ])('rejects %j', (text) => {
    const read = () => parseDurationMs(text);
    expect(read).toThrow(AibenchError);
    expect(read).toThrow(expect.objectContaining({ code: 'AIBENCH_USAGE', hint: expect.any(String) }));
  });

  it('adds up any sequence of units, under any sign', () => {
    const parts = fc.array(fc.tuple(fc.integer({ min: 0, max: 9_999 }), unit), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.constantFrom('', '+', '-'), parts, (sign, list) => {
        const text = sign + list.map(([n, name]) => `${n}${name}`).join('');
        const expectedNs = list.reduce((sum, [n, name]) => sum + BigInt(n) * unitNs[name], 0n);
        const readMs = parseDurationMs(text);
        expect(Math.abs(Math.abs(readMs) * 1e6 - Number(expectedNs))).toBeLessThanOrEqual(
          Math.max(1, Number(expectedNs) * 1e-15),
        );
        if (expectedNs > 0n) expect(readMs < 0).toBe(sign === '-');
      }),
    );
  });
});

describe('formatDurationMs', () => {
  it.each([
    [0, '0s'],
    [-0, '0s'],
    [1e-7, '0s'],
    [1e-6, '1ns'],
    [0.0015, '1.5µs'],
    [0.02, '20µs'],
    [250, '250ms'],
    [999.999999, '999.999999ms'],
    [1_000, '1s'],
    [1_500, '1.5s'],
    [60_000, '1m0s'],
    [60_000.000001, '1m0.000000001s'],
    [90_000, '1m30s'],
    [3_600_000, '1h0m0s'],
    [3_661_001, '1h1m1.001s'],
    [-90_000, '-1m30s'],
    [-0.5, '-500µs'],
    [600_000, '10m0s'],
  ])('writes %d ms as %s, as Go does', (durationMs, text) => {
    expect(formatDurationMs(durationMs)).toBe(text);
  });

  it('writes what parseDurationMs reads back, to the nanosecond', () => {
    // Up to a month a double of milliseconds tells every nanosecond apart.
    const wholeNs = fc.integer({ min: -2_678_400_000_000_000, max: 2_678_400_000_000_000 });
    fc.assert(
      fc.property(wholeNs, (ns) => {
        const text = formatDurationMs(ns / 1e6);
        expect(Math.round(parseDurationMs(text) * 1e6)).toBe(ns || 0);
        expect(formatDurationMs(parseDurationMs(text))).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });
});
