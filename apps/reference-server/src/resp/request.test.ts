import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Request } from './request.js';

function request(text: string): Request {
  const made = new Request();
  const bytes = Buffer.from(`..${text}..`, 'latin1');
  made.add(bytes, 2, bytes.length - 2);
  return made;
}

describe('Request', () => {
  it('reads whole numbers as Redis does', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(request(String(value)).integer(0)).toBe(value);
      }),
    );
    expect(request('0').integer(0)).toBe(0);
  });

  it.each(['', '-', '-0', '007', '+1', '1.0', ' 1', '1 ', '0x1', '9007199254740992', '99999999999999999999'])(
    'takes %j for no whole number',
    (text) => {
      expect(request(text).integer(0)).toBeUndefined();
    },
  );

  it('compares keywords without regard to case', () => {
    expect(request('aI.TensorSet').is(0, 'AI.TENSORSET')).toBe(true);
    expect(request('|>').is(0, '|>')).toBe(true);
    expect(request('BLO').is(0, 'BLOB')).toBe(false);
    expect(request('BLOC').is(0, 'BLOB')).toBe(false);
    expect(request('BLOB').is(1, 'BLOB')).toBe(false);
  });
});
