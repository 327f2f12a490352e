import { hashSlot } from '@aibench/redis';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardHashTag } from './shard-hash-tag.js';

describe('shardHashTag', () => {
  it('puts keys into the slots of a master, any contiguous range of 100', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 16_283 }), (first) => {
        const owns = (slot: number) => slot >= first && slot < first + 100;
        const tag = shardHashTag(owns);
        expect(tag).toMatch(/^\{\d+\}$/);
        expect(owns(hashSlot(`financialNet${tag}`))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('takes the smallest number', () => {
    expect(shardHashTag(() => true)).toBe('{0}');
    expect(shardHashTag((slot) => slot === hashSlot('7'))).toBe('{7}');
  });

  it('fails for a master without slots', () => {
    expect(() => shardHashTag(() => false)).toThrow('no slot');
  });
});
