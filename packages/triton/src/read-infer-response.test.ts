import { AibenchError, type TensorSpec } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tritonDatatype } from './datatypes.js';
import { ModelInferResponse } from './gen/inference/grpc_service.js';
import { InferResponseReader } from './read-infer-response.js';
import { anyTensors, specOf } from './tensors.test.fixture.js';

const output: TensorSpec = { name: 'output', dtype: 'float32', shape: [1, 2] };
const reader = new InferResponseReader([output], '10.0.0.1:8001');
const data = Buffer.from(Float32Array.of(0.25, 0.75).buffer);

type Response = Parameters<typeof ModelInferResponse.fromPartial>[0];

/** An answer as Triton gives it, but for the parts that are given. */
function answer(parts: Response = {}): Uint8Array {
  return ModelInferResponse.encode(
    ModelInferResponse.fromPartial({
      modelName: 'financialNet',
      modelVersion: '1',
      outputs: [{ name: 'output', datatype: 'FP32', shape: [1n, 2n] }],
      rawOutputContents: [data],
      ...parts,
    }),
  ).finish();
}

function failure(act: () => unknown): AibenchError {
  try {
    act();
  } catch (error) {
    if (error instanceof AibenchError) return error;
  }
  throw new Error('it did not fail as foreseen');
}

describe('InferResponseReader', () => {
  it('gives the outputs as views on the answer', () => {
    const bytes = answer();
    const [tensor, ...others] = reader.read(bytes, 1);
    expect(others).toEqual([]);
    expect(tensor).toMatchObject({ name: 'output', dtype: 'float32', shape: [1, 2] });
    expect(Buffer.from(tensor!.data).equals(data)).toBe(true);
    expect(tensor!.data.buffer).toBe(bytes.buffer);
  });

  it('reads whatever was asked for, in the order in which it was asked for', () => {
    fc.assert(
      fc.property(anyTensors, fc.boolean(), (tensors, turned) => {
        const answered = turned ? [...tensors].reverse() : tensors;
        const bytes = answer({
          outputs: answered.map(({ name, dtype, shape }) => ({
            name,
            datatype: tritonDatatype(dtype),
            shape: shape.map(BigInt),
          })),
          rawOutputContents: answered.map((tensor) => tensor.data),
        });
        const read = new InferResponseReader(tensors.map(specOf), 'x').read(bytes, 1);
        expect(read.map(specOf)).toEqual(tensors.map(specOf));
        expect(read.map((each) => Buffer.from(each.data).toString('hex'))).toEqual(
          tensors.map((each) => Buffer.from(each.data).toString('hex')),
        );
      }),
    );
  });

  it('skips what it was not told of, and leaves out outputs that nobody asked for', () => {
    const bytes = answer({
      id: 'x'.repeat(300),
      parameters: { triton_final_response: { parameterChoice: { $case: 'boolParam', value: true } } },
      outputs: [
        { name: 'other', datatype: 'BYTES', shape: [1n] },
        { name: 'output', datatype: 'FP32', shape: [2n] },
      ],
      rawOutputContents: [Buffer.from('abc'), data],
    });
    const [tensor] = reader.read(bytes, 1);
    expect(Buffer.from(tensor!.data).equals(data)).toBe(true);
    expect(tensor!.shape).toEqual([2]);
  });

  it.each([
    ['float32', 'FP32', { fp32Contents: [1.5, -2] }, Buffer.from(Float32Array.of(1.5, -2).buffer)],
    ['uint8', 'UINT8', { uintContents: [7, 255] }, Buffer.from([7, 255])],
    ['int64', 'INT64', { int64Contents: [-1n, 2n] }, Buffer.from(BigInt64Array.of(-1n, 2n).buffer)],
    ['uint64', 'UINT64', { uint64Contents: [1n, 2n] }, Buffer.from(BigUint64Array.of(1n, 2n).buffer)],
  ] as const)('reads %s elements that were sent one by one', (dtype, datatype, contents, expected) => {
    const typed = new InferResponseReader([{ name: 'a', dtype, shape: [2] }], 'x');
    const bytes = answer({
      outputs: [{ name: 'a', datatype, shape: [2n], contents: structuredClone(contents) as object }],
      rawOutputContents: [],
    });
    expect(Buffer.from(typed.read(bytes, 1)[0]!.data).equals(expected)).toBe(true);
  });

  it.each<[string, Response, string]>([
    [
      'no output',
      { outputs: [], rawOutputContents: [] },
      'no output instead of output FP32 [1,2] in 8 bytes',
    ],
    [
      'another output',
      { outputs: [{ name: 'out', datatype: 'FP32', shape: [1n, 2n] }] },
      'out FP32 [1,2] in 8 bytes instead of',
    ],
    [
      'another type',
      { outputs: [{ name: 'output', datatype: 'INT64', shape: [1n] }] },
      'output INT64 [1] in 8 bytes instead of',
    ],
    [
      'another shape',
      {
        outputs: [{ name: 'output', datatype: 'FP32', shape: [1n, 3n] }],
        rawOutputContents: [Buffer.alloc(12)],
      },
      'output FP32 [1,3] in 12 bytes instead of',
    ],
    ['no bytes', { rawOutputContents: [Buffer.alloc(0)] }, 'output FP32 [1,2] in 0 bytes instead of'],
    ['too many bytes', { rawOutputContents: [Buffer.alloc(12)] }, 'in 12 bytes instead of'],
  ])('refuses %s, naming server and row', (_name, parts, words) => {
    const error = failure(() => reader.read(answer(parts), 17));
    expect(error.code).toBe('AIBENCH_ANSWER');
    expect(error.message).toContain('10.0.0.1:8001 answered for row 17: ');
    expect(error.message).toContain(words);
    expect(error.hint).toContain('--model');
  });

  it('refuses an answer that is cut off, wherever', () => {
    const whole = answer();
    for (let size = 0; size < whole.length; size++) {
      const error = failure(() => reader.read(whole.subarray(0, size), 3));
      expect(error.code).toBe('AIBENCH_ANSWER');
    }
  });

  it('gives tensors of the right size or refuses, whatever the bytes', () => {
    const whole = answer();
    const damaged = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), damaged), (bytes) => {
        try {
          expect(reader.read(bytes, 1).map((tensor) => tensor.data.byteLength)).toEqual([8]);
        } catch (error) {
          expect(error).toMatchObject({ code: 'AIBENCH_ANSWER' });
        }
      }),
    );
  });
});
