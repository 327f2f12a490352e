import { loadUseCase } from '@aibench/usecases';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelInferRequest } from './gen/inference/grpc_service.js';
import { inferTemplate } from './infer-template.js';
import { anyTensors, specOf } from './tensors.test.fixture.js';

const fraud = await loadUseCase('creditcard-fraud');

describe('inferTemplate', () => {
  it('is a request with raw contents, in the order of the inputs', () => {
    const { inputs, references, outputs } = fraud.task({ withReference: true });
    const template = inferTemplate({
      ...{ model: 'financialNet', version: '2', inputs: [...inputs, ...references], outputs },
    });
    const transaction = new Uint8Array(120).fill(1);
    const reference = new Uint8Array(1_024).fill(2);
    const message = template.encode([transaction, reference]);
    expect(message).toBeInstanceOf(Uint8Array);
    expect(template.sizeBytes).toBe((message as Uint8Array).length);
    expect(ModelInferRequest.decode(message as Uint8Array)).toMatchObject({
      modelName: 'financialNet',
      modelVersion: '2',
      inputs: [
        { name: 'transaction', datatype: 'FP32', shape: [1n, 30n], contents: undefined },
        { name: 'reference', datatype: 'FP32', shape: [256n] },
      ],
      outputs: [{ name: 'output' }],
      rawInputContents: [Buffer.from(transaction), Buffer.from(reference)].map((bytes) =>
        expect.objectContaining({ ...bytes }),
      ),
    });
  });

  it('gives a message of its own for each request', () => {
    const { inputs, outputs } = fraud.task({ withReference: false });
    const template = inferTemplate({ model: 'm', version: '', inputs, outputs });
    const first = template.encode([new Uint8Array(120).fill(1)]) as Uint8Array;
    const kept = Buffer.from(first);
    template.encode([new Uint8Array(120).fill(2)]);
    expect(kept.equals(first)).toBe(true);
  });

  it('can be read back, whatever the tensors', () => {
    fc.assert(
      fc.property(anyTensors, fc.string(), fc.string(), (tensors, model, version) => {
        const template = inferTemplate({ model, version, inputs: tensors.map(specOf), outputs: [] });
        const message = template.encode(tensors.map(({ data }) => data)) as Uint8Array;
        const request = ModelInferRequest.decode(message);
        expect(request.modelName).toBe(Buffer.from(model).toString());
        expect(request.inputs.map(({ name }) => name)).toEqual(
          tensors.map(({ name }) => Buffer.from(name).toString()),
        );
        expect(request.inputs.map(({ shape }) => shape.map(Number))).toEqual(
          tensors.map(({ shape }) => shape),
        );
        expect(request.rawInputContents.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(
          tensors.map(({ data }) => Buffer.from(data).toString('hex')),
        );
      }),
    );
  });

  it('sends large tensors as they lie in memory', () => {
    const image = { name: 'image', dtype: 'float32', shape: [1, 224, 224, 3] } as const;
    const size = { name: 'size', dtype: 'int64', shape: [2] } as const;
    const template = inferTemplate({ model: 'net', version: '', inputs: [size, image, size], outputs: [] });
    const data = [new Uint8Array(16).fill(1), new Uint8Array(602_112).fill(2), new Uint8Array(16).fill(3)];
    const pieces = template.encode(data) as readonly Uint8Array[];
    expect(pieces).toHaveLength(3);
    expect(pieces[1]).toBe(data[1]);
    const message = Buffer.concat(pieces);
    expect(message.length).toBe(template.sizeBytes);
    expect(
      ModelInferRequest.decode(message).rawInputContents.map(({ length, [0]: first }) => [length, first]),
    ).toEqual([
      [16, 1],
      [602_112, 2],
      [16, 3],
    ]);
  });

  it.each([
    ['too small', [new Uint8Array(119)], 'tensor transaction has 119 bytes instead of 120'],
    ['too large', [new Uint8Array(124)], 'tensor transaction has 124 bytes instead of 120'],
    ['missing', [], 'tensor transaction has no bytes instead of 120'],
  ])('refuses a tensor that is %s', (_how, data, words) => {
    const { inputs, outputs } = fraud.task({ withReference: false });
    const template = inferTemplate({ model: 'm', version: '', inputs, outputs });
    expect(() => template.encode(data)).toThrow(
      expect.objectContaining({ code: 'AIBENCH_INPUT', message: words }),
    );
  });
});
