import { type Graph, GraphBuilder } from '@aibench/models';
import { referenceLength, transactionLength } from '../synthetic-transaction.js';
import type { NetworkWeights } from './train-network.js';

/** Names of the graph's inputs and of its output, which differs with and without reference data, as in the Go suite's models. */
export const tensorNames = {
  transaction: 'transaction',
  reference: 'reference',
  outputWithReference: 'output',
  outputWithoutReference: 'out',
} as const;

/**
 * A trained network as a graph that takes raw values: it normalises them itself.
 * Its inputs are `transaction` [-1,30] and, where the weights are for it,
 * `reference` [256], which goes for every row of the batch; its output is
 * [-1,2], the probabilities of genuine and fraud.
 *
 * @param name the graph's name
 */
export function networkGraph(name: string, network: NetworkWeights): Graph {
  const graph = new GraphBuilder();
  const withReference = network.inputMeans.length > transactionLength;
  const [first, ...others] = network.layers;
  if (first === undefined) throw new RangeError('a network has at least one layer');
  const biases = layerBiases(first, network.inputMeans.length);

  const transaction = graph.input(tensorNames.transaction, [-1, transactionLength]);
  const columns = [0, transactionLength] as const;
  let value = weightedInput(graph, network, transaction, columns, biases.length);
  if (withReference) {
    const reference = graph.input(tensorNames.reference, [referenceLength]);
    // First of all, so that servers that keep the reference data as [1,256] can give it as it is, and those that join
    // requests into a batch can give one for each row.
    const row = graph.reshape('reference_row', reference, [-1, referenceLength]);
    const columns = [transactionLength, network.inputMeans.length] as const;
    const weighted = weightedInput(graph, network, row, columns, biases.length);
    value = graph.apply('add', 'hidden1/joined', [value, weighted]);
  }
  value = graph.apply('add', 'hidden1/sum', [
    value,
    graph.constant('hidden1/biases', [biases.length], biases),
  ]);
  value = graph.apply('sigmoid', 'hidden1', [value]);

  for (const [i, layer] of others.entries()) {
    const last = i === others.length - 1;
    const label = last ? 'classes' : `hidden${i + 2}`;
    value = denseSum(graph, label, value, layer);
    if (!last) value = graph.apply('sigmoid', label, [value]);
  }
  const output = withReference ? tensorNames.outputWithReference : tensorNames.outputWithoutReference;
  return graph.build(name, [graph.apply('softmax', output, [value])]);
}

/** Some of the network's inputs, normalised, times their rows of the first layer's weights. */
function weightedInput(
  graph: GraphBuilder,
  network: NetworkWeights,
  input: string,
  [start, end]: readonly [start: number, end: number],
  outputs: number,
): string {
  const length = end - start;
  const label = input.split('_')[0]!;
  const means = graph.constant(`${label}/means`, [length], network.inputMeans.subarray(start, end));
  const scales = graph.constant(`${label}/scales`, [length], network.inputScales.subarray(start, end));
  const centred = graph.apply('sub', `${label}/centred`, [input, means]);
  const normal = graph.apply('mul', `${label}/normal`, [centred, scales]);
  const weights = network.layers[0]!.subarray(start * outputs, end * outputs);
  const weightsNode = graph.constant(`hidden1/${label}_weights`, [length, outputs], weights);
  return graph.apply('matMul', `hidden1/${label}_product`, [normal, weightsNode]);
}

function denseSum(graph: GraphBuilder, label: string, input: string, layer: Float32Array): string {
  const inputs = graph.shapeOf(input)[1]!;
  const biases = layerBiases(layer, inputs);
  const weights = layer.subarray(0, layer.length - biases.length);
  const weightsNode = graph.constant(`${label}/weights`, [inputs, biases.length], weights);
  const product = graph.apply('matMul', `${label}/product`, [input, weightsNode]);
  const biasesNode = graph.constant(`${label}/biases`, [biases.length], biases);
  return graph.apply('add', `${label}/sum`, [product, biasesNode]);
}

/** The biases at the end of a layer's parameters: one for each output. */
function layerBiases(layer: Float32Array, inputs: number): Float32Array {
  const outputs = layer.length / (inputs + 1);
  if (!Number.isInteger(outputs)) {
    throw new RangeError(`${layer.length} parameters are no layer of ${inputs} inputs`);
  }
  return layer.subarray(layer.length - outputs);
}
