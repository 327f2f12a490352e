import { float32Tensor, float32Values } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { evaluate } from './compile-graph.js';
import {
  AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProto,
  NodeProto,
  TensorProto,
  TensorProto_DataLocation,
  ValueInfoProto,
} from './gen/onnx/onnx.js';
import { GraphBuilder } from './graph-builder.js';
import {
  floatAttribute,
  floatConstant,
  integerAttribute,
  integerConstant,
  integersAttribute,
} from './onnx-nodes.js';
import { readOnnx } from './read-onnx.js';
import { writeOnnx } from './write-onnx.js';

function node(opType: string, input: string[], output: string, attribute: AttributeProto[] = []): NodeProto {
  return NodeProto.create({ name: `${output}_node`, opType, input, output: [output], attribute });
}

function text(name: string, value: string): AttributeProto {
  return AttributeProto.create({ name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
}

function floats(name: string, shape: number[], ...values: number[]): TensorProto {
  return floatConstant(name, shape, Float32Array.from(values));
}

function input(name: string, shape: readonly (number | string)[], elemType: DataType = DataType.FLOAT) {
  const dim = shape.map((extent) =>
    typeof extent === 'number'
      ? ({ value: { $case: 'dimValue', value: extent } } as const)
      : ({ value: { $case: 'dimParam', value: extent } } as const),
  );
  return ValueInfoProto.create({
    name,
    type: { value: { $case: 'tensorType', value: { elemType, shape: { dim } } } },
  });
}

interface File {
  readonly shape: readonly (number | string)[];
  readonly nodes: readonly NodeProto[];
  readonly constants?: readonly TensorProto[];
}

function read({ shape, nodes, constants = [] }: File) {
  const model = ModelProto.create({
    irVersion: 7,
    graph: {
      node: [...nodes],
      initializer: [...constants],
      // As old files have it: constants among the inputs.
      input: [input('x', shape), ...constants.map(({ name, dims }) => input(name, dims))],
      output: [input('out', [])],
    },
  });
  return readOnnx(ModelProto.encode(model).finish());
}

/** 1, 2, 3, .. in the shape of the input, with a batch of 1. */
function answer(file: File): number[] {
  const graph = read(file);
  const shape = graph.inputs[0]!.shape.map((extent) => (extent === -1 ? 1 : extent));
  const count = shape.reduce((product, extent) => product * extent, 1);
  const values = Array.from({ length: count }, (_, i) => i + 1);
  return [...float32Values(evaluate(graph, [float32Tensor('x', shape, values)])[0]!)];
}

const ones = floats('ones', [1, 1, 3, 3], ...new Array<number>(9).fill(1));

describe('readOnnx', () => {
  it.each<[string, NodeProto[], TensorProto[]]>([
    ['pads', [node('Conv', ['x', 'ones'], 'out', [integersAttribute('pads', [0, 0, 1, 1]), strides()])], []],
    ['SAME_UPPER', [node('Conv', ['x', 'ones'], 'out', [text('auto_pad', 'SAME_UPPER'), strides()])], []],
    [
      'a Pad before it',
      [
        node('Pad', ['x', 'pads'], 'padded'),
        node('Conv', ['padded', 'ones'], 'out', [strides(), text('auto_pad', 'VALID')]),
      ],
      [integerConstant('pads', [0, 0, 0, 0, 0, 0, 1, 1])],
    ],
  ])('reads a convolution with %s', (_how, nodes, constants) => {
    const file = { shape: ['N', 1, 4, 4], nodes, constants: [ones, ...constants] };
    expect(answer(file)).toEqual([54, 45, 72, 54]);
  });

  function strides(): AttributeProto {
    return integersAttribute('strides', [2, 2]);
  }

  it('reads a network as PyTorch writes it: biases, groups, Clip, GlobalAveragePool, Flatten, Gemm', () => {
    const file: File = {
      shape: ['N', 2, 2, 2],
      constants: [
        ...[floats('w', [2, 1, 1, 1], 1, -1), floats('b', [2], -1, 9)],
        ...[floats('m', [3, 2], 1, 0, 0, 1, 1, 1), floats('c', [3], 0.5, 0, 0)],
      ],
      nodes: [
        node('Conv', ['x', 'w', 'b'], 'convolved', [integerAttribute('group', 2)]),
        node('Constant', [], 'low', [AttributeProto.create({ name: 'value', t: floats('', [], 0) })]),
        node('Constant', [], 'high', [AttributeProto.create({ name: 'value', t: floats('', [], 6) })]),
        node('Clip', ['convolved', 'low', 'high'], 'limited'),
        node('GlobalAveragePool', ['limited'], 'mean'),
        node('Flatten', ['mean'], 'flat'),
        node('Gemm', ['flat', 'm', 'c'], 'out', [integerAttribute('transB', 1)]),
      ],
    };
    // x - 1 of 1 .. 4 has a mean of 1.5; 9 - x of 5 .. 8 one of 2.5.
    expect(answer(file)).toEqual([2, 2.5, 4]);
    expect(read(file).outputs[0]).toMatchObject({ name: 'out', shape: [-1, 3] });
  });

  it('reads a network as tf2onnx writes it: NHWC turned, constants for channels, ReduceMean, Reshape, Squeeze', () => {
    const file: File = {
      shape: ['N', 2, 2, 3],
      constants: [
        ...[floats('factors', [1, 3, 1, 1], 1, 10, 100), floats('shift', [3, 1, 1], 1, 2, 3)],
        ...[floats('two', [], 2), integerConstant('target', [0, 3, -1])],
      ],
      nodes: [
        node('Transpose', ['x'], 'nchw', [integersAttribute('perm', [0, 3, 1, 2])]),
        node('Mul', ['nchw', 'factors'], 'scaled'),
        node('Add', ['shift', 'scaled'], 'shifted'),
        node('Div', ['shifted', 'two'], 'halved'),
        node('ReduceMean', ['halved'], 'mean', [
          integersAttribute('axes', [2, 3]),
          integerAttribute('keepdims', 1),
        ]),
        node('Squeeze', ['mean'], 'squeezed', [integersAttribute('axes', [2, 3])]),
        node('Reshape', ['squeezed', 'target'], 'out'),
      ],
    };
    // Means of the channels are 5.5, 6.5, 7.5.
    expect(answer(file)).toEqual([(5.5 + 1) / 2, (65 + 2) / 2, (750 + 3) / 2]);
    expect(read(file).outputs[0]!.shape).toEqual([-1, 3, 1]);
  });

  it('turns images where they are wanted as they were', () => {
    const file: File = {
      shape: ['N', 2, 1, 2],
      constants: [floats('w', [2, 2, 1, 1], 1, 0, 0, 1)],
      nodes: [node('Conv', ['x', 'w'], 'images'), node('Flatten', ['images'], 'out')],
    };
    expect(answer(file)).toEqual([1, 2, 3, 4]);
  });

  it('reads Clip, Pad and Dropout of old opsets', () => {
    const file: File = {
      shape: ['N', 1, 2, 2],
      constants: [ones],
      nodes: [
        node('Dropout', ['x'], 'kept'),
        node('Pad', ['kept'], 'padded', [integersAttribute('pads', [0, 0, 1, 1, 0, 0, 0, 0])]),
        node('Conv', ['padded', 'ones'], 'sum'),
        node('Clip', ['sum'], 'out', [floatAttribute('min', 0), floatAttribute('max', 6)]),
      ],
    };
    expect(answer(file)).toEqual([6]);
  });

  it('makes names of the file fit', () => {
    const file: File = {
      shape: ['N', 2],
      nodes: [node('Relu', ['x'], 'a b:0'), node('Relu', ['a b:0'], 'a_b_0'), node('Relu', ['a_b_0'], 'out')],
    };
    expect(answer(file)).toEqual([1, 2]);
  });

  const image = ['N', 1, 4, 4];
  it.each<[string, File, string]>([
    [
      'an operator is not supported',
      { shape: image, nodes: [node('MaxPool', ['x'], 'out')] },
      'model node out_node: operator MaxPool is not supported',
    ],
    [
      'a convolution is dilated',
      {
        shape: image,
        constants: [ones],
        nodes: [node('Conv', ['x', 'ones'], 'out', [integersAttribute('dilations', [2, 2])])],
      },
      'model node out_node (Conv) is dilated',
    ],
    [
      'filters are computed',
      { shape: image, nodes: [node('Conv', ['x', 'x'], 'out')] },
      'model node out_node (Conv) has filters x that are no constant',
    ],
    [
      'groups have several channels',
      {
        shape: ['N', 4, 1, 1],
        constants: [floats('w', [2, 2, 1, 1], 1, 1, 1, 1)],
        nodes: [node('Conv', ['x', 'w'], 'out', [integerAttribute('group', 2)])],
      },
      'model node out_node (Conv) has 2 groups',
    ],
    [
      'limits are others',
      { shape: image, constants: [floats('max', [], 1)], nodes: [node('Clip', ['x', '', 'max'], 'out')] },
      'model node out_node (Clip) is supported from 0 to 6 only',
    ],
    [
      'a shape is computed',
      { shape: image, nodes: [node('Reshape', ['x', 'x'], 'out')] },
      'model node out_node (Reshape) has a setting x that is no constant of integers',
    ],
    [
      'a value comes too late',
      { shape: image, nodes: [node('Relu', ['later'], 'out'), node('Relu', ['x'], 'later')] },
      'model node out_node (Relu) takes later, which is not there before it',
    ],
    [
      'softmax is over another dimension',
      { shape: ['N', 2, 2], nodes: [node('Softmax', ['x'], 'out', [integerAttribute('axis', 1)])] },
      'model node out_node (Softmax) is over dimension 1',
    ],
    [
      'a constant is of another type',
      {
        shape: image,
        constants: [
          TensorProto.create({ name: 'c', dims: [1], dataType: 10 as DataType, rawData: new Uint8Array(2) }),
        ],
        nodes: [node('Relu', ['x'], 'out')],
      },
      "model constant c is of ONNX's type 10",
    ],
    [
      'a constant lies elsewhere',
      {
        shape: image,
        constants: [
          TensorProto.create({
            ...{ name: 'c', dims: [1], dataType: DataType.FLOAT },
            dataLocation: TensorProto_DataLocation.EXTERNAL,
          }),
        ],
        nodes: [node('Relu', ['x'], 'out')],
      },
      'model constant c lies in another file',
    ],
    [
      'a constant is cut off',
      {
        shape: image,
        constants: [{ ...floats('c', [2], 1, 2), rawData: new Uint8Array(4) }],
        nodes: [node('Relu', ['x'], 'out')],
      },
      "model constant c holds 1 values in 4 bytes, which don't fit its shape [2]",
    ],
  ])('says where %s', (_case, file, message) => {
    expect(() => read(file)).toThrow(message);
  });

  it('says where an input is not float32, and where the bytes are no model', () => {
    const model = ModelProto.create({
      graph: {
        node: [node('Relu', ['x'], 'out')],
        input: [input('x', [1], DataType.INT64)],
        output: [input('out', [])],
      },
    });
    expect(() => readOnnx(ModelProto.encode(model).finish())).toThrow('model input x is not float32');
    for (const bytes of [new Uint8Array(), Buffer.from('no model'), Uint8Array.of(0xff, 0xff)]) {
      expect(() => readOnnx(bytes)).toThrow('the bytes are no ONNX model');
    }
  });

  it('keeps the name of the model, or gives it another', () => {
    const graph = new GraphBuilder();
    const built = graph.build('mine', [graph.apply('relu', 'out', [graph.input('x', [-1, 2])])]);
    expect(readOnnx(writeOnnx(built))).toEqual(built);
    expect(readOnnx(writeOnnx(built), { name: 'yours' }).name).toBe('yours');
  });
});
