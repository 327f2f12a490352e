import { type AibenchError, float32Tensor, float32Values } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { evaluate } from './compile-graph.js';
import { AttrValue } from './gen/tensorflow/core/framework/attr_value.js';
import { GraphDef } from './gen/tensorflow/core/framework/graph.js';
import { NodeDef } from './gen/tensorflow/core/framework/node_def.js';
import { TensorProto } from './gen/tensorflow/core/framework/tensor.js';
import { TensorShapeProto } from './gen/tensorflow/core/framework/tensor_shape.js';
import { DataType } from './gen/tensorflow/core/framework/types.js';
import { findGraphDefEnds, readGraphDef } from './read-graph-def.js';

type Value = NonNullable<AttrValue['value']>;

function node(name: string, op: string, input: string[], attributes: Record<string, Value> = {}): NodeDef {
  const attr = Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, AttrValue.create({ value })]),
  );
  return NodeDef.create({ name, op, input, attr });
}

const text = (value: string): Value => ({ $case: 's', value: new TextEncoder().encode(value) });
const list = (...i: number[]): Value => ({
  $case: 'list',
  value: { s: [], i, f: [], b: [], type: [], shape: [] },
});
const flag = (value: boolean): Value => ({ $case: 'b', value });

function shape(...extents: number[]): TensorShapeProto {
  return TensorShapeProto.create({ dim: extents.map((size) => ({ size })) });
}

function placeholder(...extents: number[]): NodeDef {
  return node('x', 'Placeholder', [], {
    dtype: { $case: 'type', value: DataType.DT_FLOAT },
    shape: { $case: 'shape', value: shape(...extents) },
  });
}

function constant(name: string, tensor: Partial<TensorProto>): NodeDef {
  return node(name, 'Const', [], { value: { $case: 'tensor', value: TensorProto.create(tensor) } });
}

function floats(name: string, extents: number[], floatVal: number[]): NodeDef {
  return constant(name, { dtype: DataType.DT_FLOAT, tensorShape: shape(...extents), floatVal });
}

function integers(name: string, ...intVal: number[]): NodeDef {
  return constant(name, { dtype: DataType.DT_INT32, tensorShape: shape(intVal.length), intVal });
}

function integer(name: string, value: number): NodeDef {
  return constant(name, { dtype: DataType.DT_INT32, tensorShape: shape(), intVal: [value] });
}

function read(nodes: NodeDef[]) {
  const bytes = GraphDef.encode(GraphDef.create({ node: nodes })).finish();
  return readGraphDef(bytes, { inputs: ['x'], outputs: ['out'] });
}

/** 1, 2, 3, .. in the shape of the input, with a batch of 1. */
function answer(nodes: NodeDef[]): number[] {
  const graph = read(nodes);
  const extents = graph.inputs[0]!.shape.map((extent) => (extent === -1 ? 1 : extent));
  const count = extents.reduce((product, extent) => product * extent, 1);
  const values = Array.from({ length: count }, (_, i) => i + 1);
  return [...float32Values(evaluate(graph, [float32Tensor('x', extents, values)])[0]!)];
}

const ones = floats('ones', [3, 3, 1, 1], [1]);

