import type { Random } from '@aibench/core';

/** A dense layer: `inputs` x `outputs` weights, row-major, then `outputs` biases, in one array. */
interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: Float64Array;
  readonly gradients: Float64Array;
  /** Adam's running means of the gradients and of their squares. */
  readonly firstMoments: Float64Array;
  readonly secondMoments: Float64Array;
  /** Values and their gradients for a batch. */
  readonly values: Float64Array;
  readonly deltas: Float64Array;
}

/** Settings of Adam (Kingma and Ba, 2015), as the paper recommends them. */
const adam = { firstDecay: 0.9, secondDecay: 0.999, epsilon: 1e-8 } as const;

/**
 * A classifier of dense layers, sigmoid between them and softmax at the end,
 * trained in double precision by Adam on the cross entropy. Every operation is
 * done in a fixed order, so the same data gives the same weights, to the bit.
 */
export class MultilayerPerceptron {
  readonly #layers: readonly Layer[];
  readonly #batch: number;
  #firstBias = 1;
  #secondBias = 1;

  /**
   * @param sizes values in each layer, inputs first, classes last
   * @param batch rows of a training step
   * @param random draws the initial weights
   */
  constructor(sizes: readonly number[], batch: number, random: Random) {
    this.#batch = batch;
    this.#layers = sizes.slice(1).map((outputs, i) => newLayer(sizes[i]!, outputs, batch, random));
  }

  /** Weights and biases of each layer: `inputs` x `outputs`, row-major, then `outputs`. */
  get parameters(): readonly Float64Array[] {
    return this.#layers.map((layer) => layer.parameters);
  }

  /**
   * One step of Adam.
   *
   * @param inputs `batch` rows, row-major
   * @param classes the class of each row, from 0
   * @param learningRate size of the step
   * @returns the mean cross entropy of the batch, in nats, before the step
   */
  step(inputs: Float64Array, classes: Uint8Array, learningRate: number): number {
    this.#forward(inputs);
    const loss = this.#backward(inputs, classes);
    this.#firstBias *= adam.firstDecay;
    this.#secondBias *= adam.secondDecay;
    const rate = (learningRate * Math.sqrt(1 - this.#secondBias)) / (1 - this.#firstBias);
    for (const layer of this.#layers) adjust(layer, rate);
    return loss;
  }

  #forward(inputs: Float64Array): void {
    let from = inputs;
    const last = this.#layers.length - 1;
    for (const [i, layer] of this.#layers.entries()) {
      multiply(layer, from, this.#batch);
      if (i === last) softmax(layer.values, layer.outputs);
      else sigmoid(layer.values);
      from = layer.values;
    }
  }

  #backward(inputs: Float64Array, classes: Uint8Array): number {
    const output = this.#layers[this.#layers.length - 1]!;
    let loss = 0;
    for (let row = 0; row < this.#batch; row++) {
      for (let i = 0; i < output.outputs; i++) {
        const at = row * output.outputs + i;
        const target = classes[row] === i ? 1 : 0;
        if (target === 1) loss -= Math.log(output.values[at]!);
        output.deltas[at] = (output.values[at]! - target) / this.#batch;
      }
    }
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const below = this.#layers[i - 1];
      accumulateGradients(this.#layers[i]!, below?.values ?? inputs, this.#batch);
      if (below !== undefined) propagate(this.#layers[i]!, below, this.#batch);
    }
    return loss / this.#batch;
  }
}

function newLayer(inputs: number, outputs: number, batch: number, random: Random): Layer {
  const size = inputs * outputs + outputs;
  const parameters = new Float64Array(size);
  // Glorot and Bengio (2010), with their factor of 4 for the sigmoid.
  const bound = 4 * Math.sqrt(6 / (inputs + outputs));
  for (let i = 0; i < inputs * outputs; i++) parameters[i] = bound * (2 * random.uniform() - 1);
  return {
    inputs,
    outputs,
    parameters,
    gradients: new Float64Array(size),
    firstMoments: new Float64Array(size),
    secondMoments: new Float64Array(size),
    values: new Float64Array(batch * outputs),
    deltas: new Float64Array(batch * outputs),
  };
}

function multiply(layer: Layer, from: Float64Array, batch: number): void {
  const { inputs, outputs, parameters, values } = layer;
  for (let row = 0; row < batch; row++) {
    const base = row * outputs;
    for (let j = 0; j < outputs; j++) values[base + j] = parameters[inputs * outputs + j]!;
    for (let k = 0; k < inputs; k++) {
      const factor = from[row * inputs + k]!;
      const weights = k * outputs;
      for (let j = 0; j < outputs; j++) values[base + j]! += factor * parameters[weights + j]!;
    }
  }
}

function accumulateGradients(layer: Layer, from: Float64Array, batch: number): void {
  const { inputs, outputs, gradients, deltas } = layer;
  gradients.fill(0);
  for (let row = 0; row < batch; row++) {
    const base = row * outputs;
    for (let k = 0; k < inputs; k++) {
      const factor = from[row * inputs + k]!;
      const weights = k * outputs;
      for (let j = 0; j < outputs; j++) gradients[weights + j]! += factor * deltas[base + j]!;
    }
    for (let j = 0; j < outputs; j++) gradients[inputs * outputs + j]! += deltas[base + j]!;
  }
}

/** Gradients of the layer below, which ends in a sigmoid. */
function propagate(layer: Layer, below: Layer, batch: number): void {
  const { inputs, outputs, parameters, deltas } = layer;
  for (let row = 0; row < batch; row++) {
    for (let k = 0; k < inputs; k++) {
      let sum = 0;
      for (let j = 0; j < outputs; j++) sum += parameters[k * outputs + j]! * deltas[row * outputs + j]!;
      const value = below.values[row * inputs + k]!;
      below.deltas[row * inputs + k] = sum * value * (1 - value);
    }
  }
}

function adjust(layer: Layer, rate: number): void {
  const { parameters, gradients, firstMoments, secondMoments } = layer;
  for (let i = 0; i < parameters.length; i++) {
    const gradient = gradients[i]!;
    const first = adam.firstDecay * firstMoments[i]! + (1 - adam.firstDecay) * gradient;
    const second = adam.secondDecay * secondMoments[i]! + (1 - adam.secondDecay) * gradient * gradient;
    firstMoments[i] = first;
    secondMoments[i] = second;
    parameters[i]! -= (rate * first) / (Math.sqrt(second) + adam.epsilon);
  }
}

function sigmoid(values: Float64Array): void {
  for (let i = 0; i < values.length; i++) values[i] = 1 / (1 + Math.exp(-values[i]!));
}

function softmax(values: Float64Array, length: number): void {
  for (let start = 0; start < values.length; start += length) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = start; i < start + length; i++) largest = Math.max(largest, values[i]!);
    let sum = 0;
    for (let i = start; i < start + length; i++) {
      values[i] = Math.exp(values[i]! - largest);
      sum += values[i]!;
    }
    for (let i = start; i < start + length; i++) values[i]! /= sum;
  }
}
