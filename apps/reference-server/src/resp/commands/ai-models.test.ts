import { describe, expect, it } from 'vitest';
import type { Reply } from '../../testing/decode-reply.js';
import type { TestClient } from '../../testing/test-client.js';
import { additionGraphDef, additionOnnx, floatBytes, floatValues } from '../../testing/test-models.js';
import { connectToTestServer } from '../../testing/test-server.js';

async function storeInputs(client: TestClient): Promise<void> {
  await client.call('AI.TENSORSET', 'x', 'FLOAT', 1, 2, 'BLOB', floatBytes(1, 2));
  await client.call('AI.TENSORSET', 'y', 'FLOAT', 1, 2, 'BLOB', floatBytes(10, 20));
}

const run = ['AI.MODELEXECUTE', 'm', 'INPUTS', 2, 'x', 'y', 'OUTPUTS', 1, 'z'] as const;

function pairs(reply: Reply): Record<string, Reply> {
  const flat = reply as Reply[];
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[String(name), flat[i + 1]!]] : [])));
}

describe('AI.MODEL*', () => {
  it('stores, describes, runs and removes an ONNX model', async () => {
    const client = await connectToTestServer();
    await storeInputs(client);
    expect(
      await client.call(
        ...['AI.MODELSTORE', 'm', 'ONNX', 'CPU', 'TAG', 'v:1', 'BATCHSIZE', 8, 'MINBATCHSIZE', 2],
        ...['MINBATCHTIMEOUT', 5, 'BLOB', additionOnnx],
      ),
    ).toBe('OK');
    expect(await client.call('TYPE', 'm')).toBe('AI__MODEL');
    expect(pairs(await client.call('AI.MODELGET', 'm', 'META'))).toEqual({
      backend: 'ONNX',
      device: 'CPU',
      tag: 'v:1',
      batchsize: 8,
      minbatchsize: 2,
      inputs: ['a', 'b'],
      outputs: ['sum'],
      minbatchtimeout: 5,
    });
    expect(await client.call(...run)).toBe('OK');
    expect(floatValues(await client.call('AI.TENSORGET', 'z', 'BLOB'))).toEqual([11, 22]);
    expect(await client.call('AI.MODELRUN', 'm', 'INPUTS', 'x', 'x', 'OUTPUTS', 'z')).toBe('OK');
    expect(await client.call('AI.TENSORGET', 'z', 'META', 'VALUES')).toEqual([
      ...['dtype', 'FLOAT', 'shape', [1, 2], 'values', ['2', '4']],
    ]);
    for (const name of ['AI._MODELSCAN', 'AI.MODELSCAN']) {
      expect(await client.call(name)).toEqual([['m', 'v:1']]);
    }
    expect(await client.call('AI.MODELDEL', 'm')).toBe('OK');
    expect(await client.call('AI.MODELGET', 'm')).toEqual({ error: 'ERR model key is empty' });
    expect(await client.call(...run)).toEqual({ error: 'ERR model key is empty' });
    expect(await client.call('AI._MODELSCAN')).toEqual([]);
  });

  it('takes and gives model files in chunks', async () => {
    const client = await connectToTestServer();
    const bytes = Buffer.from(additionOnnx);
    const chunks = [bytes.subarray(0, 10), bytes.subarray(10, 11), bytes.subarray(11)];
    expect(await client.call('AI.MODELSET', 'm', 'ONNX', 'CPU', 'BLOB', ...chunks)).toBe('OK');
    expect(await client.call('AI.MODELGET', 'm', 'BLOB')).toBe(bytes.toString('latin1'));
    expect(await client.call('AI.CONFIG', 'MODEL_CHUNK_SIZE', 7)).toBe('OK');
    expect(await client.call('AI.CONFIG', 'GET', 'MODEL_CHUNK_SIZE')).toBe(7);
    const given = (await client.call('AI.MODELGET', 'm', 'BLOB')) as string[];
    expect(given.length).toBe(Math.ceil(bytes.length / 7));
    expect(given.join('')).toBe(bytes.toString('latin1'));
    expect(await client.call('AI.MODELGET', 'm')).toHaveLength(18);
  });

  it.each([
    ['AI.MODELSTORE', ['INPUTS', 2, 'b', 'a', 'OUTPUTS', 1, 'sum']],
    ['AI.MODELSET', ['INPUTS', 'b', 'a', 'OUTPUTS', 'sum']],
  ])('runs TensorFlow graphs stored by %s', async (command, names) => {
    const client = await connectToTestServer();
    await storeInputs(client);
    expect(await client.call(command, 'm', 'TF', 'CPU', ...names, 'BLOB', additionGraphDef)).toBe('OK');
    expect(pairs(await client.call('AI.MODELGET', 'm', 'META'))).toMatchObject({
      backend: 'TF',
      inputs: ['b', 'a'],
      outputs: ['sum'],
    });
    expect(await client.call(...run)).toBe('OK');
    expect(floatValues(await client.call('AI.TENSORGET', 'z', 'BLOB'))).toEqual([11, 22]);
    // TensorFlow feeds a placeholder whatever the number of dimensions.
    await client.call('AI.TENSORSET', 'x', 'FLOAT', 2, 'BLOB', floatBytes(5, 6));
    expect(await client.call(...run)).toBe('OK');
    expect(floatValues(await client.call('AI.TENSORGET', 'z', 'BLOB'))).toEqual([15, 26]);
  });

  it.each([
    [['ONNX', 'CPU', 'BLOB', 'no model'], /^ERR .*protobuf/i],
    [['ONNX', 'GPU', 'BLOB', 'x'], /^ERR .*CPU only, not on GPU/],
    [['ONNX', 'GPU:1', 'BLOB', 'x'], /^ERR .*CPU only, not on GPU:1/],
    [['ONNX', 'TPU', 'BLOB', 'x'], /^ERR Invalid DEVICE$/],
    [['CAFFE', 'CPU', 'BLOB', 'x'], /^ERR unsupported backend$/],
    [['TORCH', 'CPU', 'BLOB', 'x'], /^ERR Could not load backend: .*TORCH/],
    [['TFLITE', 'CPU', 'BLOB', 'x'], /^ERR Could not load backend: .*TFLITE/],
    [
      ['ONNX', 'CPU', 'INPUTS', '1', 'a', 'BLOB', 'x'],
      /^ERR INPUTS argument should not be specified for this backend$/,
    ],
    [['ONNX', 'CPU', 'TAG', 'x'], /^ERR Insufficient arguments, missing model BLOB$/],
    [['ONNX', 'CPU', 'BATCHSIZE', 'x', 'BLOB', 'x'], /^ERR Invalid argument for BATCHSIZE$/],
    [['ONNX', 'CPU', 'MINBATCHSIZE', '2', 'BLOB', 'x'], /^ERR MINBATCHSIZE specified without BATCHSIZE$/],
    [
      ['ONNX', 'CPU', 'BATCHSIZE', '2', 'MINBATCHTIMEOUT', '2', 'BLOB', 'x'],
      /^ERR MINBATCHTIMEOUT specified without MINBATCHSIZE$/,
    ],
    [['TF', 'CPU', 'BLOB', 'x'], /^ERR INPUTS not specified for TF$/],
    [['TF', 'CPU', 'INPUTS', '9', 'a', 'BLOB', 'x'], /^ERR number of model inputs does not match/],
    [['TF', 'CPU', 'INPUTS', '1', 'a', 'BLOB', 'x'], /^ERR OUTPUTS not specified for TF$/],
    [
      ['TF', 'CPU', 'INPUTS', '1', 'a', 'OUTPUTS', '1', 'b', 'BLOB', 'x'],
      /^ERR the TensorFlow graph cannot be translated: /,
    ],
    [
      ['TF', 'CPU', 'INPUTS', '1', 'nope', 'OUTPUTS', '1', 'sum', 'BLOB', additionGraphDef],
      /^ERR the TensorFlow graph cannot be translated: .*nope/,
    ],
  ])('refuses to store %j', async (args, message) => {
    const client = await connectToTestServer();
    const reply = await client.call('AI.MODELSTORE', 'm', ...args);
    expect(reply).toEqual({ error: expect.stringMatching(message) });
    expect(await client.call('EXISTS', 'm')).toBe(0);
  });

  it('answers a request that does not fit the model', async () => {
    const client = await connectToTestServer();
    await storeInputs(client);
    await client.call('AI.MODELSTORE', 'm', 'ONNX', 'CPU', 'BLOB', additionOnnx);
    const cases: [(string | number)[], RegExp][] = [
      [
        ['INPUTS', 1, 'x', 'OUTPUTS', 2, 'z', 'w'],
        /^Number of keys given as INPUTS here does not match model definition$/,
      ],
      [
        ['INPUTS', 2, 'x', 'y', 'OUTPUTS', 2, 'z', 'w'],
        /^Number of keys given as OUTPUTS here does not match model definition$/,
      ],
      [['INPUTS', 2, 'x', 'none', 'OUTPUTS', 1, 'z'], /^ERR tensor key is empty or in a different shard$/],
      [['INPUTS', 'x', 'x', 'y', 'OUTPUTS', 1, 'z'], /^ERR Invalid argument for input_count$/],
      [['INPUTS', 0, 'x', 'y', 'OUTPUTS', 1, 'z'], /^ERR Input count must be a positive integer$/],
      [['INPUTS', 9, 'x', 'y', 'OUTPUTS', 1, 'z'], /^ERR number of input keys to AI.MODELEXECUTE/],
      [['INPUTS', 2, 'x', 'y', 'NOPE', 1, 'z'], /^ERR OUTPUTS not specified$/],
      [['NOPE', 2, 'x', 'y', 'OUTPUTS', 1, 'z'], /^ERR INPUTS not specified$/],
      [['INPUTS', 2, 'x', 'y', 'OUTPUTS', 1, 'z', 'TIMEOUT'], /^ERR No value provided for TIMEOUT$/],
      [['INPUTS', 2, 'x', 'y', 'OUTPUTS', 1, 'z', 'TIMEOUT', 0], /^ERR Invalid value for TIMEOUT$/],
      [['INPUTS', 2, 'x', 'y', 'OUTPUTS', 1, 'z', 'MORE'], /^Invalid argument: MORE$/],
    ];
    for (const [args, message] of cases) {
      const reply = await client.call('AI.MODELEXECUTE', 'm', ...args);
      expect(reply).toEqual({ error: expect.stringMatching(message) });
    }
    await client.call('AI.TENSORSET', 'wide', 'FLOAT', 1, 3);
    await client.call('AI.TENSORSET', 'double', 'DOUBLE', 1, 2);
    for (const [key, message] of [
      ['wide', /^ERR .*invalid dimensions/i],
      ['double', /^ERR .*double/],
    ] as const) {
      const reply = await client.call('AI.MODELEXECUTE', 'm', 'INPUTS', 2, 'x', key, 'OUTPUTS', 1, 'z');
      expect(reply).toEqual({ error: expect.stringMatching(message) });
    }
    expect(await client.call('EXISTS', 'z')).toBe(0);
    await client.call('SET', 'z', 'a string');
    expect(await client.call(...run)).toMatchObject({ error: expect.stringMatching(/^WRONGTYPE/) });
    expect(await client.call('GET', 'z')).toBe('a string');
  });

  it('keeps true statistics', async () => {
    const client = await connectToTestServer();
    await client.call('AI.MODELSTORE', 'm', 'ONNX', 'CPU', 'TAG', 't', 'BLOB', additionOnnx);
    await client.call('AI.TENSORSET', 'x', 'FLOAT', 3, 2);
    await client.call('AI.TENSORSET', 'y', 'FLOAT', 3, 2);
    await client.call('AI.TENSORSET', 'bad', 'FLOAT', 3, 5);
    for (let i = 0; i < 4; i++) await client.call(...run);
    await client.call('AI.MODELEXECUTE', 'm', 'INPUTS', 2, 'x', 'bad', 'OUTPUTS', 1, 'z');
    const info = pairs(await client.call('AI.INFO', 'm'));
    expect(info).toMatchObject({
      ...{ key: 'm', type: 'MODEL', backend: 'ONNX', device: 'CPU', tag: 't' },
      ...{ samples: 12, calls: 5, errors: 1 },
    });
    expect(info['duration']).toBeGreaterThan(0);
    expect(await client.call('AI.INFO', 'm', 'RESETSTAT')).toBe('OK');
    expect(pairs(await client.call('AI.INFO', 'm'))).toMatchObject({
      duration: 0,
      samples: 0,
      calls: 0,
      errors: 0,
    });
    expect(await client.call('AI.INFO', 'none')).toEqual({ error: 'ERR cannot find run info for key' });
    expect(pairs(await client.call('AI.INFO'))).toMatchObject({ product: 'aibench-reference-server' });
  });

  it('takes models and inputs that were never stored, where the null model answers', async () => {
    const client = await connectToTestServer({ nullModel: true, nullOutputShape: ['2x3', '4'] });
    const meta = pairs(await client.call('AI.MODELGET', 'm', 'META'));
    expect(meta).toMatchObject({ backend: 'ONNX', device: 'CPU' });
    expect(
      await client.call(...['AI.MODELEXECUTE', 'm', 'INPUTS', 2, 'x', 'y', 'OUTPUTS', 3, 'a', 'b', 'c']),
    ).toBe('OK');
    const shapeOf = async (key: string) => pairs(await client.call('AI.TENSORGET', key, 'META'))['shape'];
    expect(await shapeOf('a')).toEqual([2, 3]);
    expect(await shapeOf('b')).toEqual([4]);
    expect(await shapeOf('c')).toEqual([4]);
    const set = ['|>', 'AI.TENSORSET', 'x', 'FLOAT', 1, 1, 'VALUES', 1];
    const execute = ['|>', 'AI.MODELEXECUTE', 'm', 'INPUTS', 2, 'x', 'r', 'OUTPUTS', 1, 'a'];
    const get = ['|>', 'AI.TENSORGET', 'a', 'VALUES'];
    const dag = await client.call('AI.DAGEXECUTE', 'LOAD', 1, 'r', ...set, ...execute, ...get);
    expect(dag).toEqual(['OK', 'OK', ['0', '0', '0', '0', '0', '0']]);
    expect(pairs(await client.call('AI.INFO', 'm'))).toMatchObject({ calls: 2 });
    // What is read for itself must have been stored.
    expect(await client.call('AI.TENSORGET', 'r')).toMatchObject({
      error: expect.stringMatching(/is empty/),
    });
  });

  it('gives up when the client would not wait any longer', async () => {
    const client = await connectToTestServer({ nullModel: true, delayMs: 60_000 });
    await storeInputs(client);
    await client.call('AI.MODELSTORE', 'm', 'ONNX', 'CPU', 'BLOB', additionOnnx);
    expect(await client.call(...run, 'TIMEOUT', 10)).toBe('TIMEDOUT');
    expect(await client.call('AI.MODELRUN', 'm', 'TIMEOUT', 10, 'INPUTS', 'x', 'y', 'OUTPUTS', 'z')).toBe(
      'TIMEDOUT',
    );
    expect(await client.call('EXISTS', 'z')).toBe(0);
  });

  it('says that scripts are not supported, and answers AI.CONFIG', async () => {
    const client = await connectToTestServer();
    expect(await client.call('AI.SCRIPTSET', 's', 'CPU', 'SOURCE', 'x')).toMatchObject({
      error: expect.stringMatching(/does not support scripts/),
    });
    expect(await client.call('AI._SCRIPTSCAN')).toEqual([]);
    expect(await client.call('AI.CONFIG', 'LOADBACKEND', 'ONNX', 'some.so')).toBe('OK');
    expect(await client.call('AI.CONFIG', 'LOADBACKEND', 'TORCH', 'some.so')).toMatchObject({
      error: expect.stringMatching(/^ERR error loading backend/),
    });
    expect(await client.call('AI.CONFIG', 'BACKENDSPATH', '/tmp')).toBe('OK');
    expect(await client.call('AI.CONFIG', 'GET', 'BACKENDSPATH')).toBe('/tmp');
    expect(await client.call('AI.CONFIG', 'GET', 'NOPE')).toBeNull();
    expect(await client.call('AI.CONFIG', 'MODEL_CHUNK_SIZE', 'x')).toEqual({
      error: 'ERR MODEL_CHUNK_SIZE: invalid chunk size',
    });
    expect(await client.call('AI.CONFIG', 'NOPE')).toEqual({ error: 'ERR unsupported subcommand' });
  });
});
