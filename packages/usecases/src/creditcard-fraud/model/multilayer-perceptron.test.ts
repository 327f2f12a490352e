import { Random } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { MultilayerPerceptron } from './multilayer-perceptron.js';

const sizes = [3, 4, 5, 2];
const batch = 6;

function problem(): { inputs: Float64Array; classes: Uint8Array } {
  const random = new Random(8);
  const inputs = Float64Array.from({ length: batch * sizes[0]! }, () => random.normal());
  const classes = Uint8Array.from({ length: batch }, () => random.integer(0, 1));
  return { inputs, classes };
}

describe('MultilayerPerceptron', () => {
  it('goes against the gradient that finite differences show, in every parameter', () => {
    const { inputs, classes } = problem();
    const network = () => new MultilayerPerceptron(sizes, batch, new Random(4));
    // A step of size 0 gives the loss and leaves the parameters alone.
    const lossOf = (layer: number, index: number, change: number): number => {
      const changed = network();
      changed.parameters[layer]![index]! += change;
      return changed.step(inputs, classes, 0);
    };
    const stepped = network();
    const before = stepped.parameters.map((parameters) => parameters.slice());
    const rate = 1e-3;
    stepped.step(inputs, classes, rate);
    for (const [layer, parameters] of before.entries()) {
      for (const [index, value] of parameters.entries()) {
        const slope = (lossOf(layer, index, 1e-5) - lossOf(layer, index, -1e-5)) / 2e-5;
        // Adam's first step is of size `rate` whatever the gradient's, so its sign is what can be seen.
        const moved = stepped.parameters[layer]![index]! - value;
        expect(Math.sign(moved)).toBe(-Math.sign(slope));
        expect(Math.abs(moved)).toBeLessThanOrEqual(rate * 1.001);
      }
    }
  });

  it('learns what a single layer could not: exclusive or', () => {
    const network = new MultilayerPerceptron([2, 8, 2], 4, new Random(1));
    const inputs = Float64Array.of(-1, -1, -1, 1, 1, -1, 1, 1);
    const classes = Uint8Array.of(0, 1, 1, 0);
    let loss = 0;
    for (let step = 0; step < 600; step++) loss = network.step(inputs, classes, 0.05);
    expect(loss).toBeLessThan(0.05);
  });
});
