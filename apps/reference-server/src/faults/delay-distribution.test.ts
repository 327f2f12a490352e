import { Random } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { fixedDelay, parseDelayDistribution } from './delay-distribution.js';

function draws(text: string, count = 20_000): number[] {
  const distribution = parseDelayDistribution(text);
  const random = new Random(7);
  return Array.from({ length: count }, () => distribution.draw(random));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('parseDelayDistribution', () => {
  it('draws each part of a mixture with its share', () => {
    const values = draws('98%:2ms, 2%:50ms');
    expect(new Set(values)).toEqual(new Set([2, 50]));
    const share = values.filter((value) => value === 50).length / values.length;
    expect(share).toBeGreaterThan(0.017);
    expect(share).toBeLessThan(0.023);
  });

  it.each([
    ['98%:2ms,2%:50ms', 2.96],
    ['exponential:2ms', 2],
    ['uniform:1ms-3ms', 2],
    ['lognormal:2ms,0.5', 2 * Math.exp(0.125)],
    ['33.3%:1ms,66.7%:500us', 0.6665],
  ])('%s has the mean that it draws', (text, meanMs) => {
    expect(parseDelayDistribution(text).meanMs).toBeCloseTo(meanMs, 9);
    expect(Math.abs(mean(draws(text)) / meanMs - 1)).toBeLessThan(0.05);
  });

  it('stays within the bounds of a uniform distribution', () => {
    for (const value of draws('uniform:1ms-3ms')) {
      expect(value).toBeGreaterThanOrEqual(1);
      expect(value).toBeLessThan(3);
    }
  });

  it('has the median of a log-normal distribution', () => {
    const values = draws('lognormal:2ms,0.5').sort((a, b) => a - b);
    expect(Math.abs(values[values.length / 2]! / 2 - 1)).toBeLessThan(0.05);
  });

  it('draws the same from the same seed', () => {
    expect(draws('exponential:1ms', 50)).toEqual(draws('exponential:1ms', 50));
  });

  it.each([
    '2ms',
    '98%:2ms',
    '60%:1ms,60%:2ms',
    '50%:x,50%:1ms',
    'exponential:',
    'uniform:3ms-1ms',
    'lognormal:2ms',
    '-5%:1ms,105%:1ms',
    '100%:-2ms',
    '',
  ])('refuses %j', (text) => {
    expect(() => parseDelayDistribution(text)).toThrow(/^--delay-distribution: /);
  });

  it('has a fixed delay', () => {
    expect(fixedDelay(3).draw(new Random(1))).toBe(3);
  });
});
