import type { TensorSpec } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { PredictionsRequest } from './gen/torchserve/inference.js';
import { predictionsTemplate } from './predictions-template.js';

function spec(name: string, ...shape: number[]): TensorSpec {
  return { name, dtype: 'float32', shape };
}

function bytes(size: number, seed: number): Uint8Array {
  return new Uint8Array(size).map((_, i) => (i * 7 + seed) % 256);
}

describe('predictionsTemplate', () => {
  it.each([
    ['one input', '', [spec('transaction', 1, 30)]],
    ['two inputs and a version', '2.0', [spec('transaction', 1, 30), spec('reference', 256)]],
    ['an image, which is sent as it lies in memory', '', [spec('input', 1, 224, 224, 3)]],
    ['a large tensor between small ones', '1', [spec('a', 1), spec('b', 30_000), spec('c', 2)]],
  ])('writes what the generated code reads: %s', (_what, version, inputs) => {
    const template = predictionsTemplate({ model: 'financialNet', version, inputs });
    for (const round of [0, 1]) {
      const data = inputs.map(({ shape }, i) => bytes(4 * shape.reduce((a, b) => a * b), i + round));
      const message = template.encode(data);
      const joined = message instanceof Uint8Array ? message : Buffer.concat(message);
      const decoded = PredictionsRequest.decode(joined);
      expect(decoded.modelName).toBe('financialNet');
      expect(decoded.modelVersion).toBe(version);
      expect(Object.keys(decoded.input)).toEqual(inputs.map(({ name }) => name));
      inputs.forEach(({ name }, i) => {
        expect(Buffer.compare(decoded.input[name]!, data[i]!)).toBe(0);
      });
    }
  });

  it('refuses tensors of another size', () => {
    const template = predictionsTemplate({ model: 'm', version: '', inputs: [spec('a', 2)] });
    expect(() => template.encode([bytes(4, 0)])).toThrow('tensor a has 4 bytes instead of 8');
  });
});
