import { loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { DataType } from './gen/tensorflow/core/framework/types.js';
import {
  GetModelMetadataResponse,
  SignatureDefMap,
} from './gen/tensorflow_serving/apis/get_model_metadata.js';
import { matchSignature, readSignature, type SignatureTensor } from './model-signature.js';

const fraud = await loadUseCase('creditcard-fraud');
const task = fraud.task({ withReference: true });

const float = (name: string, ...shape: number[]): SignatureTensor => ({
  name,
  dataType: DataType.DT_FLOAT,
  shape,
});
const transaction = float('transaction', -1, 30);
const reference = float('reference', 256);
const output = float('output', -1, 2);

function shapes(inputs: readonly SignatureTensor[], outputs: readonly SignatureTensor[] = [output]) {
  const wire = matchSignature(task, { inputs, outputs });
  return [...wire.inputs, ...wire.outputs].map(({ name, shape }) => [name, ...shape]);
}

describe('matchSignature', () => {
  it("takes the use case's shapes where the model does", () => {
    const usual = [
      ['transaction', 1, 30],
      ['reference', 256],
      ['output', 1, 2],
    ];
    expect(shapes([transaction, reference])).toEqual(usual);
    expect(shapes([reference, transaction])).toEqual(usual);
    const open = { ...transaction, shape: undefined };
    expect(shapes([open, reference], [float('more'), output])).toEqual(usual);
  });

  it('puts a batch of one around a tensor, or takes it off, where the model wants that', () => {
    expect(shapes([float('transaction', 30), float('reference', -1, 256)], [float('output', 2)])).toEqual([
      ['transaction', 30],
      ['reference', 1, 256],
      ['output', 2],
    ]);
  });

  it.each([
    [
      [float('transaction', -1, 28), reference],
      [output],
      'input transaction float32 [1,30] is float32 [-1,28] there',
    ],
    [
      [{ ...transaction, dataType: DataType.DT_DOUBLE }, reference],
      [output],
      'input transaction float32 [1,30] is DT_DOUBLE [-1,30] there',
    ],
    [
      [transaction],
      [output],
      'input reference float32 [256] is missing, there is transaction float32 [-1,30]',
    ],
    [
      [transaction, reference, float('mask')],
      [output],
      'input mask float32 [] is one that the use case does not have',
    ],
    [
      [transaction, reference],
      [float('out', -1, 2)],
      'output output float32 [1,2] is missing, there is out float32 [-1,2]',
    ],
    [
      [transaction, reference],
      [float('output', -1, 3)],
      'output output float32 [1,2] is float32 [-1,3] there',
    ],
  ])('refuses a model that does not fit: %#', (inputs, outputs, message) => {
    expect(() => matchSignature(task, { inputs, outputs })).toThrow(message);
  });

  it('tells all that does not fit at once', () => {
    expect(() => matchSignature(task, { inputs: [], outputs: [] })).toThrow(
      /: input transaction .*none; input reference .*none; output output .*none$/,
    );
  });
});

describe('readSignature', () => {
  const info = { dtype: DataType.DT_FLOAT, encoding: { $case: 'name' as const, value: 'x:0' } };
  const packed = SignatureDefMap.encode(
    SignatureDefMap.fromPartial({
      signatureDef: {
        serving_default: {
          inputs: { x: { ...info, tensorShape: { dim: [{ size: -1 }, { size: 3 }] } } },
          outputs: { y: { ...info, tensorShape: { unknownRank: true } } },
        },
      },
    }),
  ).finish();
  const response = GetModelMetadataResponse.fromPartial({
    metadata: {
      signature_def: { typeUrl: 'type.googleapis.com/tensorflow.serving.SignatureDefMap', value: packed },
    },
  });

  it('reads names, types and shapes', () => {
    expect(readSignature(response)).toEqual({
      inputs: [{ name: 'x', dataType: DataType.DT_FLOAT, shape: [-1, 3] }],
      outputs: [{ name: 'y', dataType: DataType.DT_FLOAT, shape: undefined }],
    });
  });

  it('tells the signatures that there are', () => {
    expect(() => readSignature(response, 'classify')).toThrow('no signature classify, but serving_default');
    expect(() => readSignature(GetModelMetadataResponse.create())).toThrow('has no signatures');
  });
});
