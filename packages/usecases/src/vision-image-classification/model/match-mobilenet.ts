import { AibenchError, formatShape } from '@aibench/core';
import type { ConstantNode, ConvolutionNode, Graph, GraphNode } from '@aibench/models';
import {
  classCount,
  featureCount,
  filterShape,
  imageChannels,
  imageSize,
  type MobileNetLayer,
  mobileNetLayers,
} from './mobilenet-layers.js';
import type { LayerWeights, MobileNetWeights, Normalization } from './mobilenet-weights.js';

/** A score so low that its probability is 0. */
const neverLikely = -1000;

/** A convolution or a matrix, and what stands behind it until the next one. */
interface Step {
  readonly node: ConvolutionNode | (GraphNode & { readonly op: 'matMul' });
  readonly weights: ConstantNode;
  /** Operations that scale or shift its channels, in order. */
  readonly changes: GraphNode[];
  isLimited: boolean;
}

/**
 * Finds MobileNet V1's weights in a graph by its structure: the order of the operations, their shapes and strides.
 * Names don't matter, nor whether batch normalisation is there or has been folded into the filters, nor the operations
 * around: reshapes, transposes, softmax or none.
 *
 * @throws AIBENCH_INPUT naming the node where the graph is another one
 */
export function matchMobileNet(graph: Graph): MobileNetWeights {
  const constants = new Map<string, ConstantNode>();
  for (const node of graph.nodes) if (node.op === 'constant') constants.set(node.name, node);
  const steps = stepsOf(graph, constants);
  const last = steps.pop();
  if (last === undefined || steps.length !== mobileNetLayers.length) {
    const count = steps.length + (last === undefined ? 0 : 1);
    throw differs(`it has ${count} convolutions and matrices, not ${mobileNetLayers.length + 1}`);
  }
  const layers = mobileNetLayers.map((layer, i) => {
    checkLayer(graph, layer, steps[i]!);
    return { ...readNormalization(steps[i]!, constants) };
  });
  return { layers, classes: readClasses(last, constants) };
}

/** The graph as a chain from its input to its output. */
function chainOf(graph: Graph, constants: ReadonlyMap<string, ConstantNode>): GraphNode[] {
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  const chain: GraphNode[] = [];
  if (graph.outputs.length !== 1) throw differs(`it has ${graph.outputs.length} outputs, not 1`);
  let node = byName.get(graph.outputs[0]!.name);
  while (node !== undefined) {
    chain.push(node);
    const [input, ...others] = node.inputs.filter((name) => !constants.has(name));
    if (others.length > 0) throw differs(`its node ${node.name} (${node.op}) takes two computed values`);
    node = input === undefined ? undefined : byName.get(input);
  }
  return chain.reverse();
}

function stepsOf(graph: Graph, constants: ReadonlyMap<string, ConstantNode>): Step[] {
  const steps: Step[] = [];
  for (const node of chainOf(graph, constants)) {
    const step = steps.at(-1);
    switch (node.op) {
      case 'conv2d':
      case 'depthwiseConv2d':
      case 'matMul': {
        const weights = constants.get(node.inputs[1] ?? '');
        if (weights === undefined) throw differs(`the weights of its node ${node.name} are no constant`);
        steps.push({ node, weights, changes: [], isLimited: false });
        break;
      }
      case 'batchNormalization':
      case 'biasAdd':
      case 'add':
      case 'sub':
      case 'mul':
      case 'div':
        if (step === undefined) {
          throw differs(`its node ${node.name} (${node.op}) changes images before the first convolution`);
        }
        if (step.isLimited) throw differs(`its node ${node.name} (${node.op}) stands behind a ReLU6`);
        step.changes.push(node);
        break;
      case 'relu6':
        if (step !== undefined) step.isLimited = true;
        break;
      case 'input':
      case 'identity':
      case 'reshape':
      case 'transpose':
      case 'averagePool':
      case 'softmax':
        break;
      default:
        throw differs(`its node ${node.name} is a ${node.op}`);
    }
  }
  return steps;
}

function checkLayer(graph: Graph, layer: MobileNetLayer, { node, weights, isLimited }: Step): void {
  const wanted = filterShape(layer);
  const where = `its node ${node.name}, MobileNet's ${layer.name},`;
  const op = layer.kind === 'depthwise' ? 'depthwiseConv2d' : 'conv2d';
  if (node.op !== op) throw differs(`${where} is a ${node.op}, not a ${op}`);
  if (weights.shape.join() !== wanted.join()) {
    throw differs(`${where} has filters ${formatShape(weights.shape)}, not ${formatShape(wanted)}`);
  }
  const { strides, padding } = node as ConvolutionNode;
  if (strides.some((stride) => stride !== layer.stride)) {
    throw differs(`${where} has strides ${formatShape(strides)}, not ${layer.stride}`);
  }
  // TensorFlow's padding SAME: of an even image at every second pixel, below and on the right only.
  const after = wanted[0] === 1 ? 0 : 1;
  const before = layer.stride === 2 ? 0 : after;
  const { top, bottom, left, right } = padding;
  if ([top, left].some((zeros) => zeros !== before) || [bottom, right].some((zeros) => zeros !== after)) {
    throw differs(
      `${where} has ${formatShape([top, bottom, left, right])} zeros above, below, left and right, not ${formatShape([before, after, before, after])}`,
      'models of PyTorch pad otherwise than TensorFlow, and cannot be taken over',
    );
  }
  if (!isLimited) throw differs(`${where} has no ReLU6 behind it`);
  const [, rows, columns, channels] = graph.inputs[0]!.shape;
  const isNhwc = rows === imageSize && columns === imageSize && channels === imageChannels;
  const isNchw = rows === imageChannels && columns === imageSize && channels === imageSize;
  if (!isNhwc && !isNchw) {
    throw differs(
      `its input is ${formatShape(graph.inputs[0]!.shape)}, not [-1,224,224,3] or [-1,3,224,224]`,
    );
  }
}

