import { Random } from '@aibench/core';
import { referenceLength, transactionLength } from '../synthetic-transaction.js';
import { MultilayerPerceptron } from './multilayer-perceptron.js';
import { dataSeeds, LabelledRows } from './training-data.js';

/** Values in each hidden layer, as in the network that this one stands for. */
export const hiddenSizes = [18, 27, 40] as const;

/** How long and how fast to learn. */
export interface TrainingSettings {
  /** Rows of one step. */
  readonly batchRows: number;
  readonly steps: number;
  /** Size of the first step; it falls to 0 in a straight line. */
  readonly learningRate: number;
  /** Rows over which means and deviations of the inputs are taken. */
  readonly statisticsRows: number;
}

/** The settings of the committed weights. */
export const fullTraining: TrainingSettings = {
  batchRows: 128,
  steps: 3_000,
  learningRate: 0.004,
  statisticsRows: 50_000,
};

/** A trained network; all of it float32. */
export interface NetworkWeights {
  /** Subtracted from the inputs: 30 of the transaction, then, with reference data, 256 of it. */
  readonly inputMeans: Float32Array;
  /** The inputs are multiplied by these: 1 / standard deviation. */
  readonly inputScales: Float32Array;
  /** Per layer: inputs x outputs weights, row-major, then the biases. */
  readonly layers: readonly Float32Array[];
}

/**
 * Trains a network on rows of which half are fraud, each row seen once, so there
 * is nothing to overfit.
 *
 * @param onStep told the cross entropy (nats) after each step; default: nobody is
 */
export function trainNetwork(
  withReference: boolean,
  settings: TrainingSettings,
  onStep: (step: number, loss: number) => void = () => {},
): NetworkWeights {
  const inputCount = transactionLength + (withReference ? referenceLength : 0);
  const { means, scales } = inputStatistics(inputCount, settings.statisticsRows);
  const { batchRows, steps } = settings;
  const network = new MultilayerPerceptron([inputCount, ...hiddenSizes, 2], batchRows, new Random(3));
  const rows = new LabelledRows(dataSeeds.training, 0.5);
  const inputs = new Float64Array(batchRows * inputCount);
  const classes = new Uint8Array(batchRows);
  for (let step = 0; step < steps; step++) {
    for (let row = 0; row < batchRows; row++) {
      classes[row] = rows.next();
      for (let i = 0; i < inputCount; i++) {
        inputs[row * inputCount + i] = (inputValue(rows, i) - means[i]!) * scales[i]!;
      }
    }
    onStep(step, network.step(inputs, classes, settings.learningRate * (1 - step / steps)));
  }
  return {
    inputMeans: means,
    inputScales: scales,
    layers: network.parameters.map((parameters) => Float32Array.from(parameters)),
  };
}

/** Means and inverse deviations of the inputs over the first rows of the training data. */
function inputStatistics(
  inputCount: number,
  rowCount: number,
): { means: Float32Array; scales: Float32Array } {
  const rows = new LabelledRows(dataSeeds.training, 0.5);
  const sums = new Float64Array(inputCount);
  const squares = new Float64Array(inputCount);
  for (let row = 0; row < rowCount; row++) {
    rows.next();
    for (let i = 0; i < inputCount; i++) {
      const value = inputValue(rows, i);
      sums[i]! += value;
      squares[i]! += value * value;
    }
  }
  const means = Float32Array.from(sums, (sum) => sum / rowCount);
  const scales = Float32Array.from(sums, (sum, i) => {
    const mean = sum / rowCount;
    return 1 / Math.sqrt(squares[i]! / rowCount - mean * mean);
  });
  return { means, scales };
}

function inputValue(rows: LabelledRows, i: number): number {
  return i < transactionLength ? rows.transaction[i]! : rows.reference[i - transactionLength]!;
}
