import { float32Tensor, float32Values, Random } from '@aibench/core';
import {
  compileGraph,
  evaluate,
  type Graph,
  writeGraphDef,
  writeOnnx,
  writeSavedModel,
} from '@aibench/models';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { drawImage } from '../synthetic-image.js';
import { mobileNetGraph } from './mobilenet-graph.js';
import { classCount } from './mobilenet-layers.js';

const pixels = 224 * 224;
const graph = mobileNetGraph();
const output = 'MobilenetV1/Predictions/Reshape_1';

/** An image of the synthetic source, values in [0,1], NHWC. */
function drawn(place: number): Float32Array {
  return Float32Array.from(drawImage(99, place, 224, 224), (value) => value / 255);
}

function ask(asked: Graph, images: Float32Array, shape: readonly number[]): Float32Array {
  return float32Values(evaluate(asked, [float32Tensor('input', shape, images)])[0]!);
}

/** Multiplications of weights with values, for one image. */
function multiplyAdds({ nodes, shapes }: Graph): number {
  return nodes.reduce((sum, node) => {
    if (node.op !== 'conv2d' && node.op !== 'depthwiseConv2d') return sum;
    const [, rows = 0, columns = 0] = shapes.get(node.name)!;
    const filters = shapes.get(node.inputs[1]!)!;
    return sum + rows * columns * filters.reduce((product, extent) => product * extent, 1);
  }, 0);
}

describe('the image model', () => {
  it('has the input and the output of the published one', () => {
    expect(graph).toMatchObject({
      name: 'mobilenet_v1_100_224_NxHxWxC',
      inputs: [{ name: 'input', dtype: 'float32', shape: [-1, 224, 224, 3] }],
      outputs: [{ name: output, dtype: 'float32', shape: [-1, 1001] }],
    });
  });

  it('has its size: 569 million multiply-adds an image, 4.2 million parameters', () => {
    expect(multiplyAdds(graph)).toBe(568_741_376);
    const constants = graph.nodes.flatMap((node) => (node.op === 'constant' ? [node] : []));
    const count = (isCounted: (name: string) => boolean) =>
      constants.reduce((sum, { name, values }) => sum + (isCounted(name) ? values.length : 0), 0);
    const isMoving = (name: string) => name.includes('/moving_');
    // As TensorFlow counts: what is trained, and beside it the means and variances.
    expect(count((name) => !isMoving(name))).toBe(4_233_001);
    expect(count(isMoving)).toBe(21_888);
  });

  it('has the feature maps of the published one', () => {
    const sizes = graph.nodes.flatMap(({ name, op }) =>
      op === 'relu6' ? [graph.shapes.get(name)!.slice(1).join('x')] : [],
    );
    const [first, ...others] = sizes;
    const blocks = others.filter((_, i) => i % 2 === 1);
    expect([first, ...blocks]).toEqual([
      ...['112x112x32', '112x112x64', '56x56x128', '56x56x128', '28x28x256', '28x28x256'],
      ...Array.from({ length: 6 }, () => '14x14x512'),
      ...['7x7x1024', '7x7x1024'],
    ]);
  });

  it('answers a batch as it answers its images, whichever layout they come in', () => {
    const images = [drawn(0), drawn(1)];
    const run = compileGraph(graph);
    const single = images.map((image) => [
      ...float32Values(run([float32Tensor('input', [1, 224, 224, 3], image)])[0]!),
    ]);
    const both = Float32Array.from([...images[0]!, ...images[1]!]);
    expect([...ask(graph, both, [2, 224, 224, 3])]).toEqual(single.flat());
    const channelsFirst = Float32Array.from(
      { length: 3 * pixels },
      (_, i) => images[1]![(i % pixels) * 3 + Math.floor(i / pixels)]!,
    );
    const nchw = mobileNetGraph({ layout: 'nchw', batch: 1 });
    expect(nchw.inputs[0]!.shape).toEqual([1, 3, 224, 224]);
    expect([...ask(nchw, channelsFirst, [1, 3, 224, 224])]).toEqual(single[1]);
  });

  it('gives the same bytes each time, about 17 MB in each format', () => {
    for (const write of [writeOnnx, writeGraphDef, writeSavedModel]) {
      const bytes = write(graph);
      expect(Buffer.from(bytes).equals(write(mobileNetGraph()))).toBe(true);
      expect(bytes.length).toBeGreaterThan(17.0e6);
      expect(bytes.length).toBeLessThan(17.1e6);
    }
  });
});

describe('the seeded weights', async () => {
  const session = await ort.InferenceSession.create(writeOnnx(graph));
  const askRuntime = async (image: Float32Array): Promise<Float32Array> => {
    const answers = await session.run({ input: new ort.Tensor('float32', image, [1, 224, 224, 3]) });
    return (answers[output]!.data as Float32Array).slice();
  };
  const noise = (seed: number): Float32Array => {
    const values = new Float32Array(3 * pixels);
    new Random(seed).fillUniform(values);
    return values;
  };
  const oneColour = (seed: number): Float32Array => {
    const random = new Random(seed);
    const colour = [random.uniform(), random.uniform(), random.uniform()];
    return Float32Array.from({ length: 3 * pixels }, (_, i) => colour[i % 3]!);
  };
  const kinds = { drawn, noise, oneColour };

  it.each(Object.entries(kinds))(
    'answer images (%s) in ONNX Runtime as they do here',
    async (_kind, make) => {
      const expected = ask(graph, make(3), [1, 224, 224, 3]);
      const actual = await askRuntime(make(3));
      const differences = actual.map((value, i) => Math.abs(value - expected[i]!));
      expect(Math.max(...differences)).toBeLessThan(2e-5);
    },
  );

  it('give each image an answer of its own, and many classes', async () => {
    const answers: Float32Array[] = [];
    for (let place = 0; place < 60; place++) answers.push(await askRuntime(drawn(place)));
    const tops = answers.map((answer) => answer.indexOf(Math.max(...answer)));
    expect(new Set(tops).size).toBeGreaterThan(40);
    for (const [i, answer] of answers.entries()) {
      expect(answer.length).toBe(classCount);
      expect(answer.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      // One class stands out and does not have all: 10 times the mean probability, and less than 1.
      expect(answer[tops[i]!]!).toBeGreaterThan(10 / classCount);
      expect(answer[tops[i]!]!).toBeLessThan(0.99);
      for (const other of answers.slice(0, i)) {
        const differences = answer.map((value, c) => Math.abs(value - other[c]!));
        // A hundred times the tolerance of --verify.
        expect(Math.max(...differences)).toBeGreaterThan(0.01);
      }
    }
  });

  it('let activations neither die nor grow', () => {
    const layers = graph.nodes.flatMap(({ op, name }) => (op === 'relu6' ? [name] : []));
    const all = {
      ...graph,
      outputs: layers.map((name) => ({ name, dtype: 'float32' as const, shape: graph.shapes.get(name)! })),
    };
    const image = float32Tensor('input', [1, 224, 224, 3], drawn(5));
    for (const tensor of evaluate(all, [image])) {
      const values = float32Values(tensor);
      const mean = values.reduce((a, b) => a + b) / values.length;
      const zeros = values.reduce((count, value) => count + (value === 0 ? 1 : 0), 0) / values.length;
      // Normal numbers with mean 1 and deviation 1 have a mean of 1.08 above 0, and 0.16 of them are below.
      expect(mean).toBeGreaterThan(0.8);
      expect(mean).toBeLessThan(1.4);
      expect(zeros).toBeGreaterThan(0.05);
      expect(zeros).toBeLessThan(0.35);
    }
  });
});
