import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultSteadyStateRule, steadyState, type WindowSummary } from './steady-state.js';

const windows = (...pairs: [number, number][]): WindowSummary[] =>
  pairs.map(([ratePerSecond, quantileUs]) => ({ ratePerSecond, quantileUs }));

describe('steadyState', () => {
  it('is steady up to the limit and not beyond it, in rate and in quantile', () => {
    expect(steadyState(windows([100, 10], [110, 11], [105, 10.5]))).toMatchObject({
      kind: 'steady',
      steady: true,
    });
    const moving: [WindowSummary[], string][] = [
      [windows([100, 10], [110.1, 10], [105, 10]), 'rate-moves'],
      [windows([100, 11.1], [100, 10], [100, 10]), 'quantile-moves'],
      [windows([100, 10], [200, 10], [100, 20]), 'both-move'],
    ];
    for (const [list, kind] of moving) expect(steadyState(list)).toMatchObject({ kind, steady: false });
  });

  it('gives the figures that decided', () => {
    const verdict = steadyState(windows([1, 1], [100, 10], [125, 10], [100, 15]));
    expect(verdict).toMatchObject({ rateSpread: 0.25, quantileSpread: 0.5, firstWindow: 1 });
  });

  it('looks at the last windows only, and at as many as the rule says', () => {
    const list = windows([1, 1], [900, 3], [100, 10], [101, 10], [102, 10]);
    expect(steadyState(list).steady).toBe(true);
    expect(steadyState(list, { ...defaultSteadyStateRule, windows: 4 }).steady).toBe(false);
    expect(steadyState(list, { ...defaultSteadyStateRule, rateTolerance: 0.01 }).kind).toBe('rate-moves');
    expect(steadyState(list.slice(0, 2))).toEqual({
      kind: 'too-few-windows',
      steady: false,
      rateSpread: undefined,
      quantileSpread: undefined,
      firstWindow: 0,
    });
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('is never steady with a window of %d', (bad) => {
    expect(steadyState(windows([100, 10], [bad, 10], [100, 10])).kind).toBe('idle');
    expect(steadyState(windows([100, 10], [100, 10], [100, bad])).kind).toBe('idle');
  });

  it('does not depend on units, nor on the order of the windows', () => {
    const value = fc.double({ min: 90, max: 110, noNaN: true });
    const three = fc.array(fc.tuple(value, value), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(three, fc.constantFrom(2 ** -10, 2, 2 ** 20), (pairs, unit) => {
        const { kind, ...figures } = steadyState(windows(...pairs));
        expect(steadyState(windows(...pairs.toReversed()))).toEqual({ kind, ...figures });
        const scaled = pairs.map(([rate, quantile]): [number, number] => [rate * unit, quantile * unit]);
        expect(steadyState(windows(...scaled))).toEqual({ kind, ...figures });
        if (kind === 'steady') expect(figures.rateSpread).toBeLessThanOrEqual(0.1 + 1e-12);
      }),
    );
  });
});
