import { describe, expect, it } from 'vitest';
import { parseFlag } from '../cli/flags.js';
import { loadFlags } from './load-flags.js';

describe('the flags of rates', () => {
  it.each(['rate', 'limit-rps', 'min-rate', 'max-rate'] as const)(
    '--%s ends at ten million a second',
    (name) => {
      expect(parseFlag(name, loadFlags[name], '10000000')).toBe(10_000_000);
      expect(() => parseFlag(name, loadFlags[name], '10000001')).toThrow(
        expect.objectContaining({
          code: 'AIBENCH_USAGE',
          message: `--${name}: 10000001 is above 10000000, the most it takes`,
        }),
      );
    },
  );
});
