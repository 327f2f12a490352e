import { AibenchError, type Dtype, type TensorSpec } from '@aibench/core';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataTypeOf } from './data-types.js';
import { TensorProto } from './gen/tensorflow/core/framework/tensor.js';
import { DataType } from './gen/tensorflow/core/framework/types.js';
import { PredictResponse } from './gen/tensorflow_serving/apis/predict.js';
import { readPredictResponse } from './read-predict-response.js';

const out: TensorSpec = { name: 'out', dtype: 'float32', shape: [1, 2] };

type TensorFields = Parameters<typeof TensorProto.fromPartial>[0];

function tensor(spec: Omit<TensorSpec, 'name'>, fields: TensorFields): TensorProto {
  return TensorProto.fromPartial({
    dtype: dataTypeOf(spec.dtype),
    tensorShape: { dim: spec.shape.map((size) => ({ size })) },
    ...fields,
  });
}

function response(outputs: Readonly<Record<string, TensorProto>>): Uint8Array {
  const modelSpec = { name: 'm', versionChoice: { $case: 'version' as const, value: 1 } };
  return PredictResponse.encode(PredictResponse.fromPartial({ outputs, modelSpec })).finish();
}

function floats(...values: number[]): number[] {
  return [...Float32Array.from(values)];
}

function read(bytes: Uint8Array, spec: TensorSpec = out): number[] {
  return [...new Float32Array(readPredictResponse([spec], bytes)[0]!.data.slice().buffer)];
}

function dataOf(dtype: Dtype, values: readonly bigint[]): Uint8Array {
  if (dtype === 'int64') return new Uint8Array(BigInt64Array.from(values).buffer);
  if (dtype === 'uint64') return new Uint8Array(BigUint64Array.from(values).buffer);
  const numbers = values.map(Number);
  return dtype === 'uint8' ? Uint8Array.from(numbers) : new Uint8Array(Float32Array.from(numbers).buffer);
}

