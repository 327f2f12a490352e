import { AibenchError, float32Tensor, float32Values } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { evaluate } from './compile-graph.js';
import { AttrValue } from './gen/tensorflow/core/framework/attr_value.js';
import { GraphDef } from './gen/tensorflow/core/framework/graph.js';
import { NodeDef } from './gen/tensorflow/core/framework/node_def.js';
import { TensorProto } from './gen/tensorflow/core/framework/tensor.js';
import { TensorShapeProto } from './gen/tensorflow/core/framework/tensor_shape.js';
import { DataType } from './gen/tensorflow/core/framework/types.js';
import { type GraphDefOptions, readGraphDef } from './read-graph-def.js';

type Attributes = Readonly<Record<string, NonNullable<AttrValue['value']>>>;

function node(name: string, op: string, input: string[], attributes: Attributes = {}): NodeDef {
  const attr = Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, AttrValue.create({ value })]),
  );
  return NodeDef.create({ name, op, input, attr });
}

function shape(...extents: number[]): TensorShapeProto {
  return TensorShapeProto.create({ dim: extents.map((size) => ({ size })) });
}

function placeholder(name: string, ...extents: number[]): NodeDef {
  return node(name, 'Placeholder', [], {
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

const options: GraphDefOptions = { inputs: ['x'], outputs: ['out'] };

function read(nodes: NodeDef[], from: GraphDefOptions = options) {
  return readGraphDef(GraphDef.encode(GraphDef.create({ node: nodes })).finish(), from);
}

function problemOf(nodes: NodeDef[], from: GraphDefOptions = options): string {
  try {
    read(nodes, from);
  } catch (error) {
    if (error instanceof AibenchError && error.code === 'AIBENCH_INPUT') return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function answer(nodes: NodeDef[], ...x: number[]): number[] {
  return [...float32Values(evaluate(read(nodes), [float32Tensor('x', [1, x.length], x)])[0]!)];
}

describe('readGraphDef', () => {
  it('reads a dense layer as Keras freezes it: identities, control inputs, BiasAdd, nodes in any order', () => {
    const nodes = [
      node('out', 'Identity', ['dense/Relu', '^NoOp']),
      node('NoOp', 'NoOp', ['^dense/BiasAdd/ReadVariableOp']),
      node('dense/Relu', 'Relu', ['dense/BiasAdd:0']),
      node('dense/BiasAdd', 'BiasAdd', ['dense/MatMul', 'dense/BiasAdd/ReadVariableOp']),
      node('dense/BiasAdd/ReadVariableOp', 'Identity', ['bias']),
      node('dense/MatMul', 'MatMul', ['x', 'kernel']),
      floats('kernel', [2, 2], [1, -1, 2, -2]),
      floats('bias', [2], [10, 5]),
      placeholder('x', -1, 2),
    ];
    expect(answer(nodes, 1, 2)).toEqual([15, 0]);
  });

  it('leaves out what no output needs, supported or not', () => {
    const nodes = [
      placeholder('x', -1, 2),
      node('out', 'Relu', ['x']),
      node('dropout', 'RandomUniform', ['x']),
    ];
    expect(answer(nodes, -1, 2)).toEqual([0, 2]);
  });

  it('transposes constant matrices where MatMul says so', () => {
    const transpose_b = { $case: 'b', value: true } as const;
    const nodes = [
      placeholder('x', -1, 2),
      floats('kernel', [3, 2], [1, 2, 3, 4, 5, 6]),
      node('out', 'MatMul', ['x', 'kernel'], { transpose_b }),
    ];
    expect(answer(nodes, 1, 10)).toEqual([21, 43, 65]);
  });

  it('repeats the last element of a list that breaks off', () => {
    const nodes = [placeholder('x', -1, 3), floats('c', [3], [1, 2]), node('out', 'Add', ['x', 'c'])];
    expect(answer(nodes, 0, 0, 0)).toEqual([1, 2, 2]);
  });

  it.each([
    ['int32 in a list', { dtype: DataType.DT_INT32, intVal: [-1, 2, 1] }],
    ['int64 in a list', { dtype: DataType.DT_INT64, int64Val: [-1, 2, 1] }],
    ['int32 in bytes', { dtype: DataType.DT_INT32, tensorContent: bytesOf(Int32Array.of(-1, 2, 1)) }],
    ['int64 in bytes', { dtype: DataType.DT_INT64, tensorContent: bytesOf(BigInt64Array.of(-1n, 2n, 1n)) }],
  ])('reads settings that are %s', (_case, tensor) => {
    const nodes = [
      placeholder('x', -1, 2),
      constant('to', { ...tensor, tensorShape: shape(3) }),
      node('out', 'Reshape', ['x', 'to']),
    ];
    expect(read(nodes).outputs[0]?.shape).toEqual([-1, 2, 1]);
  });

  it.each<[string, NodeDef[], RegExp]>([
    [
      'an operation is not supported',
      [
        placeholder('x', -1, 2),
        node('layer/drop', 'RandomUniform', ['x']),
        node('out', 'Mul', ['x', 'layer/drop']),
      ],
      /node layer\/drop: operation RandomUniform is not supported/,
    ],
    ['an input is not there', [node('out', 'Relu', ['y'])], /input x is not in the graph/],
    ['an input is no placeholder', [floats('x', [1], [1])], /input x is a Const, not a Placeholder/],
    [
      'an input is not float32',
      [node('x', 'Placeholder', [], { dtype: { $case: 'type', value: DataType.DT_INT32 } })],
      /input x is not float32/,
    ],
    [
      'the shape of an input is unknown',
      [node('x', 'Placeholder', [], { dtype: { $case: 'type', value: DataType.DT_FLOAT } })],
      /input x \(Placeholder\) has no known shape/,
    ],
    ['an output is not there', [placeholder('x', 1)], /node out, named by the outputs, is not in the graph/],
    [
      'a node is not there',
      [placeholder('x', 1), node('out', 'Relu', ['y'])],
      /node y, named by out, is not/,
    ],
    [
      'a placeholder is not among the inputs',
      [placeholder('x', 1), placeholder('y', 1), node('out', 'Add', ['x', 'y'])],
      /node y \(Placeholder\) is used, but is not among the inputs/,
    ],
    [
      'nodes go in a circle',
      [
        placeholder('x', 1),
        node('a', 'Add', ['x', 'b']),
        node('b', 'Relu', ['a']),
        node('out', 'Relu', ['b']),
      ],
      /node . takes its own value/,
    ],
    [
      'a second output of a node is taken',
      [placeholder('x', 1), node('a', 'Split', ['x']), node('out', 'Relu', ['a:1'])],
      /node a:1, named by out, is not/,
    ],
    [
      'a computed value is transposed',
      [
        placeholder('x', 2, 2),
        floats('w', [2, 2], [1]),
        node('out', 'MatMul', ['x', 'w'], { transpose_a: { $case: 'b', value: true } }),
      ],
      /node out \(MatMul\) transposes x/,
    ],
    [
      'a shape is computed',
      [placeholder('x', 2), placeholder('y', 1), node('out', 'Reshape', ['x', 'x'])],
      /node out \(Reshape\): its setting x/,
    ],
    [
      'a constant is of another type',
      [placeholder('x', 1), constant('c', { dtype: DataType.DT_BOOL }), node('out', 'Add', ['x', 'c'])],
      /node c \(Const\) is of TensorFlow's type 10/,
    ],
    [
      'a constant claims more elements than any memory has',
      [placeholder('x', 1), floats('c', [1e9, 1e9], [1]), node('out', 'Add', ['x', 'c'])],
      /node c \(Const\) holds 1 values.*\[1000000000,1000000000\]/,
    ],
    [
      'a constant has no value',
      [placeholder('x', 1), node('c', 'Const', []), node('out', 'Add', ['x', 'c'])],
      /node c \(Const\) has no value/,
    ],
  ])('says where %s', (_case, nodes, message) => {
    expect(problemOf(nodes)).toMatch(message);
  });

  it.each([
    ['empty', new Uint8Array()],
    ['text', Buffer.from('not a graph')],
    [
      'cut off',
      GraphDef.encode(GraphDef.create({ node: [placeholder('x', 1)] }))
        .finish()
        .subarray(0, -3),
    ],
  ])('says where the bytes are no graph: %s', (_case, bytes) => {
    expect(() => readGraphDef(bytes, options)).toThrowError(/no TensorFlow GraphDef/);
  });
});

function bytesOf(values: Int32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer);
}
