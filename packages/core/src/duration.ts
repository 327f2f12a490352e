import { AibenchError } from './errors.js';

/** Nanoseconds in each unit that Go's `time.ParseDuration` knows. */
const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3, // U+00B5, micro sign
  μs: 1e3, // U+03BC, Greek mu
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};

/** The longest duration that Go can hold, 2^63 - 1 ns, some 292 years; longer ones are rejected as Go does. */
const longestNs = 2 ** 63;

/**
 * Reads a duration as Go writes it: `500us`, `1.5s`, `1m30s`, `0`; a sign may
 * stand in front, blanks around it are passed over.
 *
 * @returns milliseconds, with fractions, to the nanosecond
 * @throws AIBENCH_USAGE when the text is no such duration
 */
export function parseDurationMs(text: string): number {
  const match = /^([+-]?)(.+)$/.exec(text.trim());
  if (match?.[2] === '0') return 0;
  let rest = match?.[2] ?? '';
  let totalNs = 0;
  while (rest !== '') {
    const part = /^(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/.exec(rest);
    if (part === null) throw invalidDuration(text);
    totalNs += Number(part[1]) * unitNs[part[2]!]!;
    rest = rest.slice(part[0].length);
  }
  if (match === null || totalNs >= longestNs) throw invalidDuration(text);
  // Whole nanoseconds, as in Go; only the one division rounds.
  const totalMs = Math.round(totalNs) / 1e6;
  return match[1] === '-' ? -totalMs : totalMs;
}

function invalidDuration(text: string): AibenchError {
  return new AibenchError('AIBENCH_USAGE', `"${text}" is no duration`, {
    hint: 'a duration is written like 500us, 100ms, 1s or 1m30s',
  });
}

/**
 * Writes milliseconds as Go's `Duration.String` does: `1m30s`, `1.5s`, `250ms`,
 * `20µs`, `0s`. Rounded to whole nanoseconds.
 *
 * @param durationMs finite
 */
export function formatDurationMs(durationMs: number): string {
  const ns = Math.round(Math.abs(durationMs) * 1e6);
  const sign = durationMs < 0 && ns > 0 ? '-' : '';
  if (ns === 0) return '0s';
  if (ns < 1e3) return `${sign}${ns}ns`;
  if (ns < 1e6) return `${sign}${ns / 1e3}µs`;
  if (ns < 1e9) return `${sign}${ns / 1e6}ms`;
  const hours = Math.floor(ns / 3.6e12);
  const minutes = Math.floor((ns % 3.6e12) / 6e10);
  // Fixed point, since a few nanoseconds would otherwise be written as 1e-9; then no zeros at the end.
  const seconds = ((ns % 6e10) / 1e9).toFixed(9).replace(/\.?0+$/, '');
  const hoursText = hours > 0 ? `${hours}h` : '';
  const minutesText = hours > 0 || minutes > 0 ? `${minutes}m` : '';
  return `${sign}${hoursText}${minutesText}${seconds}s`;
}
