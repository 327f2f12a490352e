import { describe, expect, it } from 'vitest';
import { heldOutAuc } from './measure-model.js';
import { networkGraph } from './network-graph.js';
import { trainNetwork } from './train-network.js';

const shortTraining = { batchRows: 64, steps: 600, learningRate: 0.01, statisticsRows: 2_000 };

describe('trainNetwork', () => {
  it('gives the same weights each time, to the bit, and they tell the classes apart', {
    timeout: 60_000,
  }, () => {
    const trained = trainNetwork(false, shortTraining);
    expect(trainNetwork(false, shortTraining)).toEqual(trained);
    expect(heldOutAuc(networkGraph('short', trained), 5_000, 0.5)).toBeGreaterThan(0.85);
  });

  it('normalises: columns of the training data come out with mean 0 and deviation 1', () => {
    const { inputMeans, inputScales } = trainNetwork(true, { ...shortTraining, steps: 1 });
    expect(inputMeans).toHaveLength(286);
    // Time runs evenly over two days; the reference data is uniform in [0, 1).
    expect(inputMeans[0]).toBeGreaterThan(80_000);
    expect(inputMeans[0]).toBeLessThan(105_000);
    for (const mean of inputMeans.subarray(30)) expect(Math.abs(mean - 0.5)).toBeLessThan(0.04);
    for (const scale of inputScales.subarray(30))
      expect(Math.abs(scale / Math.sqrt(12) - 1)).toBeLessThan(0.06);
  });
});
