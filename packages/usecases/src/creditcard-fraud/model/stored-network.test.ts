import { Random } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { decodeNetwork, encodeNetwork } from './stored-network.js';

describe('a stored network', () => {
  const random = new Random(2);
  const floats = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const layerSizes = [5, 4, 3];
  const network = {
    inputMeans: floats(5),
    inputScales: floats(5),
    layers: [floats(6 * 4), floats(5 * 3)],
  };
  const stored = { layerSizes, balancedAuc: 1, naturalAuc: 1, parameters: encodeNetwork(network) };

  it('is the network that was stored', () => {
    expect(decodeNetwork(stored)).toEqual(network);
  });

  it('stands in lines that can be read in a review', () => {
    for (const line of stored.parameters.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('is refused where its length is not that of its layers', () => {
    expect(() => decodeNetwork({ ...stored, layerSizes: [5, 4, 4] })).toThrowError(RangeError);
    expect(() => decodeNetwork({ ...stored, layerSizes: [5, 4] })).toThrowError(RangeError);
  });
});
