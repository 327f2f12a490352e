import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatBytes } from '../../testing/test-models.js';
import { connectToTestServer } from '../../testing/test-server.js';

describe('AI.TENSORSET and AI.TENSORGET', () => {
  it('answers in the format asked for', async () => {
    const client = await connectToTestServer();
    const bytes = floatBytes(1, 2, 3, 4);
    expect(await client.call('AI.TENSORSET', 't', 'FLOAT', 2, 2, 'BLOB', bytes)).toBe('OK');
    const blob = bytes.toString('latin1');
    const meta = ['dtype', 'FLOAT', 'shape', [2, 2]];
    expect(await client.call('AI.TENSORGET', 't')).toEqual([...meta, 'blob', blob]);
    expect(await client.call('ai.tensorget', 't', 'meta')).toEqual(meta);
    expect(await client.call('AI.TENSORGET', 't', 'BLOB')).toBe(blob);
    expect(await client.call('AI.TENSORGET', 't', 'VALUES')).toEqual(['1', '2', '3', '4']);
    expect(await client.call('AI.TENSORGET', 't', 'META', 'VALUES')).toEqual([
      ...meta,
      'values',
      ['1', '2', '3', '4'],
    ]);
    expect(await client.call('AI.TENSORGET', 't', 'BLOB', 'META')).toEqual([...meta, 'blob', blob]);
    await client.call('HELLO', 3);
    expect(await client.call('AI.TENSORGET', 't', 'VALUES')).toEqual([
      { double: 1 },
      { double: 2 },
      { double: 3 },
      { double: 4 },
    ]);
  });

  it.each([
    ['FLOAT', ['0.5', '-2'], ['0.5', '-2']],
    ['DOUBLE', ['0.1', '1e300'], ['0.1', '1e+300']],
    ['INT8', ['-128', '127'], [-128, 127]],
    ['INT16', ['-32768', '32767'], [-32_768, 32_767]],
    ['INT32', ['-2147483648', '2147483647'], [-2_147_483_648, 2_147_483_647]],
    ['INT64', ['-9223372036854775808', '5'], [-(2n ** 63n), 5]],
    ['UINT8', ['0', '255'], [0, 255]],
    ['UINT16', ['0', '65535'], [0, 65_535]],
    ['BOOL', ['0', '1'], [0, 1]],
  ])('keeps %s values', async (type, values, wanted) => {
    const client = await connectToTestServer();
    expect(await client.call('AI.TENSORSET', 't', type, 2, 'VALUES', ...values)).toBe('OK');
    expect(await client.call('AI.TENSORGET', 't', 'META', 'VALUES')).toEqual([
      'dtype',
      type,
      'shape',
      [2],
      'values',
      wanted,
    ]);
  });

  it('keeps any bytes of any type', async () => {
    const client = await connectToTestServer();
    const sizes = { FLOAT: 4, DOUBLE: 8, INT8: 1, INT16: 2, INT32: 4, INT64: 8, UINT8: 1, UINT16: 2 };
    const types = fc.constantFrom(...(Object.keys(sizes) as (keyof typeof sizes)[]));
    await fc.assert(
      fc.asyncProperty(types, fc.integer({ min: 1, max: 700 }), fc.nat(255), async (type, count, fill) => {
        const bytes = Buffer.alloc(count * sizes[type], fill);
        expect(await client.call('AI.TENSORSET', 't', type, count, 'BLOB', bytes)).toBe('OK');
        expect(await client.call('AI.TENSORGET', 't', 'BLOB')).toBe(bytes.toString('latin1'));
      }),
      { numRuns: 40 },
    );
  });

  it('makes a tensor of zeros where no data is given', async () => {
    const client = await connectToTestServer();
    expect(await client.call('AI.TENSORSET', 't', 'INT64', 3)).toBe('OK');
    expect(await client.call('AI.TENSORGET', 't', 'VALUES')).toEqual([0, 0, 0]);
  });

  it.each([
    [['FLOAT', 2, 'BLOB', 'xxx'], 'ERR data length does not match tensor shape and type'],
    [
      ['FLOAT', 2, 'BLOB'],
      "ERR a single binary string should come after the BLOB argument in 'AI.TENSORSET' command",
    ],
    [
      ['FLOAT', 1, 'BLOB', 'xxxx', 'x'],
      "ERR a single binary string should come after the BLOB argument in 'AI.TENSORSET' command",
    ],
    [['FLOAT', 2, 'VALUES', '1'], "ERR wrong number of values was given in 'AI.TENSORSET' command"],
    [['FLOAT', 2, 'VALUES', '1', 'x'], 'ERR invalid value'],
    [['INT8', 1, 'VALUES', '128'], 'ERR invalid value'],
    [['INT32', 1, 'VALUES', '1.5'], 'ERR invalid value'],
    [['BOOL', 1, 'VALUES', '2'], 'ERR invalid value'],
    [['BOOL', 2, 'BLOB', '\x00\x02'], 'ERR BOOL tensor elements must be 0 or 1'],
    [['FLOAT', 0], 'ERR invalid or negative value found in tensor shape'],
    [['FLOAT', -1, 'VALUES'], 'ERR invalid or negative value found in tensor shape'],
    [['FLOAT', 'x', 'VALUES'], 'ERR invalid or negative value found in tensor shape'],
    [['COMPLEX', 1], 'ERR invalid data type'],
    [['STRING', 1], 'ERR STRING tensors are not supported by aibench-reference-server'],
    [['FLOAT', 1_000_000, 1_000_000], 'ERR tensor is larger than 536870912 bytes'],
  ])('refuses %j', async (args, message) => {
    const client = await connectToTestServer();
    expect(await client.call('AI.TENSORSET', 't', ...args)).toEqual({ error: message });
    expect(await client.call('EXISTS', 't')).toBe(0);
  });

  it('refuses what it cannot answer', async () => {
    const client = await connectToTestServer();
    await client.call('AI.TENSORSET', 't', 'FLOAT', 1);
    expect(await client.call('AI.TENSORGET', 'none')).toEqual({
      error: 'ERR tensor key is empty or in a different shard',
    });
    expect(await client.call('AI.TENSORGET', 't', 'BLOB', 'VALUES')).toEqual({
      error: 'ERR both BLOB and VALUES specified',
    });
    expect(await client.call('AI.TENSORGET', 't', 'TEXT')).toEqual({ error: 'ERR unsupported data format' });
    expect(await client.call('AI.TENSORSET', 't', 'FLOAT')).toEqual({
      error: "ERR wrong number of arguments for 'ai.tensorset' command",
    });
  });
});
