import { AibenchError } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostSweepValues, parseSweep, type SweepVariable } from './sweep.js';

const variables: Record<string, SweepVariable> = {
  workers: { kind: 'integer', min: 1, max: 100_000 },
  rate: { kind: 'number', min: 0.001 },
  threads: { kind: 'integer', min: 1 },
  'burn-in': { kind: 'integer', min: 0 },
};

const valuesOf = (text: string) => parseSweep(text, variables).values;

describe('parseSweep', () => {
  it.each([
    ['workers=1,2,4,8..64', [1, 2, 4, 8, 16, 32, 64]],
    ['rate=100..1000:100', [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]],
    ['threads=1,2', [1, 2]],
    ['--threads = 2 , 1', [2, 1]],
    ['workers=8..50', [8, 16, 32, 50]],
    ['rate=100..1000:400', [100, 500, 900, 1000]],
    ['rate=0.1..0.5:0.1', [0.1, 0.2, 0.3, 0.4, 0.5]],
    ['rate=0.5..3', [0.5, 1, 2, 3]],
    ['rate=1e3', [1000]],
    ['workers=4..4', [4]],
    ['workers=4..4:1', [4]],
    ['burn-in=0..0', [0]],
    ['burn-in=0..20:10', [0, 10, 20]],
    ['workers=1..8,4..16,2', [1, 2, 4, 8, 16]],
  ])('reads %s', (text, values) => {
    expect(valuesOf(text)).toEqual(values);
  });

  it('names the flag without dashes', () => {
    expect(parseSweep('--burn-in=1', variables).name).toBe('burn-in');
  });

  it('steps from one end to the other, both included', () => {
    const rate = fc.integer({ min: 1, max: 500 });
    fc.assert(
      fc.property(rate, rate, fc.integer({ min: 1, max: 50 }), (a, b, step) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const stepped = valuesOf(`workers=${from}..${to}:${step}`);
        expect(stepped[0]).toBe(from);
        expect(stepped.at(-1)).toBe(to);
        expect(stepped).toHaveLength(Math.ceil((to - from) / step) + 1);
        expect(stepped.slice(0, -1).every((value, index) => value === from + index * step)).toBe(true);

        const doubled = valuesOf(`workers=${from}..${to}`);
        expect(doubled.slice(0, -1).every((value, index) => value === from * 2 ** index)).toBe(true);
        expect(doubled.at(-1)).toBe(to);
        if (doubled.length > 1) expect(to).toBeLessThanOrEqual(2 * doubled.at(-2)!);
      }),
    );
  });

  it('reads again what it gave', () => {
    const part = fc.integer({ min: 1, max: 1_000 }).map(String);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 10 }), (parts) => {
        const values = valuesOf(`workers=${parts.join(',')}`);
        expect(valuesOf(`workers=${values.join(',')}`)).toEqual(values);
        expect(new Set(values)).toEqual(new Set(parts.map(Number)));
      }),
    );
  });

  it.each([
    ['', 'not of the form name=values'],
    ['workers', 'not of the form name=values'],
    ['workers=1=2', 'not of the form name=values'],
    ['=1', '"" cannot be swept'],
    ['host=1', '"host" cannot be swept, only workers, rate, threads, burn-in can'],
    ['toString=1', '"toString" cannot be swept'],
    ['workers=', 'an empty value'],
    ['workers=1,,2', 'an empty value'],
    ['workers=1,2,', 'an empty value'],
    ['workers=one', '"one" in "one" is no number'],
    ['workers=-1', '"-1" in "-1" is no number'],
    ['workers=0x10', 'is no number'],
    ['workers=1..', 'a number is missing in "1.."'],
    ['workers=..8', 'a number is missing in "..8"'],
    ['workers=1..2..3', 'neither a number nor a range'],
    ['workers=5:1', 'neither a number nor a range'],
    ['workers=1..5:1:1', 'neither a number nor a range'],
    ['workers=1..5:', 'a number is missing'],
    ['workers=64..8', '"64..8" runs downwards: write 8..64'],
    ['workers=1..8:0', 'never arrives'],
    ['burn-in=0..8', 'never arrives: twice 0 is 0'],
    ['workers=1.5', 'workers takes whole numbers, not 1.5'],
    ['workers=0', 'workers 0 is below 1'],
    ['workers=100001', 'workers 100001 is above 100000'],
    ['rate=1e999', 'is no number'],
    ['workers=1..100000:1', `more than ${mostSweepValues} values`],
    ['rate=1000000..10000000:.0000001', `more than ${mostSweepValues} values`],
  ])('rejects %j, naming the flag and the part', (text, what) => {
    let error: unknown;
    try {
      parseSweep(text, variables);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AibenchError);
    const { code, message, hint } = error as AibenchError;
    expect(code).toBe('AIBENCH_USAGE');
    expect(message).toMatch(/^--sweep: /);
    expect(message).toContain(what);
    expect(hint).toContain('workers=1,2,4,8..64');
  });

  it('gives a hint that reads', () => {
    for (const names of [['workers', 'rate'], ['rate']]) {
      const some = Object.fromEntries(names.map((name) => [name, variables[name]!]));
      const hint = (() => {
        try {
          parseSweep('nothing', some);
        } catch (error) {
          return (error as AibenchError).hint ?? '';
        }
        return '';
      })();
      const examples = hint.match(/[a-z]+=\S+/g) ?? [];
      expect(examples).toHaveLength(2);
      for (const example of examples) expect(parseSweep(example, some).values.length).toBeGreaterThan(4);
    }
  });
});
