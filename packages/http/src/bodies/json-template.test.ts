import { float32Tensor, type TensorSpec } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonTemplate } from './json-template.js';

function encoded(template: JsonTemplate, data: readonly Uint8Array[]): string {
  return Buffer.from(template.encode(data) as Uint8Array).toString();
}

const transaction: TensorSpec = { name: 'transaction', dtype: 'float32', shape: [1, 3] };
const reference: TensorSpec = { name: 'ref "x"', dtype: 'float32', shape: [2] };

describe('JsonTemplate', () => {
  it('has a flat list for each tensor', () => {
    const template = new JsonTemplate([transaction, reference]);
    const data = [float32Tensor('', [3], [0.1, -2, 1e-9]), float32Tensor('', [2], [0.5, 100])];
    expect(
      encoded(
        template,
        data.map((tensor) => tensor.data),
      ),
    ).toBe('{"transaction":[0.1,-2,1e-9],"ref \\"x\\"":[0.5,100]}');
    expect(template.headers['content-type']).toBe('application/json');
  });

  it('gives back the same float32 wherever it is read, whatever else was written before', () => {
    const template = new JsonTemplate([transaction, reference]);
    const number = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(
        fc.array(number, { minLength: 3, maxLength: 3 }),
        fc.array(number, { minLength: 2, maxLength: 2 }),
        (first, second) => {
          const text = encoded(template, [
            float32Tensor('', [3], first).data,
            float32Tensor('', [2], second).data,
          ]);
          const read = JSON.parse(text) as Record<string, number[]>;
          expect(read['transaction']!.map(Math.fround)).toEqual(first);
          expect(read['ref "x"']!.map(Math.fround)).toEqual(second);
        },
      ),
    );
  });

  it('is as long as it may get', () => {
    const template = new JsonTemplate([{ name: 'x', dtype: 'float32', shape: [100] }]);
    const longest = Math.fround(-1.1754942106924411e-38);
    const text = encoded(template, [float32Tensor('', [100], new Array<number>(100).fill(longest)).data]);
    expect((JSON.parse(text) as { x: number[] }).x.map(Math.fround)).toEqual(new Array(100).fill(longest));
  });

  it.each([
    ['uint8', Uint8Array.of(0, 255), '{"x":[0,255]}'],
    ['int64', new Uint8Array(BigInt64Array.of(-1n, 2n ** 62n).buffer), '{"x":[-1,4611686018427387904]}'],
    [
      'uint64',
      new Uint8Array(BigUint64Array.of(2n ** 64n - 1n, 0n).buffer),
      '{"x":[18446744073709551615,0]}',
    ],
  ] as const)('has whole numbers of %s', (dtype, data, text) => {
    expect(encoded(new JsonTemplate([{ name: 'x', dtype, shape: [2] }]), [data])).toBe(text);
  });

  it.each([
    [Number.NaN, 'element 1 of tensor transaction is NaN'],
    [Number.NEGATIVE_INFINITY, 'element 1 of tensor transaction is -Infinity'],
  ])('refuses %d, which JSON has not', (value, message) => {
    const data = [float32Tensor('', [3], [1, value, 2]).data];
    expect(() => new JsonTemplate([transaction]).encode(data)).toThrow(message);
  });

  it('refuses a tensor of another size', () => {
    expect(() => new JsonTemplate([transaction]).encode([new Uint8Array(8)])).toThrow(
      'tensor transaction has 8 bytes instead of 12',
    );
    expect(() => new JsonTemplate([transaction]).encode([])).toThrow('has no bytes instead of 12');
  });
});
