import { DataType, TensorProto } from '@aibench/tfserving';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ElementType, elementSizeBytes, elementsOf } from '../inference/element-type.js';
import { ServerTensor } from '../inference/server-tensor.js';
import { dataTypeOf, readTensorProto, writeTensorProto } from './tensor-proto.js';

const types = Object.keys(elementSizeBytes) as ElementType[];

function proto(fields: Partial<TensorProto>, shape: number[]): TensorProto {
  return TensorProto.create({ ...fields, tensorShape: { dim: shape.map((size) => ({ size, name: '' })) } });
}

/** The elements of what was read, as numbers. */
function values(tensor: ServerTensor | undefined): number[] | undefined {
  return tensor && [...elementsOf(tensor.type, tensor.data)].map(Number);
}

describe('tensors of TensorFlow', () => {
  it('are read as they were written', () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...types), shapes, fc.nat(), (type, shape, seed) => {
        const count = shape.reduce((product, extent) => product * extent, 1);
        const data = new Uint8Array(count * elementSizeBytes[type]);
        elementsOf(type, data).forEach((_, i, elements) => {
          const value = type === 'bool' ? (seed + i) % 2 : (seed + i) % 100;
          (elements as Float32Array)[i] = (
            type.endsWith('64') && !type.startsWith('f') ? BigInt(value) : value
          ) as number;
        });
        const bytes = TensorProto.encode(writeTensorProto(new ServerTensor(type, shape, data))).finish();
        const read = readTensorProto(TensorProto.decode(bytes));
        expect(read).toMatchObject({ type, shape });
        expect(values(read)).toEqual(values(new ServerTensor(type, shape, data)));
      }),
    );
  });

  it.each([
    ['float32', { floatVal: [1.5, -2] }, [1.5, -2]],
    ['float64', { doubleVal: [0.1, 2] }, [0.1, 2]],
    ['int32', { intVal: [-3, 4] }, [-3, 4]],
    ['uint8', { intVal: [255, 0] }, [255, 0]],
    ['int64', { int64Val: [-5, 6] }, [-5, 6]],
    ['uint64', { uint64Val: [7, 8] }, [7, 8]],
    ['float32', { floatVal: [9] }, [9, 9]],
    ['float32', {}, [0, 0]],
  ] as const)('are read from typed values: %s %j', (type, fields, expected) => {
    const tensor = proto({ dtype: dataTypeOf(type), ...(fields as Partial<TensorProto>) }, [2]);
    expect(values(readTensorProto(tensor))).toEqual(expected);
  });

  it.each([
    ['bytes of another length', proto({ dtype: DataType.DT_FLOAT, tensorContent: new Uint8Array(7) }, [2])],
    ['too many values', proto({ dtype: DataType.DT_FLOAT, floatVal: [1, 2, 3] }, [2])],
    ['a type that is not carried', proto({ dtype: DataType.DT_STRING }, [1])],
    ['an open extent', proto({ dtype: DataType.DT_FLOAT }, [-1])],
    ['a shape that nobody has memory for', proto({ dtype: DataType.DT_FLOAT, floatVal: [1] }, [2 ** 40])],
  ])('are refused with %s', (_, tensor) => {
    expect(readTensorProto(tensor)).toBeUndefined();
  });
});
