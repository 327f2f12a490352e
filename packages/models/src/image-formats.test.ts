import { float32Tensor, float32Values, Random, type Tensor } from '@aibench/core';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { evaluate } from './compile-graph.js';
import { ModelProto } from './gen/onnx/onnx.js';
import type { Graph, PlainOp } from './graph.js';
import { GraphBuilder } from './graph-builder.js';
import { readGraphDef } from './read-graph-def.js';
import { readOnnx } from './read-onnx.js';
import { readSavedModel } from './read-saved-model.js';
import { writeGraphDef } from './write-graph-def.js';
import { writeOnnx } from './write-onnx.js';
import { writeSavedModel } from './write-saved-model.js';

const activations: readonly PlainOp[] = ['relu6', 'relu', 'sigmoid', 'tanh', 'identity'];

/** A network of convolutions with random sizes, strides, paddings and weights; its input NHWC or NCHW. */
function randomNetwork(seed: number): Graph {
  const random = new Random(seed);
  const graph = new GraphBuilder();
  const weights = (name: string, shape: readonly number[], smallest = -1): string => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    // Sums stay about as large as what is summed, or rounding errors would be as large as the differences looked for.
    const scale = shape.length === 1 ? 1 : Math.sqrt(shape.at(-1)! / count);
    const values = Array.from({ length: count }, () => Math.max(random.normal(), smallest) * scale);
    return graph.constant(name, shape, values);
  };
  const rows = random.integer(5, 9);
  const columns = random.integer(5, 9);
  let channels = random.integer(1, 5);
  let value =
    random.integer(0, 1) === 0
      ? graph.input('x', [-1, rows, columns, channels])
      : graph.transpose('turned', graph.input('x', [-1, channels, rows, columns]), [0, 2, 3, 1]);
  for (let layer = 0; layer < random.integer(1, 3); layer++) {
    const size: [number, number] = [random.integer(1, 3), random.integer(1, 3)];
    const results = random.integer(1, 6);
    const op = random.integer(0, 1) === 0 ? 'conv2d' : 'depthwiseConv2d';
    const filters = weights(`filters${layer}`, [...size, channels, results]);
    const zeros = () => random.integer(0, 2);
    const padding = (
      ['same', 'valid', { top: zeros(), bottom: zeros(), left: zeros(), right: zeros() }] as const
    )[random.integer(0, 2)]!;
    const [, height, width] = graph.shapeOf(value) as [number, number, number];
    const fits = height >= size[0] && width >= size[1];
    const strides = [random.integer(1, 2), random.integer(1, 2)] as const;
    value = graph.convolve(op, `convolved${layer}`, [value, filters], {
      strides,
      padding: fits ? padding : 'same',
    });
    channels = op === 'conv2d' ? results : channels * results;
    if (random.integer(0, 1) === 0) {
      const vectors = ['scale', 'offset', 'mean'].map((name) => weights(`${name}${layer}`, [channels]));
      const variance = weights(`variance${layer}`, [channels], 0.25);
      value = graph.batchNormalization(`normal${layer}`, [value, ...vectors, variance], 0.01);
    } else {
      value = graph.apply('biasAdd', `biased${layer}`, [value, weights(`bias${layer}`, [channels])]);
    }
    value = graph.apply(activations[random.integer(0, 4)]!, `active${layer}`, [value]);
  }
  const [, height, width] = graph.shapeOf(value) as [number, number, number];
  const outputs = [value];
  if (random.integer(0, 1) === 0) outputs.push(graph.transpose('channels_first', value, [0, 3, 1, 2]));
  value = graph.averagePool('mean', value, [height, width]);
  value = graph.reshape('flat', value, [-1, channels]);
  outputs.push(graph.apply('softmax', 'out', [value]));
  return graph.build('network', outputs);
}

function images(graph: Graph, seed: number): Tensor {
  const random = new Random(seed);
  const shape = graph.inputs[0]!.shape.map((extent) => (extent === -1 ? random.integer(1, 3) : extent));
  const count = shape.reduce((product, extent) => product * extent, 1);
  return float32Tensor(
    'x',
    shape,
    Array.from({ length: count }, () => random.normal()),
  );
}

