import { describe, expect, it } from 'vitest';
import type { Argument, TestClient } from '../../testing/test-client.js';
import { additionOnnx, floatBytes, floatValues } from '../../testing/test-models.js';
import { connectToTestServer } from '../../testing/test-server.js';

async function newClient(overrides: Parameters<typeof connectToTestServer>[0] = {}): Promise<TestClient> {
  const client = await connectToTestServer(overrides);
  await client.call('AI.MODELSTORE', 'm', 'ONNX', 'CPU', 'BLOB', additionOnnx);
  await client.call('AI.TENSORSET', 'ref', 'FLOAT', 1, 2, 'BLOB', floatBytes(10, 20));
  return client;
}

const set: Argument[] = ['AI.TENSORSET', 'x', 'FLOAT', 1, 2, 'BLOB', floatBytes(1, 2)];
const badSet: Argument[] = ['AI.TENSORSET', 'x', 'FLOAT', 1, 3];
const execute = ['AI.MODELEXECUTE', 'm', 'INPUTS', 2, 'x', 'ref', 'OUTPUTS', 1, 'z'];
const older = ['AI.MODELRUN', 'm', 'INPUTS', 'x', 'ref', 'OUTPUTS', 'z'];
const get = ['AI.TENSORGET', 'z', 'BLOB'];

function dag(head: Argument[], ...commands: Argument[][]): Argument[] {
  return [...head, ...commands.flatMap((command) => ['|>', ...command])];
}

