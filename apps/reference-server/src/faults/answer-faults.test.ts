import { describe, expect, it } from 'vitest';
import { type ElementType, elementsOf } from '../inference/element-type.js';
import { ServerTensor } from '../inference/server-tensor.js';
import { AnswerFaults } from './answer-faults.js';

const answer = [ServerTensor.zeros('float32', [1, 2])];

describe('AnswerFaults', () => {
  it('lets everything pass by default', () => {
    const faults = new AnswerFaults({ failEvery: 0, wrongEvery: 0 });
    for (let i = 0; i < 10; i++) expect(faults.pass(answer)).toBe(answer);
  });

  it('fails every N-th answer', () => {
    const faults = new AnswerFaults({ failEvery: 3, wrongEvery: 0 });
    const failed = Array.from({ length: 9 }, () => {
      try {
        faults.pass(answer);
        return false;
      } catch (error) {
        expect((error as Error).message).toContain('injected failure');
        return true;
      }
    });
    expect(failed).toEqual([false, false, true, false, false, true, false, false, true]);
  });

  it.each<ElementType>(['float32', 'float64', 'int8', 'int64', 'uint8', 'bool'])(
    'makes every N-th answer of %s wrong and leaves the original alone',
    (type) => {
      const faults = new AnswerFaults({ failEvery: 0, wrongEvery: 2 });
      const right = [ServerTensor.zeros(type, [2, 2])];
      expect(faults.pass(right)).toBe(right);
      const [wrong] = faults.pass(right);
      expect([...elementsOf(type, wrong!.data)].map(Number)).toEqual([1, 1, 1, 1]);
      expect([...elementsOf(type, right[0]!.data)].map(Number)).toEqual([0, 0, 0, 0]);
      expect(wrong!.shape).toEqual([2, 2]);
    },
  );
});
