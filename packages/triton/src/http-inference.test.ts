import { AibenchError, type TensorSpec } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dtypeOfDatatype, tritonDatatype } from './datatypes.js';
import { headerLengthHeader, httpInferTemplate } from './http-infer-template.js';
import { readHttpInferResponse } from './read-http-infer-response.js';
import { anyTensors, specOf } from './tensors.test.fixture.js';

const output: TensorSpec = { name: 'output', dtype: 'float32', shape: [1, 2] };
const data = Buffer.from(Float32Array.of(0.25, 0.75).buffer);
const where = { address: '10.0.0.1:8000', requestId: 17 };

/** A body in the binary extension. */
function binary(json: unknown, ...tensors: readonly Uint8Array[]) {
  const head = Buffer.from(JSON.stringify(json));
  return { headerLength: String(head.length), body: Buffer.concat([head, ...tensors]) };
}

const described = {
  name: 'output',
  datatype: 'FP32',
  shape: [1, 2],
  parameters: { binary_data_size: 8 },
};

describe('httpInferTemplate', () => {
  it('is JSON with the tensors behind it, their sizes told in both places', () => {
    fc.assert(
      fc.property(anyTensors, (tensors) => {
        const { headers, body, path } = httpInferTemplate({
          ...{ model: 'fraud net', version: '2', inputs: tensors.map(specOf), outputs: [output] },
        });
        const bytes = Buffer.from(body.encode(tensors.map((tensor) => tensor.data)) as Uint8Array);
        expect(path).toBe('/v2/models/fraud%20net/versions/2/infer');
        expect(bytes.length).toBe(body.sizeBytes);
        const size = Number(headers[headerLengthHeader]);
        const json = JSON.parse(bytes.toString('utf8', 0, size)) as {
          inputs: {
            name: string;
            datatype: string;
            shape: number[];
            parameters: { binary_data_size: number };
          }[];
        };
        let at = size;
        expect(
          json.inputs.map(({ name, datatype, shape, parameters }) => {
            const tensor = bytes.subarray(at, at + parameters.binary_data_size).toString('hex');
            at += parameters.binary_data_size;
            return { name, dtype: dtypeOfDatatype(datatype), shape, tensor };
          }),
        ).toEqual(
          JSON.parse(
            JSON.stringify(
              tensors.map((tensor) => ({
                ...specOf(tensor),
                tensor: Buffer.from(tensor.data).toString('hex'),
              })),
            ),
          ),
        );
        expect(at).toBe(bytes.length);
      }),
    );
  });

  it('leaves the version to the server where none is given', () => {
    const { path } = httpInferTemplate({ model: 'm', version: '', inputs: [], outputs: [] });
    expect(path).toBe('/v2/models/m/infer');
  });
});

describe('readHttpInferResponse', () => {
  it('gives views on the body, in the order in which the outputs were asked for', () => {
    fc.assert(
      fc.property(anyTensors, fc.boolean(), (tensors, turned) => {
        const answered = turned ? [...tensors].reverse() : tensors;
        const answer = binary(
          {
            outputs: answered.map(({ name, dtype, shape, data: bytes }) => ({
              ...{ name, datatype: tritonDatatype(dtype), shape },
              parameters: { binary_data_size: bytes.byteLength },
            })),
          },
          ...answered.map((tensor) => tensor.data),
        );
        const read = readHttpInferResponse(tensors.map(specOf), answer, where);
        expect(read.map((each) => Buffer.from(each.data).toString('hex'))).toEqual(
          tensors.map((each) => Buffer.from(each.data).toString('hex')),
        );
        for (const tensor of read) expect(tensor.data.buffer).toBe(answer.body.buffer);
      }),
    );
  });

  it.each([
    ['float32', 'FP32', [[0.25, 0.75]], data],
    ['uint8', 'UINT8', [1, 255], Buffer.from([1, 255])],
    ['int64', 'INT64', [-1, 2], Buffer.from(BigInt64Array.of(-1n, 2n).buffer)],
  ] as const)('reads %s elements that stand in the JSON', (dtype, datatype, values, expected) => {
    const json = { outputs: [{ name: 'a', datatype, shape: [1, 2], data: values }] };
    const body = Buffer.from(JSON.stringify(json));
    const [tensor] = readHttpInferResponse(
      [{ name: 'a', dtype, shape: [1, 2] }],
      { headerLength: undefined, body },
      where,
    );
    expect(Buffer.from(tensor!.data).equals(expected)).toBe(true);
  });

  it.each([
    [
      'no JSON',
      { headerLength: undefined, body: Buffer.from('<html>') },
      '6 bytes that are no inference: "<html>"',
    ],
    ['JSON of another kind', binary([1]), 'no inference'],
    ['outputs that are none', binary({ outputs: [1] }), 'no inference'],
    ['a header longer than the body', { headerLength: '900', body: data }, 'no inference'],
    ['a header length that is none', { headerLength: 'x', body: data }, 'no inference'],
    ['tensors that are cut off', binary({ outputs: [described] }, data.subarray(1)), 'no inference'],
    ['bytes that belong to nothing', binary({ outputs: [described] }, data, data), 'no inference'],
    [
      'a negative size',
      binary({ outputs: [{ ...described, parameters: { binary_data_size: -8 } }] }),
      'no inference',
    ],
    [
      'a size of 0',
      binary({ outputs: [{ ...described, parameters: { binary_data_size: 0 } }] }),
      'output FP32 [1,2] in 0 bytes instead of output FP32 [1,2] in 8 bytes',
    ],
    ['another output', binary({ outputs: [{ ...described, name: 'x' }] }, data), 'x FP32 [1,2] in 8 bytes'],
    [
      'numbers that are text',
      binary({ outputs: [{ name: 'output', datatype: 'FP32', shape: [1, 2], data: ['1', '2'] }] }),
      'in 0 bytes',
    ],
  ])('refuses %s, naming server and row', (_name, answer, words) => {
    let error: unknown;
    try {
      readHttpInferResponse([output], answer, where);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AibenchError);
    expect(error).toMatchObject({ code: 'AIBENCH_ANSWER' });
    expect((error as Error).message).toContain('10.0.0.1:8000 answered for row 17: ');
    expect((error as Error).message).toContain(words);
  });
});