describe('AI.DAG*', () => {
  it.each([
    [['AI.DAGRUN', 'LOAD', 1, 'ref'], older],
    [['AI.DAGRUN_RO', 'LOAD', 1, 'ref'], older],
    [['AI.DAGEXECUTE', 'LOAD', 1, 'ref'], execute],
    [['AI.DAGEXECUTE_RO', 'ROUTING', 'x', 'LOAD', 1, 'ref', 'TIMEOUT', 60_000], execute],
    [['AI.DAGEXECUTE', 'KEYS', 2, 'ref', 'm', 'LOAD', 1, 'ref'], execute],
  ])('%j runs a model on loaded and local tensors', async (head, run) => {
    const client = await newClient();
    const replies = (await client.call(...dag(head, set, run, get))) as unknown[];
    expect(replies.slice(0, 2)).toEqual(['OK', 'OK']);
    expect(floatValues(replies[2])).toEqual([11, 22]);
    expect(await client.call('EXISTS', 'x', 'z')).toBe(0);
  });

  it('persists what it is told to, and nothing else', async () => {
    const client = await newClient();
    const head = ['AI.DAGEXECUTE', 'PERSIST', 2, 'x', 'z', 'LOAD', 1, 'ref'];
    expect(await client.call(...dag(head, set, execute))).toEqual(['OK', 'OK']);
    expect(floatValues(await client.call('AI.TENSORGET', 'z', 'BLOB'))).toEqual([11, 22]);
    expect(await client.call('AI.TENSORGET', 'x', 'VALUES')).toEqual(['1', '2']);
  });

  it('uses the latest tensor of a name', async () => {
    const client = await newClient();
    const first = ['AI.TENSORSET', 'x', 'FLOAT', 2, 'VALUES', 1, 2];
    const second = ['AI.TENSORSET', 'x', 'FLOAT', 1, 'VALUES', 3];
    const show = ['AI.TENSORGET', 'x', 'VALUES'];
    const head = ['AI.DAGRUN', 'PERSIST', 1, 'x'];
    expect(await client.call(...dag(head, first, show, second, show))).toEqual([
      'OK',
      ['1', '2'],
      'OK',
      ['3'],
    ]);
    expect(await client.call('AI.TENSORGET', 'x', 'VALUES')).toEqual(['3']);
  });

  it('stores nothing when a model fails, and says which command it was', async () => {
    const client = await newClient();
    const again = ['AI.MODELEXECUTE', 'm', 'INPUTS', 2, 'x', 'z', 'OUTPUTS', 1, 'w'];
    const head = ['AI.DAGEXECUTE', 'PERSIST', 2, 'x', 'w', 'LOAD', 1, 'ref'];
    const show = ['AI.TENSORGET', 'ref', 'VALUES'];
    expect(await client.call(...dag(head, badSet, execute, again, get, show))).toEqual([
      'OK',
      { error: expect.stringMatching(/^ERR .*invalid dimensions/i) },
      'NA',
      'NA',
      ['10', '20'],
    ]);
    expect(await client.call('EXISTS', 'x', 'w')).toBe(0);
    expect(await client.call('PING')).toBe('PONG');
  });

  it('stores nothing when one of the keys holds something else', async () => {
    const client = await newClient();
    await client.call('SET', 'z', 'a string');
    const head = ['AI.DAGEXECUTE', 'PERSIST', 2, 'x', 'z', 'LOAD', 1, 'ref'];
    expect(await client.call(...dag(head, set, execute))).toEqual([
      'OK',
      'OK',
      { error: expect.stringMatching(/^WRONGTYPE/) },
    ]);
    expect(await client.call('EXISTS', 'x')).toBe(0);
    expect(await client.call('GET', 'z')).toBe('a string');
  });

  it('gives up when the client would not wait any longer, and stores nothing', async () => {
    const client = await newClient({ nullModel: true, delayMs: 60_000 });
    const head = ['AI.DAGEXECUTE', 'PERSIST', 1, 'x', 'LOAD', 1, 'ref', 'TIMEOUT', 10];
    expect(await client.call(...dag(head, set, execute))).toBe('TIMEDOUT');
    expect(await client.call('EXISTS', 'x')).toBe(0);
  });

  it.each([
    ['AI.DAGRUN LOAD 1', "ERR wrong number of arguments for 'AI.DAGRUN' command"],
    ['AI.DAGRUN_RO |>', "ERR wrong number of arguments for 'AI.DAGRUN_RO' command"],
    ['AI.DAGEXECUTE LOAD 1 ref |>', "ERR missing arguments for 'AI.DAGEXECUTE' command"],
    ['AI.DAGEXECUTE_RO', "ERR missing arguments for 'AI.DAGEXECUTE_RO' command"],
    [
      'AI.DAGEXECUTE LOAD x |> AI.TENSORGET ref VALUES',
      'ERR invalid or negative value found in number of keys to LOAD',
    ],
    ['AI.DAGEXECUTE ROUTING a ROUTING b LOAD 1', 'ERR Invalid DAG command. Unexpected argument:  ROUTING'],
    [
      'AI.DAGEXECUTE ROUTING a LOAD 2 ref',
      'ERR number of keys to LOAD into DAG does not match the number of given arguments',
    ],
    [
      'AI.DAGEXECUTE ROUTING a PERSIST 0 ref |> x',
      'ERR invalid or negative value found in number of keys to PERSIST',
    ],
    ['AI.DAGEXECUTE PERSIST 2 a a |> AI.TENSORSET a FLOAT 1', 'ERR PERSIST keys must be unique'],
    [
      'AI.DAGEXECUTE_RO PERSIST 1 a |> AI.TENSORSET a FLOAT 1',
      'ERR PERSIST cannot be specified in a read-only DAG',
    ],
    [
      'AI.DAGEXECUTE LOAD 1 none |> AI.TENSORGET none BLOB',
      'ERR tensor key is empty or in a different shard',
    ],
    [
      'AI.DAGEXECUTE LOAD 1 m |> AI.TENSORGET m BLOB',
      'WRONGTYPE Operation against a key holding the wrong kind of value',
    ],
    ['AI.DAGEXECUTE LOAD 1 ref TIMEOUT x |> AI.TENSORGET ref', 'ERR Invalid value for TIMEOUT'],
    [
      'AI.DAGEXECUTE |> AI.TENSORSET a FLOAT 1 |> AI.TENSORGET a',
      'ERR AI.DAGEXECUTE and AI.DAGEXECUTE_RO commands must contain at least one out of ROUTING, LOAD, PERSIST keywords',
    ],
    ['AI.DAGEXECUTE LOAD 1 ref ROUTING a', 'ERR DAG is empty'],
    [
      'AI.DAGEXECUTE LOAD 1 ref BAD |> AI.TENSORGET ref',
      'ERR Invalid DAG command. Unexpected argument:  BAD',
    ],
    ['AI.DAGEXECUTE LOAD 1 ref |> AI.NOPE a b', 'Unsupported command within DAG'],
    ['AI.DAGEXECUTE LOAD 1 ref |> |> AI.TENSORGET ref', 'Unsupported command within DAG'],
    ['AI.DAGEXECUTE LOAD 1 ref |> AI.TENSORGET other BLOB', 'ERR INPUT key cannot be found in DAG'],
    ['AI.DAGEXECUTE PERSIST 1 other |> AI.TENSORSET a FLOAT 1', 'ERR PERSIST key cannot be found in DAG'],
    [
      'AI.DAGEXECUTE LOAD 1 ref |> AI.TENSORSET a FLOAT',
      "wrong number of arguments for 'AI.TENSORSET' command",
    ],
    [
      'AI.DAGEXECUTE LOAD 1 ref |> AI.MODELRUN m INPUTS ref ref OUTPUTS z',
      'Deprecated AI.MODELRUN cannot be used in AI.DAGEXECUTE command',
    ],
    [
      'AI.DAGRUN LOAD 1 ref |> AI.MODELEXECUTE m INPUTS 2 ref ref OUTPUTS 1 z',
      'AI.MODELEXECUTE cannot be used in a deprecated AI.DAGRUN command',
    ],
    ['AI.DAGRUN LOAD 1 ref |> AI.MODELRUN none INPUTS ref ref OUTPUTS z', 'ERR model key is empty'],
    [
      'AI.DAGRUN LOAD 1 ref |> AI.MODELRUN m INPUTS ref OUTPUTS z',
      'Number of keys given as INPUTS here does not match model definition',
    ],
    [
      'AI.DAGRUN LOAD 1 ref |> AI.MODELRUN m TIMEOUT 5 INPUTS ref ref OUTPUTS z',
      'ERR TIMEOUT not allowed within a DAG command',
    ],
    [
      'AI.DAGRUN LOAD 1 ref |> AI.SCRIPTRUN s f INPUTS ref OUTPUTS z',
      'ERR aibench-reference-server does not support scripts (AI.SCRIPT*)',
    ],
  ])('refuses %s', async (command, message) => {
    const client = await newClient();
    expect(await client.call(...command.split(' '))).toEqual({ error: message });
    expect(await client.call('PING')).toBe('PONG');
  });
});
