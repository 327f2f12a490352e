import { AibenchError, parseDurationMs } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadFlags } from '../engine/load-flags.js';
import { defaultValues, type Flag, type FlagSet, flag, parseFlag, valueKey } from './flags.js';

const about = { describe: 'About it' };

describe('parseFlag', () => {
  it.each<[Flag, string, unknown]>([
    [flag.integer({ ...about, default: 0 }), '+5', 5],
    [flag.integer({ ...about, default: 0 }), '9007199254740991', 9_007_199_254_740_991],
    [flag.number({ ...about, default: 0 }), '-.5e3', -500],
    [flag.boolean({ ...about, default: false }), 'TRUE', true],
    [flag.boolean({ ...about, default: true }), '0', false],
    [flag.duration({ ...about, default: '1s' }), '500us', 0.5],
    [flag.list({ ...about, default: [] }), ' a,,b ,', ['a', 'b']],
    [flag.list({ ...about, default: ['x'] }), '', []],
    [flag.choice(['TF', 'ONNX'], { ...about, default: 'TF' }), 'onnx', 'ONNX'],
    [flag.string({ ...about, default: '' }), ' as it is ', ' as it is '],
  ])('reads %o from %j', (definition, text, value) => {
    expect(parseFlag('name', definition, text)).toEqual(value);
  });

  it.each<[Flag, string]>([
    [flag.integer({ ...about, default: 0 }), '9007199254740992'],
    [flag.integer({ ...about, default: 0 }), '1e3'],
    [flag.integer({ ...about, default: 0 }), ''],
    [flag.integer({ ...about, default: 5, min: 1, max: 9 }), '10'],
    [flag.integer({ ...about, default: 5, min: 1, max: 9 }), '0'],
    [flag.number({ ...about, default: 0 }), 'Infinity'],
    [flag.number({ ...about, default: 0 }), '1e999'],
    [flag.number({ ...about, default: 0 }), ' 1'],
    [flag.boolean({ ...about, default: true }), 'yes'],
    [flag.duration({ ...about, default: '1s', minMs: 10, maxMs: 1_000 }), '9ms'],
    [flag.duration({ ...about, default: '1s', minMs: 10, maxMs: 1_000 }), '1.1s'],
    [flag.choice(['a', 'b'], { ...about, default: 'a' }), 'c'],
  ])('rejects %o from %j, naming the flag', (definition, text) => {
    const read = () => parseFlag('some-flag', definition, text);
    expect(read).toThrow(AibenchError);
    expect(read).toThrow(
      expect.objectContaining({ code: 'AIBENCH_USAGE', message: expect.stringMatching(/^--some-flag: /) }),
    );
  });

  it('reads back any number that is written', () => {
    const number = flag.number({ ...about, default: 0 });
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        // A negative zero is written as 0.
        expect(parseFlag('x', number, String(value))).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});

describe('valueKey', () => {
  it('is the name in camelCase, with the unit of durations', () => {
    expect(valueKey('limit-rps', flag.number({ ...about, default: 0 }))).toBe('limitRps');
    expect(valueKey('reporting-period', flag.duration({ ...about, default: '1s' }))).toBe(
      'reportingPeriodMs',
    );
    expect(valueKey('file', flag.string({ ...about, default: '' }))).toBe('file');
  });
});

describe('defaultValues', () => {
  it('are the values that the defaults stand for, each of which its own flag accepts', () => {
    const flags = {
      'a-list': flag.list({ ...about, default: ['a', 'b'] }),
      'a-time': flag.duration({ ...about, default: '1m' }),
    } satisfies FlagSet;
    expect(defaultValues(flags)).toEqual({ aList: ['a', 'b'], aTimeMs: parseDurationMs('1m') });
    const load = defaultValues(loadFlags);
    expect(Object.keys(load)).toHaveLength(Object.keys(loadFlags).length);
    expect(load).toMatchObject({
      workers: 8,
      threads: 0,
      reportingPeriodMs: 1_000,
      useCase: '',
    });
  });
});
