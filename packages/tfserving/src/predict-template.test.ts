import { type Tensor, type TensorSpec, tensorSizeBytes } from '@aibench/core';
import { loadUseCase } from '@aibench/usecases';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataTypeOf } from './data-types.js';
import { PredictRequest } from './gen/tensorflow_serving/apis/predict.js';
import { predictTemplate } from './predict-template.js';

const fraud = await loadUseCase('creditcard-fraud');

function bytesOf(sizeBytes: number, seed: number): Uint8Array {
  const pattern = Uint8Array.from({ length: 31 }, (_, i) => (i * 31 + seed * 7) & 0xff);
  return sizeBytes === 0 ? new Uint8Array() : new Uint8Array(Buffer.alloc(sizeBytes, pattern));
}

function join(message: Uint8Array | readonly Uint8Array[]): Buffer {
  return message instanceof Uint8Array ? Buffer.from(message) : Buffer.concat(message);
}

/** The same request by the generated code. */
function generated(model: string, version: number | undefined, tensors: readonly Tensor[]): PredictRequest {
  return PredictRequest.create({
    modelSpec: {
      name: model,
      signatureName: '',
      versionChoice: version === undefined ? undefined : { $case: 'version', value: version },
    },
    inputs: Object.fromEntries(
      tensors.map(({ name, dtype, shape, data }) => [
        name,
        {
          dtype: dataTypeOf(dtype),
          tensorShape: { dim: shape.map((size) => ({ size })), unknownRank: false },
          tensorContent: Buffer.from(data),
          ...{ floatVal: [], doubleVal: [], intVal: [], int64Val: [], uint64Val: [] },
        },
      ]),
    ),
    outputFilter: [],
  });
}

describe('predictTemplate', () => {
  it("writes the Go suite's request for the fraud model, to the byte", () => {
    const task = fraud.task({ withReference: true });
    const inputs: TensorSpec[] = [...task.inputs, ...task.references];
    const data = inputs.map((spec, i) => bytesOf(tensorSizeBytes(spec), i));
    const template = predictTemplate({ model: 'financialNet', version: 1, inputs });
    const tensors = inputs.map((spec, i) => ({ ...spec, data: data[i]! }));
    const expected = PredictRequest.encode(generated('financialNet', 1, tensors)).finish();
    expect(join(template.encode(data)).equals(expected)).toBe(true);
  });

  it('names the signature where it is not the default', () => {
    const of = (signature?: string) =>
      PredictRequest.decode(join(predictTemplate({ model: 'm', signature, inputs: [] }).encode([])));
    expect(of('classify').modelSpec?.signatureName).toBe('classify');
    expect(of('serving_default').modelSpec?.signatureName).toBe('');
    expect(of().modelSpec).toMatchObject({ signatureName: '', versionChoice: undefined });
  });

  it('writes what the generated code reads, whatever the tensors', () => {
    const spec = fc.record({
      name: fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }),
      dtype: fc.constantFrom('float32', 'uint8', 'int64', 'uint64'),
      // Around 64 KiB, too, from where on tensors are sent as they are.
      shape: fc.oneof(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
        fc.tuple(fc.integer({ min: 8_191, max: 8_193 }), fc.constantFrom(1, 2, 8)),
      ),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(spec, { maxLength: 4, selector: ({ name }) => name }),
        fc.option(fc.nat({ max: 2 ** 31 }), { nil: undefined }),
        fc.integer(),
        (inputs, version, seed) => {
          const template = predictTemplate({ model: 'some model', version, inputs });
          const data = inputs.map((each, i) => bytesOf(tensorSizeBytes(each), seed + i));
          const tensors = inputs.map((each, i) => ({ ...each, data: data[i]! }));
          const decoded = PredictRequest.decode(join(template.encode(data)));
          for (const each of tensors) {
            const content = decoded.inputs[each.name]!.tensorContent;
            expect(Buffer.from(each.data).equals(content)).toBe(true);
            decoded.inputs[each.name]!.tensorContent = Buffer.alloc(0);
          }
          const empty = tensors.map((each) => ({ ...each, data: new Uint8Array() }));
          expect(decoded).toEqual(generated('some model', version, empty));
          // What is large is sent as it lies in memory, and nothing else is.
          const message = template.encode(data);
          const pieces = message instanceof Uint8Array ? [message] : message;
          const large = data.filter(({ byteLength }) => byteLength >= 65_536);
          const asTheyAre = pieces.filter((piece) => data.includes(piece));
          expect(asTheyAre.map((piece) => data.indexOf(piece))).toEqual(
            large.map((each) => data.indexOf(each)),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('sends large tensors without a copy, and small ones between them', () => {
    const inputs: TensorSpec[] = [
      { name: 'image', dtype: 'float32', shape: [1, 224, 224, 3] },
      { name: 'scale', dtype: 'float32', shape: [1] },
      { name: 'mask', dtype: 'uint8', shape: [65_536] },
    ];
    const data = inputs.map((spec, i) => bytesOf(tensorSizeBytes(spec), i));
    const message = predictTemplate({ model: 'm', inputs }).encode(data) as readonly Uint8Array[];
    expect(message).toHaveLength(4);
    expect(message[1]).toBe(data[0]);
    expect(message[3]).toBe(data[2]);
    const decoded = PredictRequest.decode(Buffer.concat(message)).inputs;
    for (const [i, { name }] of inputs.entries()) {
      expect(Buffer.from(data[i]!).equals(decoded[name]!.tensorContent)).toBe(true);
    }
  });

  it('gives every request a buffer of its own', () => {
    const template = predictTemplate({ model: 'm', inputs: [{ name: 'x', dtype: 'uint8', shape: [2] }] });
    const first = join(template.encode([Uint8Array.of(1, 2)]));
    template.encode([Uint8Array.of(3, 4)]);
    expect([...PredictRequest.decode(first).inputs['x']!.tensorContent]).toEqual([1, 2]);
  });

  it.each([
    [[], 'tensor x has no bytes instead of 8'],
    [[new Uint8Array(7)], 'tensor x has 7 bytes instead of 8'],
  ])('refuses data of another size', (data, message) => {
    const template = predictTemplate({ model: 'm', inputs: [{ name: 'x', dtype: 'float32', shape: [2] }] });
    expect(() => template.encode(data)).toThrow(message);
  });
});
