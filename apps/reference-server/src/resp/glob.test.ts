import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from './glob.js';

describe('matchesGlob', () => {
  it.each([
    ['*', '', true],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbbd', false],
    ['*b*b*', 'abcb', true],
    ['h?llo', 'hello', true],
    ['h?llo', 'hllo', false],
    ['h[ae]llo', 'hallo', true],
    ['h[^e]llo', 'hello', false],
    ['h[a-c]llo', 'hbllo', true],
    ['h[c-a]llo', 'hbllo', true],
    ['key\\*', 'key*', true],
    ['key\\*', 'keys', false],
    ['[', 'x', false],
    ['a**', 'abc', true],
  ])('%s against %s', (pattern, text, matches) => {
    expect(matchesGlob(pattern, text)).toBe(matches);
  });

  it('matches each text by itself when escaped, and by a star', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(matchesGlob(text.replaceAll(/[\\*?[\]^-]/g, '\\$&'), text)).toBe(true);
        expect(matchesGlob('*', text)).toBe(true);
        expect(matchesGlob(`${text.replaceAll(/[\\*?[\]^-]/g, '\\$&')}x`, text)).toBe(false);
      }),
    );
  });
});
