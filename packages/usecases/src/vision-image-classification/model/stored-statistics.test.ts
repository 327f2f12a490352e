import { describe, expect, it } from 'vitest';
import { mobileNetStatistics } from './mobilenet-statistics.js';
import { decodeStatistics, encodeStatistics, roundToStored } from './stored-statistics.js';

describe('stored statistics', () => {
  it('are read as they were written', () => {
    const statistics = decodeStatistics(mobileNetStatistics);
    expect(statistics.means.map(({ length }) => length).slice(0, 4)).toEqual([32, 32, 64, 64]);
    expect(statistics.biases.length).toBe(1001);
    expect(encodeStatistics(statistics)).toBe(mobileNetStatistics.trim());
  });

  it('keep 8 bits of a number, rounded', () => {
    const values = Float32Array.of(0, 1, -2.5, 1.001, 1.006, 3e-8, -1e9);
    for (const [i, rounded] of roundToStored(values).entries()) {
      expect(Math.abs(rounded - values[i]!)).toBeLessThanOrEqual(Math.abs(values[i]!) / 256);
    }
    expect([...roundToStored(Float32Array.of(0, 1, -2.5, 1.0078125))]).toEqual([0, 1, -2.5, 1.0078125]);
  });

  it('of another length are refused', () => {
    expect(() => decodeStatistics('AAAA'.repeat(20))).toThrow(/statistics where the layers call for 22889/);
  });
});
