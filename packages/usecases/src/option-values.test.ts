import { describe, expect, it } from 'vitest';
import { completeValues } from './option-values.js';
import type { UseCaseOption } from './use-case.js';

const options: readonly UseCaseOption[] = [
  { name: 'size', describe: '', isSetting: true, value: { kind: 'integer', default: 7, min: 1, max: 9 } },
  {
    name: 'form',
    describe: '',
    isSetting: true,
    value: { kind: 'choice', default: 'a', choices: ['a', 'b'] },
  },
  { name: 'path', describe: '', isSetting: false, value: { kind: 'text', default: '' } },
];

describe('completeValues', () => {
  it('takes what is given, then what is fallen back to, then the default', () => {
    expect(completeValues(options, {}, {})).toEqual({ size: 7, form: 'a', path: '' });
    expect(completeValues(options, { size: 1 }, { size: 2, form: 'b' })).toEqual({
      size: 1,
      form: 'b',
      path: '',
    });
  });

  it.each([
    [{ size: 10 }, /--size: 10 is not from 1 to 9/],
    [{ size: 0 }, /--size: 0 is not from 1/],
    [{ size: 1.5 }, /--size: "1.5" is no whole number/],
    [{ size: '5' }, /--size: "5" is no whole number/],
    [{ form: 'c' }, /--form: "c" is none of a, b/],
    [{ path: 5 }, /--path: 5 is no text/],
    [{ sise: 5 }, /no setting sise/],
  ])('refuses %j', (values, message) => {
    expect(() => completeValues(options, values, {})).toThrow(
      expect.objectContaining({ code: 'AIBENCH_USAGE', message: expect.stringMatching(message) }),
    );
  });
});