describe('readPredictResponse', () => {
  it('gives views on the answer, of content and of a packed list', () => {
    const content = new Uint8Array(Float32Array.of(0.25, 0.75).buffer);
    for (const fields of [{ tensorContent: content }, { floatVal: [0.25, 0.75] }]) {
      const bytes = response({ out: tensor(out, fields) });
      const [answer] = readPredictResponse([out], bytes);
      expect(answer).toMatchObject(out);
      expect(answer!.data.buffer).toBe(bytes.buffer);
      expect(read(bytes)).toEqual([0.25, 0.75]);
    }
  });

  it('gives the outputs in the order asked for, and passes over others', () => {
    const other = { ...out, name: 'täg' };
    const bytes = response({
      unasked: tensor({ dtype: 'int64', shape: [] }, { int64Val: [5] }),
      täg: tensor(other, { floatVal: [3, 4] }),
      out: tensor(out, { floatVal: [1, 2] }),
    });
    const answers = readPredictResponse([out, other], bytes);
    expect(answers.map(({ name }) => name)).toEqual(['out', 'täg']);
    expect(read(bytes, out)).toEqual([1, 2]);
    expect(read(bytes, other)).toEqual([3, 4]);
  });

  it('fills a list that breaks off with its last element, and an empty one with zeros', () => {
    const spec = { ...out, shape: [2, 2] };
    expect(read(response({ out: tensor(spec, { floatVal: [7] }) }), spec)).toEqual([7, 7, 7, 7]);
    expect(read(response({ out: tensor(spec, { floatVal: [1, 2, 3] }) }), spec)).toEqual([1, 2, 3, 3]);
    expect(read(response({ out: tensor(spec, {}) }), spec)).toEqual([0, 0, 0, 0]);
  });

  it('takes lists in parts, and not packed', () => {
    const parts = new BinaryWriter();
    parts.raw(TensorProto.encode(tensor(out, {})).finish());
    // float_val: one as a field of its own, one in a packed list.
    parts.tag(5, 5).float(0.5).tag(5, 2).fork().float(1.5).join();
    const entry = new BinaryWriter().tag(2, 2).bytes(parts.finish()).tag(1, 2).string('out');
    const bytes = new BinaryWriter().tag(1, 2).bytes(entry.finish()).finish();
    expect(read(bytes)).toEqual([0.5, 1.5]);
  });

  it.each(['float32', 'uint8', 'int64', 'uint64'] as const)(
    'reads %s from content and from its list',
    (dtype) => {
      const limits = {
        float32: [-(2n ** 20n), 2n ** 20n],
        uint8: [0n, 255n],
        int64: [-(2n ** 63n), 2n ** 63n - 1n],
        uint64: [0n, 2n ** 64n - 1n],
      }[dtype] as [bigint, bigint];
      const value = fc.bigInt({ min: limits[0], max: limits[1] });
      fc.assert(
        fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), fc.boolean(), (values, packed) => {
          const spec: TensorSpec = { name: 'x', dtype, shape: [values.length] };
          const data = dataOf(dtype, values);
          const byContent = response({ x: tensor(spec, { tensorContent: data }) });
          expect(Buffer.from(readPredictResponse([spec], byContent)[0]!.data).equals(data)).toBe(true);
          // Written by hand: the generated code takes no integers above 2^53.
          const list = new BinaryWriter().raw(TensorProto.encode(tensor(spec, {})).finish());
          const field = { float32: 5, uint8: 7, int64: 10, uint64: 17 }[dtype];
          const write = (each: bigint) => {
            if (dtype === 'float32') list.float(Number(each));
            else if (dtype === 'uint8') list.int32(Number(each));
            else if (dtype === 'int64') list.int64(each);
            else list.uint64(each);
          };
          if (packed) {
            list.tag(field, 2).fork();
            values.forEach(write);
            list.join();
          } else {
            for (const each of values) {
              list.tag(field, dtype === 'float32' ? 5 : 0);
              write(each);
            }
          }
          const entry = new BinaryWriter().tag(1, 2).string('x').tag(2, 2).bytes(list.finish()).finish();
          const bytes = new BinaryWriter().tag(1, 2).bytes(entry).finish();
          expect(Buffer.from(readPredictResponse([spec], bytes)[0]!.data).equals(data)).toBe(true);
        }),
      );
    },
  );

  it.each([
    [{ other: tensor(out, { floatVal: [1, 2] }) }, 'the answer has no output out, but other'],
    [{}, 'the answer has no output out, but none'],
    [
      { out: tensor({ dtype: 'int64', shape: [1, 2] }, { int64Val: [1, 2] }) },
      "the answer's out is int64 [1,2] instead of float32 [1,2]",
    ],
    [
      { out: TensorProto.fromPartial({ dtype: DataType.DT_HALF }) },
      "the answer's out is DT_HALF [] instead of float32 [1,2]",
    ],
    [
      { out: tensor({ dtype: 'float32', shape: [2, 1] }, { floatVal: [1, 2] }) },
      "the answer's out is float32 [2,1] instead of float32 [1,2]",
    ],
    [
      { out: tensor(out, { floatVal: [1, 2, 3] }) },
      "the answer's out has more than 2 elements, which are no float32 [1,2]",
    ],
    [
      { out: tensor(out, { tensorContent: new Uint8Array(7) }) },
      "the answer's out has 7 bytes, which are no float32 [1,2]",
    ],
  ])('refuses an answer of another form: %#', (outputs, message) => {
    expect(() => readPredictResponse([out], response(outputs))).toThrow(message);
  });

  it('refuses bytes that are no answer, and reads what is left of one, but never hangs or fails otherwise', () => {
    const whole = response({ out: tensor(out, { floatVal: floats(0.25, 0.75) }), other: tensor(out, {}) });
    const mangled = fc
      .tuple(fc.nat(whole.length), fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255))))
      .map(([length, changes]) => {
        const bytes = whole.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(mangled, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        try {
          expect(readPredictResponse([out], bytes)[0]!.data.byteLength).toBe(8);
        } catch (error) {
          expect(error).toBeInstanceOf(AibenchError);
          expect((error as AibenchError).code).toBe('AIBENCH_ANSWER');
        }
      }),
      { numRuns: 500 },
    );
    expect(() => readPredictResponse([out], whole.subarray(0, -1))).toThrow('are no PredictResponse');
  });
});
