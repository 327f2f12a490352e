import { float32Tensor, float32Values, Random, type Tensor } from '@aibench/core';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { evaluate } from './compile-graph.js';
import type { Graph, PlainOp } from './graph.js';
import { GraphBuilder } from './graph-builder.js';
import { readGraphDef } from './read-graph-def.js';
import { readOnnx } from './read-onnx.js';
import { writeGraphDef } from './write-graph-def.js';
import { writeOnnx } from './write-onnx.js';

const activations: readonly PlainOp[] = ['sigmoid', 'tanh', 'relu', 'identity', 'softmax'];
const arithmetic: readonly PlainOp[] = ['add', 'sub', 'mul', 'div'];

/** A dense network that uses every operation of the set, with random sizes, activations and weights. */
function randomGraph(seed: number): Graph {
  const random = new Random(seed);
  const graph = new GraphBuilder();
  const normals = (count: number): number[] => Array.from({ length: count }, () => random.normal());
  let width = random.integer(1, 9);
  let value = graph.input('x', [-1, width]);
  for (let layer = 0; layer < random.integer(1, 3); layer++) {
    const outputs = random.integer(1, 9);
    const weights = graph.constant(`w${layer}`, [width, outputs], normals(width * outputs));
    value = graph.apply('matMul', `product${layer}`, [value, weights]);
    // Away from 0, since one operation divides by them.
    const row = graph.constant(
      `row${layer}`,
      [outputs],
      normals(outputs).map((each) => each + (each < 0 ? -1 : 1)),
    );
    value = graph.apply(arithmetic[random.integer(0, 3)]!, `shifted${layer}`, [value, row]);
    value = graph.apply(activations[random.integer(0, 4)]!, `active${layer}`, [value]);
    width = outputs;
  }
  const flat = graph.reshape('flat', graph.input('r', [2, 3]), [1, 6]);
  const projected = graph.apply('matMul', 'projected', [
    flat,
    graph.constant('p', [6, width], normals(6 * width)),
  ]);
  graph.apply('add', 'mixed', [value, projected]);
  graph.concat('both', ['mixed', value, 'mixed'], random.integer(0, 1) === 0 ? 1 : -1);
  graph.reshape('cube', 'both', [-1, 3, width]);
  return graph.build('random', ['both', 'cube']);
}

function randomInputs(graph: Graph, seed: number): Tensor[] {
  const random = new Random(seed);
  const batch = random.integer(1, 4);
  return graph.inputs.map(({ name, shape }) => {
    const closed = shape.map((extent) => (extent === -1 ? batch : extent));
    const count = closed.reduce((product, extent) => product * extent, 1);
    return float32Tensor(
      name,
      closed,
      Array.from({ length: count }, () => random.normal()),
    );
  });
}

describe('written as ONNX', () => {
  it('a graph gives the same answers in ONNX Runtime', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const graph = randomGraph(seed);
        const inputs = randomInputs(graph, seed + 1);
        const session = await ort.InferenceSession.create(writeOnnx(graph));
        expect(session.inputNames).toEqual(['x', 'r']);
        const feeds = Object.fromEntries(
          inputs.map((input) => [
            input.name,
            new ort.Tensor('float32', float32Values(input).slice(), [...input.shape]),
          ]),
        );
        const answers = await session.run(feeds);
        for (const expected of evaluate(graph, inputs)) {
          const actual = answers[expected.name]!;
          expect(actual.dims).toEqual(expected.shape);
          for (const [i, value] of float32Values(expected).entries()) {
            // 1e-5 of the size of the numbers, which are not bounded here as probabilities are.
            const difference = Math.abs(Number(actual.data[i]) - value);
            expect(difference).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('an input can be declared in another shape', async () => {
    const bytes = writeOnnx(randomGraph(1), { inputShapes: { r: [1, 6] } });
    const session = await ort.InferenceSession.create(bytes);
    const width = Number(randomGraph(1).inputs[0]!.shape[1]);
    const x = new ort.Tensor('float32', new Float32Array(width), [1, width]);
    const row = new ort.Tensor('float32', new Float32Array(6), [1, 6]);
    await expect(session.run({ x, r: row })).resolves.toHaveProperty('both');
    const block = new ort.Tensor('float32', new Float32Array(6), [2, 3]);
    await expect(session.run({ x, r: block })).rejects.toThrow();
  });

  it('helper values keep clear of the names of nodes', async () => {
    const graph = new GraphBuilder();
    graph.input('x', [4]);
    graph.apply('relu', 'y/shape', ['x']);
    graph.reshape('y', 'y/shape', [2, 2]);
    const built = graph.build('model', ['y']);
    const session = await ort.InferenceSession.create(writeOnnx(built));
    const answers = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, -2, 3, 4), [4]) });
    expect([...(answers['y']!.data as Float32Array)]).toEqual([1, 0, 3, 4]);
    const again = readGraphDef(writeGraphDef(built), { inputs: ['x'], outputs: ['y'] });
    expect(again.outputs).toEqual(built.outputs);
  });
});

describe('written and read again', () => {
  it.each<[string, readonly string[], (graph: Graph) => Graph]>([
    [
      'a GraphDef',
      ['r', 'x'],
      (graph) => readGraphDef(writeGraphDef(graph), { inputs: ['r', 'x:0'], outputs: ['both', 'cube:0'] }),
    ],
    ['ONNX', ['x', 'r'], (graph) => readOnnx(writeOnnx(graph))],
  ])('as %s, a graph gives the same answers, to the bit', (_format, inputNames, writtenAndRead) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const graph = randomGraph(seed);
        const again = writtenAndRead(graph);
        expect(again.inputs.map((input) => input.name)).toEqual(inputNames);
        expect(again.outputs).toEqual(graph.outputs);
        const inputs = randomInputs(graph, seed + 1);
        expect(evaluate(again, inputs)).toEqual(evaluate(graph, inputs));
      }),
    );
  });
});

describe('the same graph', () => {
  it('gives the same bytes', () => {
    expect(writeOnnx(randomGraph(5))).toEqual(writeOnnx(randomGraph(5)));
    expect(writeGraphDef(randomGraph(5))).toEqual(writeGraphDef(randomGraph(5)));
  });
});
