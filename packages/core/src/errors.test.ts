import { describe, expect, it } from 'vitest';
import { AibenchError, errorLine, exitCodeOf } from './errors.js';

describe('AibenchError', () => {
  it('carries its code, hint and cause', () => {
    const cause = new Error('below');
    const error = new AibenchError('AIBENCH_INPUT', 'no file', { hint: 'see --file', cause });
    expect(error).toMatchObject({ name: 'AibenchError', code: 'AIBENCH_INPUT', hint: 'see --file', cause });
    expect(error).toBeInstanceOf(Error);
    expect(Object.hasOwn(new AibenchError('AIBENCH_INPUT', 'no file'), 'cause')).toBe(false);
  });
});

describe('exitCodeOf', () => {
  it.each([
    [new AibenchError('AIBENCH_USAGE', 'x'), 2],
    [new AibenchError('AIBENCH_INTERRUPTED', 'x'), 130],
    [new AibenchError('AIBENCH_INPUT', 'x'), 1],
    [new AibenchError('AIBENCH_MISMATCH', 'x'), 1],
    [new TypeError('x'), 1],
    ['a text', 1],
    [undefined, 1],
  ])('%s ends a binary with %i', (error, status) => {
    expect(exitCodeOf(error)).toBe(status);
  });
});

describe('errorLine', () => {
  const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED' });

  it.each([
    [new AibenchError('AIBENCH_INPUT', 'no file', { hint: 'see --file' }), 'no file (see --file)'],
    [new AibenchError('AIBENCH_INPUT', 'no file'), 'no file'],
    [new Error('one\n   two\r\nthree\n'), 'one two three'],
    ['a text\nof two lines', 'a text of two lines'],
    [undefined, 'undefined'],
    [refused, 'ECONNREFUSED'],
    [new TypeError(), 'TypeError'],
    [new AggregateError([new Error('first'), refused]), 'first; ECONNREFUSED'],
    [new AggregateError([], 'all of them'), 'all of them'],
  ])('makes one line of %s', (error, line) => {
    expect(errorLine(error)).toBe(line);
  });
});
