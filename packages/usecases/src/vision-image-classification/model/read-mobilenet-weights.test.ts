import {
  type Graph,
  GraphBuilder,
  type GraphNode,
  type ModelFormat,
  writeGraphDef,
  writeOnnx,
  writeSavedModel,
} from '@aibench/models';
import { describe, expect, it } from 'vitest';
import { useCase } from '../index.js';
import { type MobileNetOptions, mobileNetGraph } from './mobilenet-graph.js';
import { classCount, featureCount } from './mobilenet-layers.js';
import type { LayerWeights, MobileNetWeights } from './mobilenet-weights.js';
import { readMobileNetWeights } from './read-mobilenet-weights.js';
import { seededWeights } from './seeded-weights.js';

const seeded = seededWeights();

const writers: Readonly<Record<ModelFormat, (graph: Graph) => Uint8Array>> = {
  onnx: writeOnnx,
  graphdef: writeGraphDef,
  savedmodel: writeSavedModel,
};
const formats = Object.keys(writers) as ModelFormat[];

/** All numbers one after the other, and what they are normalised by. */
function numbersOf({ layers, classes }: MobileNetWeights): Buffer {
  const arrays = layers.flatMap(({ filters, normalization }) => [
    filters,
    ...Object.values(normalization).filter((value) => value instanceof Float32Array),
  ]);
  const epsilons = layers.map(({ normalization: n }) => (n.kind === 'batch' ? n.epsilon : -1));
  return Buffer.concat(
    [...arrays, classes.weights, classes.biases, Float32Array.from(epsilons)].map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    ),
  );
}

/** The same network with batch normalisation folded into the filters, as converters do it. */
function folded({ layers, classes }: MobileNetWeights): MobileNetWeights {
  return {
    layers: layers.map(({ filters, normalization: n }): LayerWeights => {
      if (n.kind === 'folded') return { filters, normalization: n };
      const factors = n.scale.map((scale, c) => scale / Math.sqrt(n.variance[c]! + n.epsilon));
      return {
        filters: filters.map((value, i) => value * factors[i % factors.length]!),
        normalization: {
          kind: 'folded',
          offset: n.offset.map((offset, c) => offset - n.mean[c]! * factors[c]!),
        },
      };
    }),
    classes,
  };
}

/** The graph with its nodes changed: each may become others, or none. */
function rebuilt(graph: Graph, change: (node: GraphNode, builder: GraphBuilder) => void): Graph {
  const builder = new GraphBuilder();
  for (const node of graph.nodes) change(node, builder);
  return builder.build(
    'rebuilt',
    graph.outputs.map(({ name }) => name),
  );
}

function changedNode(
  name: string,
  change: (node: GraphNode) => GraphNode,
  options?: MobileNetOptions,
): Graph {
  return rebuilt(mobileNetGraph({ weights: seeded, ...options }), (node, builder) =>
    builder.append(node.name === name ? change(node) : node),
  );
}

describe('weights read from a file', () => {
  it.each(formats)('%s: are those that were written, to the bit', (format) => {
    const bytes = writers[format](mobileNetGraph({ weights: seeded }));
    // The format is seen from the bytes.
    const read = readMobileNetWeights(bytes);
    expect(numbersOf(read).equals(numbersOf(seeded))).toBe(true);
  });

  it.each(formats)('%s: are those of a network with folded normalisation and channels first', (format) => {
    const weights = folded(seeded);
    const bytes = writers[format](mobileNetGraph({ weights, layout: 'nchw', batch: 1 }));
    const read = readMobileNetWeights(bytes, format);
    expect(read.layers.every(({ normalization }) => normalization.kind === 'folded')).toBe(true);
    expect(numbersOf(read).equals(numbersOf(weights))).toBe(true);
  });

  it('are found whatever the nodes are called, where scores come without softmax, from a matrix', () => {
    const names = new Map<string, string>();
    const builder = new GraphBuilder();
    let last = '';
    for (const node of mobileNetGraph({ weights: seeded }).nodes) {
      if (node.name.startsWith('MobilenetV1/Predictions') || node.name.endsWith('SpatialSqueeze')) continue;
      const name = `node_${names.size}`;
      const inputs = node.inputs.map((input) => names.get(input)!);
      names.set(node.name, name);
      if (node.name.endsWith('Conv2d_1c_1x1/weights') && node.op === 'constant') {
        builder.append({ ...node, name, shape: [featureCount, classCount] });
      } else if (node.name.endsWith('Conv2d_1c_1x1/Conv2D')) {
        builder.reshape('flat', inputs[0]!, [-1, featureCount]);
        builder.apply('matMul', name, ['flat', inputs[1]!]);
      } else {
        builder.append({ ...node, name, inputs });
      }
      last = name;
    }
    const bytes = writeOnnx(builder.build('renamed', [last]));
    expect(numbersOf(readMobileNetWeights(bytes, 'onnx')).equals(numbersOf(seeded))).toBe(true);
  });

  it('get "background" before the classes of a model that has 1000', () => {
    const count = classCount - 1;
    const graph = rebuilt(mobileNetGraph({ weights: seeded }), (node, builder) => {
      if (node.op === 'constant' && node.name.endsWith('Conv2d_1c_1x1/weights')) {
        const values = new Float32Array(featureCount * count);
        for (let i = 0; i < values.length; i++) {
          values[i] = node.values[Math.floor(i / count) * classCount + 1 + (i % count)]!;
        }
        builder.append({ ...node, shape: [1, 1, featureCount, count], values });
      } else if (node.op === 'constant' && node.name.endsWith('biases')) {
        builder.append({ ...node, shape: [count], values: node.values.slice(1) });
      } else if (node.op === 'reshape') builder.append({ ...node, shape: [-1, count] });
      else builder.append(node);
    });
    const { classes } = readMobileNetWeights(writeGraphDef(graph), 'graphdef');
    expect(classes.biases.length).toBe(classCount);
    expect([...classes.biases.subarray(0, 2)]).toEqual([-1000, seeded.classes.biases[1]]);
    const column = (c: number, weights: Float32Array) =>
      Float32Array.from({ length: 4 }, (_, i) => weights[i * classCount + c]!);
    expect(column(0, classes.weights)).toEqual(new Float32Array(4));
    expect(column(1000, classes.weights)).toEqual(column(1000, seeded.classes.weights));
  });
});