describe('readGraphDef, of images', () => {
  it.each([
    ['SAME', [placeholder(-1, 4, 4, 1)], 'x', { padding: text('SAME') }],
    [
      'EXPLICIT',
      [placeholder(-1, 4, 4, 1)],
      'x',
      { padding: text('EXPLICIT'), explicit_paddings: list(0, 0, 0, 1, 0, 1, 0, 0) },
    ],
    [
      'zeros of Keras before a VALID convolution',
      [
        placeholder(-1, 4, 4, 1),
        constant('zeros', {
          dtype: DataType.DT_INT32,
          tensorShape: shape(4, 2),
          intVal: [0, 0, 0, 1, 0, 1, 0, 0],
        }),
        node('padded', 'Pad', ['x', 'zeros']),
      ],
      'padded',
      { padding: text('VALID') },
    ],
  ])('reads %s', (_padding, before, input, settings) => {
    for (const op of ['Conv2D', 'DepthwiseConv2dNative']) {
      const strides = list(1, 2, 2, 1);
      const nodes = [...before, ones, node('out', op, [input, 'ones'], { ...settings, strides })];
      expect(answer(nodes)).toEqual([54, 45, 72, 54]);
    }
  });

  it.each(['FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3'])('reads %s', (op) => {
    const nodes = [
      placeholder(-1, 1, 1, 2),
      ...[floats('scale', [2], [2, 3]), floats('offset', [2], [10, 20])],
      ...[floats('mean', [2], [0, 1]), floats('variance', [2], [3.75])],
      node('out', op, ['x', 'scale', 'offset', 'mean', 'variance'], {
        is_training: flag(false),
        epsilon: { $case: 'f', value: 0.25 },
      }),
    ];
    expect(answer(nodes)).toEqual([11, 21.5]);
  });

  it('reads the end of TF-slim’s MobileNet: a shape that is taken from another value', () => {
    const nodes = [
      placeholder(-1, 2, 2, 1),
      node('pool', 'AvgPool', ['x'], {
        ksize: list(1, 2, 2, 1),
        strides: list(1, 2, 2, 1),
        padding: text('VALID'),
      }),
      node('squeezed', 'Squeeze', ['pool'], { squeeze_dims: list(1, 2) }),
      node('shape', 'Shape', ['squeezed']),
      node('out', 'Reshape', ['squeezed', 'shape']),
    ];
    expect(read(nodes).outputs[0]!.shape).toEqual([-1, 1]);
    expect(answer(nodes)).toEqual([2.5]);
  });

  it('reads the end of Keras’s MobileNet: a mean, and a shape that is put together', () => {
    const nodes = [
      placeholder(-1, 2, 2, 2),
      integers('axes', 1, 2),
      node('mean', 'Mean', ['x', 'axes'], { keep_dims: flag(false) }),
      ...[node('shape', 'Shape', ['mean']), integers('from', 0), integers('to', 1), integers('step', 1)],
      node('batch', 'StridedSlice', ['shape', 'from', 'to', 'step'], {
        shrink_axis_mask: { $case: 'i', value: 1 },
      }),
      ...[integer('one', 1), integer('two', 2)],
      node('target', 'Pack', ['batch', 'one', 'one', 'two']),
      node('out', 'Reshape', ['mean', 'target']),
    ];
    expect(read(nodes).outputs[0]!.shape).toEqual([-1, 1, 1, 2]);
    expect(answer(nodes)).toEqual([4, 5]);
  });

  it('reads means that keep their dimensions, and transposes', () => {
    const nodes = [
      placeholder(-1, 2, 2, 3),
      integers('order', 0, 2, 3, 1),
      node('turned', 'Transpose', ['x', 'order']),
      integers('axes', -2, -3),
      node('out', 'Mean', ['turned', 'axes'], { keep_dims: flag(true) }),
    ];
    // [2,2,3] becomes [2,3,2]: the channels are what the rows were.
    expect(read(nodes).outputs[0]!.shape).toEqual([-1, 1, 1, 2]);
    expect(answer(nodes)).toEqual([3.5, 9.5]);
  });

  it.each<[string, NodeDef[], string]>([
    [
      'images have their channels first',
      [node('out', 'Conv2D', ['x', 'ones'], { padding: text('VALID'), data_format: text('NCHW') })],
      'model node out (Conv2D) takes images as NCHW; NHWC is supported',
    ],
    [
      'a convolution is dilated',
      [node('out', 'Conv2D', ['x', 'ones'], { padding: text('VALID'), dilations: list(1, 2, 2, 1) })],
      'model node out (Conv2D) is dilated',
    ],
    [
      'strides move along the channels',
      [node('out', 'Conv2D', ['x', 'ones'], { padding: text('VALID'), strides: list(1, 1, 1, 2) })],
      'model node out (Conv2D) has strides [1,1,1,2]',
    ],
    [
      'a batch normalisation is for training',
      [node('out', 'FusedBatchNorm', ['x', 'ones', 'ones', 'ones', 'ones'])],
      'model node out (FusedBatchNorm) is for training',
    ],
    [
      'a pool is padded',
      [
        node('out', 'AvgPool', ['x'], {
          ...{ ksize: list(1, 3, 3, 1), strides: list(1, 1, 1, 1) },
          padding: text('SAME'),
        }),
      ],
      'model node out (AvgPool) pads its images',
    ],
    [
      'something else than a convolution takes padded images',
      [
        constant('zeros', {
          dtype: DataType.DT_INT32,
          tensorShape: shape(4, 2),
          intVal: [0, 0, 0, 1, 0, 1, 0, 0],
        }),
        node('padded', 'Pad', ['x', 'zeros']),
        node('out', 'Relu', ['padded']),
      ],
      'model node out (Relu) takes padded: Pad is supported before convolutions',
    ],
    [
      'the batch is padded',
      [integers('zeros', 1, 0, 0, 0, 0, 0, 0, 0), node('out', 'Pad', ['x', 'zeros'])],
      'model node out (Pad) pads otherwise than rows and columns',
    ],
    [
      'a mean is over the channels',
      [integers('axes', 3), node('out', 'Mean', ['x', 'axes'])],
      'model node out (Mean) is supported over the rows and columns of images only',
    ],
    [
      'weights are variables',
      [node('w', 'VarHandleOp', []), node('out', 'MatMul', ['x', 'w'])],
      "model node w (VarHandleOp): the graph's weights lie beside it, in variables",
    ],
    [
      'the network stands in a function',
      [node('out', 'StatefulPartitionedCall', ['x'])],
      "model node out (StatefulPartitionedCall): the graph's weights lie beside it",
    ],
  ])('says where %s', (_case, nodes, message) => {
    expect(() => read([placeholder(-1, 4, 4, 1), ones, ...nodes])).toThrow(message);
  });

  it('says how a model with variables is frozen', () => {
    try {
      read([placeholder(-1, 4), node('out', 'StatefulPartitionedCall', ['x'])]);
      expect.unreachable();
    } catch (error) {
      expect((error as AibenchError).hint).toMatch(/^freeze the model.*convert_variables_to_constants_v2/);
    }
  });
});

describe('findGraphDefEnds', () => {
  it('finds what goes in and what comes out', () => {
    const nodes = [
      placeholder(-1, 2),
      ...[floats('left_over', [1], [1]), node('NoOp', 'NoOp', ['^out'])],
      ...[node('inner', 'Relu', ['x:0']), node('out', 'Identity', ['inner'])],
    ];
    const bytes = GraphDef.encode(GraphDef.create({ node: nodes })).finish();
    expect(findGraphDefEnds(bytes)).toEqual({ inputs: ['x'], outputs: ['out'] });
  });
});