/** Batch normalisation as it is where it stands alone; everything else as one factor and one offset a channel. */
function readNormalization(
  { node, weights, changes }: Step,
  constants: ReadonlyMap<string, ConstantNode>,
): LayerWeights {
  const filters = weights.values;
  const channels = node.op === 'depthwiseConv2d' ? weights.shape[2]! : weights.shape.at(-1)!;
  const [only, ...more] = changes;
  if (only?.op === 'batchNormalization' && more.length === 0) {
    return { filters, normalization: readBatchNormalization(only, constants) };
  }
  const factors = new Float64Array(channels).fill(1);
  const offsets = new Float64Array(channels);
  for (const change of changes) applyChange(change, constants, factors, offsets);
  const normalization = { kind: 'folded', offset: Float32Array.from(offsets) } as const;
  if (factors.every((factor) => factor === 1)) return { filters, normalization };
  return { filters: filters.map((value, i) => value * factors[i % channels]!), normalization };
}

type BatchNormalization = Extract<Normalization, { readonly kind: 'batch' }>;

function readBatchNormalization(
  node: GraphNode & { readonly op: 'batchNormalization' },
  constants: ReadonlyMap<string, ConstantNode>,
): BatchNormalization {
  const [scale, offset, mean, variance] = node.inputs.slice(1).map((name) => {
    const values = constants.get(name)?.values;
    if (values === undefined) throw differs(`${name} of its node ${node.name} is no constant`);
    return values;
  }) as [Float32Array, Float32Array, Float32Array, Float32Array];
  return { kind: 'batch', scale, offset, mean, variance, epsilon: node.epsilon };
}

/** Makes `x * factor + offset` of what an operation does to it. */
function applyChange(
  node: GraphNode,
  constants: ReadonlyMap<string, ConstantNode>,
  factors: Float64Array,
  offsets: Float64Array,
): void {
  if (node.op === 'batchNormalization') {
    const { scale, offset, mean, variance, epsilon } = readBatchNormalization(node, constants);
    for (let c = 0; c < factors.length; c++) {
      const factor = scale[c]! / Math.sqrt(variance[c]! + epsilon);
      factors[c]! *= factor;
      offsets[c] = (offsets[c]! - mean[c]!) * factor + offset[c]!;
    }
    return;
  }
  const operand = node.inputs.findIndex((name) => constants.has(name));
  const values = constants.get(node.inputs[operand] ?? '')?.values;
  const fits = values !== undefined && (values.length === 1 || values.length === factors.length);
  const isReversed = operand === 0 && (node.op === 'sub' || node.op === 'div');
  if (!fits || isReversed) throw differs(`its node ${node.name} (${node.op}) has no value for each channel`);
  for (let c = 0; c < factors.length; c++) {
    const value = values[values.length === 1 ? 0 : c]!;
    if (node.op === 'mul' || node.op === 'div') {
      const factor = node.op === 'mul' ? value : 1 / value;
      factors[c]! *= factor;
      offsets[c]! *= factor;
    } else offsets[c]! += node.op === 'sub' ? -value : value;
  }
}

/** The scores of the classes, by a convolution of one pixel or a matrix; "background" is put before 1000 of them. */
function readClasses(step: Step, constants: ReadonlyMap<string, ConstantNode>): MobileNetWeights['classes'] {
  const { node, weights } = step;
  const results = weights.shape.at(-1)!;
  const fits = weights.values.length === featureCount * results && node.op !== 'depthwiseConv2d';
  if (!fits || (results !== classCount && results !== classCount - 1)) {
    throw differs(
      `its last weights, of node ${node.name}, are ${formatShape(weights.shape)}, not for ${featureCount} features and ${classCount} classes`,
    );
  }
  const { filters, normalization } = readNormalization(step, constants);
  const biases = normalization.kind === 'folded' ? normalization.offset : undefined;
  if (biases === undefined) throw differs('its scores are normalised by the batch');
  if (results === classCount) return { weights: filters, biases };
  const widened = new Float32Array(featureCount * classCount);
  for (let feature = 0; feature < featureCount; feature++) {
    widened.set(filters.subarray(feature * results, (feature + 1) * results), feature * classCount + 1);
  }
  return { weights: widened, biases: Float32Array.of(neverLikely, ...biases) };
}

function differs(what: string, hint?: string): AibenchError {
  return new AibenchError('AIBENCH_INPUT', `the model is no MobileNet V1 1.0 224: ${what}`, {
    hint:
      hint ??
      'the suite writes one architecture; a model of another comes in the format that its server takes',
  });
}