describe('the task of the use case', () => {
  it('has the model with the weights of a file', () => {
    const { defaultModelName, importModel } = useCase.task({ withReference: false });
    const weights = {
      ...seeded,
      classes: { ...seeded.classes, biases: new Float32Array(classCount).fill(2) },
    };
    const graph = importModel!(writeOnnx(mobileNetGraph({ weights, layout: 'nchw' }))).graph();
    expect(graph.name).toBe(defaultModelName);
    expect(graph.inputs).toEqual(mobileNetGraph({ weights }).inputs);
    const biases = graph.nodes.find(({ name }) => name.endsWith('Conv2d_1c_1x1/biases'));
    expect(biases).toMatchObject({ values: weights.classes.biases });
  });
});

describe('a file of another network is refused', () => {
  const scope = 'MobilenetV1/MobilenetV1';
  it.each<[string, () => Graph, string]>([
    [
      'with zeros on all sides, as PyTorch puts them',
      () =>
        changedNode(`${scope}/Conv2d_0/Conv2D`, (node) =>
          node.op === 'conv2d' ? { ...node, padding: { top: 1, bottom: 1, left: 1, right: 1 } } : node,
        ),
      `its node ${scope}/Conv2d_0/Conv2D, MobileNet's Conv2d_0, has [1,1,1,1] zeros above, below, left and right, not [0,1,0,1]`,
    ],
    [
      'without limits',
      () =>
        changedNode(`${scope}/Conv2d_3_pointwise/Relu6`, (node) => ({ ...node, op: 'relu' }) as GraphNode),
      `its node ${scope}/Conv2d_3_pointwise/Relu6 is a relu`,
    ],
    [
      'that changes its images first',
      () => {
        const graph = mobileNetGraph({ weights: seeded });
        return rebuilt(graph, (node, builder) => {
          if (node.op !== 'input') builder.append(node);
          else {
            builder.input('raw', node.shape);
            builder.apply('mul', node.name, ['raw', builder.constant('two', [], [2])]);
          }
        });
      },
      'its node input (mul) changes images before the first convolution',
    ],
    [
      'with fewer layers',
      () => {
        const builder = new GraphBuilder();
        const filters = builder.constant('w', [3, 3, 3, 32], new Float32Array(864));
        builder.convolve('conv2d', 'out', [builder.input('x', [-1, 224, 224, 3]), filters]);
        return builder.build('small', ['out']);
      },
      'it has 1 convolutions and matrices, not 28',
    ],
  ])('%s', (_what, graph, message) => {
    expect(() => readMobileNetWeights(writeGraphDef(graph()), 'graphdef')).toThrow(
      `the model is no MobileNet V1 1.0 224: ${message}`,
    );
  });

  it('whose answers are others for all that its structure is the same', () => {
    // The first convolution gets red for blue.
    const graph = rebuilt(mobileNetGraph({ weights: seeded, batch: 1 }), (node, builder) => {
      if (node.op !== 'input') builder.append(node);
      else {
        builder.input('raw', [1, 3, 224, 224]);
        builder.reshape(node.name, 'raw', [1, 224, 224, 3]);
      }
    });
    expect(() => readMobileNetWeights(writeGraphDef(graph), 'graphdef')).toThrow(/its answers differ by/);
  });

  it('or is no model at all', () => {
    const noise = Uint8Array.of(0xff, 0xff, 0xff);
    expect(() => readMobileNetWeights(noise, 'onnx')).toThrow('the bytes are no ONNX model');
    expect(() => readMobileNetWeights(noise, 'graphdef')).toThrow('the bytes are no TensorFlow GraphDef');
    expect(() => readMobileNetWeights(noise, 'savedmodel')).toThrow('the bytes are no SavedModel');
  });
});