describe('networks of convolutions', () => {
  it('give the same answers in ONNX Runtime', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const graph = randomNetwork(seed);
        const x = images(graph, seed + 1);
        const session = await ort.InferenceSession.create(writeOnnx(graph));
        const feed = new ort.Tensor('float32', float32Values(x).slice(), [...x.shape]);
        const answers = await session.run({ x: feed });
        for (const expected of evaluate(graph, [x])) {
          const actual = answers[expected.name]!;
          expect(actual.dims).toEqual(expected.shape);
          const values = float32Values(expected);
          const size = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
          for (const [i, value] of values.entries()) {
            expect(Math.abs(Number(actual.data[i]) - value)).toBeLessThan(2e-5 * size);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it.each<[string, (graph: Graph) => Graph]>([
    [
      'a GraphDef',
      (graph) =>
        readGraphDef(writeGraphDef(graph), {
          inputs: ['x'],
          outputs: graph.outputs.map(({ name }) => name),
        }),
    ],
    ['ONNX', (graph) => readOnnx(writeOnnx(graph))],
  ])('give the same answers, to the bit, written as %s and read again', (_format, writtenAndRead) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const graph = randomNetwork(seed);
        const again = writtenAndRead(graph);
        expect(again.outputs).toEqual(graph.outputs);
        const x = images(graph, seed + 1);
        const [actual, expected] = [again, graph].map((each) => evaluate(each, [x]).map(({ data }) => data));
        expect(Buffer.concat(actual!).equals(Buffer.concat(expected!))).toBe(true);
      }),
    );
  });
});

describe('a file with bytes changed', () => {
  const graph = randomNetwork(3);
  const outputs = graph.outputs.map(({ name }) => name);
  it.each<[string, Uint8Array, (bytes: Uint8Array) => Graph]>([
    ['ONNX', writeOnnx(graph), (bytes) => readOnnx(bytes)],
    ['a GraphDef', writeGraphDef(graph), (bytes) => readGraphDef(bytes, { inputs: ['x'], outputs })],
    ['a SavedModel', writeSavedModel(graph), (bytes) => readSavedModel(bytes).graph],
  ])('is read, or refused in words: %s', (_format, bytes, read) => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    const changes = fc.array(change, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(changes, fc.option(fc.nat(bytes.length)), (places, length) => {
        const changed = Uint8Array.from(bytes);
        for (const [at, value] of places) changed[at] = value;
        try {
          expect(read(changed.subarray(0, length ?? bytes.length)).nodes.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ code: 'AIBENCH_INPUT' });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('written as ONNX', () => {
  function transposes(bytes: Uint8Array): number {
    return ModelProto.decode(bytes).graph!.node.filter(({ opType }) => opType === 'Transpose').length;
  }

  function network(channelsFirst: boolean): Graph {
    const graph = new GraphBuilder();
    let value = channelsFirst
      ? graph.transpose('nhwc', graph.input('x', [-1, 3, 8, 8]), [0, 2, 3, 1])
      : graph.input('x', [-1, 8, 8, 3]);
    for (const layer of [0, 1]) {
      const filters = graph.constant(`w${layer}`, [3, 3, 3, 3], new Float32Array(81));
      value = graph.convolve('conv2d', `c${layer}`, [value, filters]);
      const bias = graph.constant(`b${layer}`, [3], new Float32Array(3));
      value = graph.apply('relu6', `r${layer}`, [graph.apply('biasAdd', `s${layer}`, [value, bias])]);
    }
    value = graph.averagePool('mean', value, [4, 4]);
    return graph.build('network', [graph.reshape('out', value, [-1, 3])]);
  }

  it('a network has one transpose where images come NHWC, and none where they come NCHW', () => {
    expect(transposes(writeOnnx(network(false)))).toBe(1);
    expect(transposes(writeOnnx(network(true)))).toBe(0);
  });
});
