import { AibenchError, float32Tensor, float32Values, Random } from '@aibench/core';
import {
  evaluate,
  findGraphDefEnds,
  type Graph,
  type ModelFormat,
  modelFormatOf,
  readGraphDef,
  readOnnx,
  readSavedModel,
} from '@aibench/models';
import { matchMobileNet } from './match-mobilenet.js';
import { mobileNetGraph } from './mobilenet-graph.js';
import { classCount } from './mobilenet-layers.js';
import type { MobileNetWeights } from './mobilenet-weights.js';

/** Largest difference between the file's answer and that of its weights here. */
const tolerance = 1e-4;

/**
 * The weights of a trained MobileNet V1 1.0 224, whoever wrote the file: found by the graph's structure, not by names.
 * Before they are given, file and description are asked about one image, and have to agree. A model of 1000 classes
 * gets "background" before them, as that of 1001 has, with a probability of 0.
 *
 * @param bytes an ONNX file, a frozen GraphDef, or the `saved_model.pb` of a frozen SavedModel
 * @param format Default: what the first bytes say
 * @throws AIBENCH_INPUT where it cannot be read, is another network, or its weights are variables
 */
export function readMobileNetWeights(bytes: Uint8Array, format = modelFormatOf(bytes)): MobileNetWeights {
  const graph = readGraph(bytes, format);
  const weights = matchMobileNet(graph);
  checkAnswer(graph, weights);
  return weights;
}

function readGraph(bytes: Uint8Array, format: ModelFormat): Graph {
  if (format === 'onnx') return readOnnx(bytes);
  if (format === 'savedmodel') return readSavedModel(bytes).graph;
  const { inputs, outputs } = findGraphDefEnds(bytes);
  if (inputs.length === 1 && outputs.length === 1) return readGraphDef(bytes, { inputs, outputs });
  throw new AibenchError(
    'AIBENCH_INPUT',
    `the GraphDef has the inputs ${inputs.join(', ') || 'none'} and the outputs ${outputs.join(', ') || 'none'}, not one of each`,
    { hint: 'freeze the network alone, without what training needs' },
  );
}

function checkAnswer(graph: Graph, weights: MobileNetWeights): void {
  const [input] = graph.inputs;
  const shape = input!.shape.map((extent) => (extent === -1 ? 1 : extent));
  const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
  new Random(1).fillUniform(values);
  const layout = shape.at(-1) === 3 ? 'nhwc' : 'nchw';
  const own = mobileNetGraph({ layout, weights, batch: shape[0]! });
  const ask = (asked: Graph): Float32Array => {
    const [answer] = evaluate(asked, [float32Tensor(asked.inputs[0]!.name, shape, values)]);
    // Of several images the first will do.
    const all = float32Values(answer!);
    return all.subarray(0, all.length / shape[0]!);
  };
  const [theirs, ours] = [ask(graph), ask(own)];
  const probabilities = hasSoftmax(graph) ? theirs : softmax(theirs);
  // Of 1000 classes the first is ours.
  const from = ours.length === theirs.length ? 0 : 1;
  let largest = 0;
  for (const [i, value] of probabilities.entries()) {
    largest = Math.max(largest, Math.abs(value - ours[i + from]!));
  }
  if (theirs.length + from !== classCount || !(largest <= tolerance)) {
    throw new AibenchError(
      'AIBENCH_INPUT',
      `the model is no MobileNet V1 1.0 224: its answers differ by ${largest} from those of its weights in that network`,
    );
  }
}

function hasSoftmax(graph: Graph): boolean {
  return graph.nodes.some(({ op }) => op === 'softmax');
}

function softmax(scores: Float32Array): Float32Array {
  const largest = scores.reduce((a, b) => Math.max(a, b));
  const powers = Float64Array.from(scores, (score) => Math.exp(score - largest));
  const sum = powers.reduce((a, b) => a + b);
  return Float32Array.from(powers, (power) => power / sum);
}
