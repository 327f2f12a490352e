import { afterEach, describe, expect, it, vi } from 'vitest';
import { bearerTokenVariable, requestHeaders } from './request-headers.js';

afterEach(() => vi.unstubAllEnvs());

describe('requestHeaders', () => {
  it('reads headers, names in lower case', () => {
    expect(requestHeaders({ lines: ['X-Run: 7', ' accept :a, b:c '], bearerToken: '' })).toEqual({
      'x-run': '7',
      accept: 'a, b:c',
    });
  });

  it('leaves off the line break that a token read from a file ends with', () => {
    expect(requestHeaders({ lines: [], bearerToken: 'ours\n' })).toEqual({ authorization: 'Bearer ours' });
  });

  it('makes a login of a token, from the flag or the environment', () => {
    vi.stubEnv(bearerTokenVariable, 'theirs');
    expect(requestHeaders({ lines: [], bearerToken: 'ours' })).toEqual({ authorization: 'Bearer ours' });
    expect(requestHeaders({ lines: ['a: b'], bearerToken: '' })).toEqual({
      a: 'b',
      authorization: 'Bearer theirs',
    });
    vi.stubEnv(bearerTokenVariable, undefined);
    expect(requestHeaders({ lines: [], bearerToken: '' })).toEqual({});
  });

  it.each([
    [['secret'], '', 'what was given is no header'],
    [[': secret'], '', 'what was given is no header'],
    [['a b: secret'], '', 'what was given is no header'],
    [['Content-Length: 7'], '', 'Content-Length is written by the client itself'],
    [['transfer-encoding: secret'], '', 'transfer-encoding is written by the client itself'],
    [['X: 1', 'x: secret'], '', 'x is given twice'],
    [['X: secret\r\nY: 1'], '', 'the value of X has characters in it'],
    [['X: sécret'], '', 'the value of X has characters in it'],
    [[], 'secret\ntwo', '--bearer-token: the token has characters in it'],
    [['Authorization: Basic secret'], 'secret', 'are two logins'],
  ])('refuses %j with token %j, and keeps secrets to itself', (lines, bearerToken, words) => {
    const read = () => requestHeaders({ lines, bearerToken });
    expect(read).toThrow(words);
    expect(read).toThrow(expect.objectContaining({ code: 'AIBENCH_USAGE' }));
    expect(read).not.toThrow('secret');
  });

  it('names the environment variable where that is wrong', () => {
    vi.stubEnv(bearerTokenVariable, 'a\nb');
    expect(() => requestHeaders({ lines: [], bearerToken: '' })).toThrow(`${bearerTokenVariable}: the token`);
  });
});
