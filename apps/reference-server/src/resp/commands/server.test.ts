import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Reply } from '../../testing/decode-reply.js';
import { connectToTestServer, startTestServer } from '../../testing/test-server.js';

function fields(info: Reply): Record<string, string> {
  const lines = String(info).split('\r\n');
  return Object.fromEntries(
    lines
      .filter((line) => line.includes(':'))
      .map((line) => [line.split(':')[0], line.slice(line.indexOf(':') + 1)]),
  );
}

describe('server and connection commands', () => {
  it('says in RESP3 who it is', async () => {
    const client = await connectToTestServer();
    const hello = (await client.call('HELLO', 3, 'SETNAME', 'tester')) as Map<Reply, Reply>;
    expect(hello.get('server')).toBe('aibench-reference-server');
    expect(hello.get('proto')).toBe(3);
    expect(await client.call('CLIENT', 'GETNAME')).toBe('tester');
    expect(await client.call('GET', 'none')).toBeNull();
    expect(await client.call('CONFIG', 'GET', 'sav*')).toEqual(new Map([['save', '']]));
    expect(await client.call('HELLO', 4)).toEqual({ error: 'NOPROTO unsupported protocol version' });
    expect(await client.call('RESET')).toBe('RESET');
    expect(await client.call('CONFIG', 'GET', 'save', 'appendonly')).toEqual([
      'appendonly',
      'no',
      'save',
      '',
    ]);
  });

  it('asks for its password', async () => {
    const client = await connectToTestServer({ password: 'secret' });
    expect(await client.call('PING')).toEqual({ error: 'NOAUTH Authentication required.' });
    expect(await client.call('AUTH', 'wrong')).toEqual({
      error: 'WRONGPASS invalid username-password pair or user is disabled.',
    });
    expect(await client.call('HELLO', 3)).toMatchObject({ error: expect.stringMatching(/^NOAUTH HELLO/) });
    expect(await client.call('HELLO', 3, 'AUTH', 'default', 'secret')).toBeInstanceOf(Map);
    expect(await client.call('PING')).toBe('PONG');
    await client.call('RESET');
    expect(await client.call('PING')).toMatchObject({ error: expect.stringMatching(/^NOAUTH/) });
    expect(await client.call('AUTH', 'secret')).toBe('OK');
  });

  it('answers the small commands', async () => {
    const client = await connectToTestServer();
    expect(await client.call('PING', 'x')).toBe('x');
    expect(await client.call('echo', 'x')).toBe('x');
    expect(await client.call('AUTH', 'x')).toMatchObject({
      error: expect.stringMatching(/^ERR AUTH <password>/),
    });
    expect(await client.call('CLIENT', 'SETINFO', 'LIB-NAME', 'lib')).toBe('OK');
    expect(await client.call('CLIENT', 'INFO')).toMatch(/ lib-name=lib /);
    expect(await client.call('CLIENT', 'FOO')).toEqual({ error: "ERR unknown subcommand 'FOO'" });
    expect(await client.call('CLUSTER', 'INFO')).toEqual({
      error: 'ERR This instance has cluster support disabled',
    });
    expect(await client.call('LOLWUT')).toMatch(/^aibench-reference-server .* not Redis/);
    expect(await client.call('TIME')).toHaveLength(2);
    expect(await client.call('QUIT')).toBe('OK');
    expect(await client.closed()).toBe('');
  });

  it('answers unknown commands and wrong numbers of arguments as Redis does', async () => {
    const client = await connectToTestServer();
    expect(await client.call('NOPE', 'a', 'b')).toEqual({
      error: "ERR unknown command 'NOPE', with args beginning with: 'a' 'b' ",
    });
    expect(await client.call('GET')).toEqual({ error: "ERR wrong number of arguments for 'get' command" });
  });

  it('lists its commands', async () => {
    const client = await connectToTestServer();
    const count = (await client.call('COMMAND', 'COUNT')) as number;
    expect(await client.call('COMMAND')).toHaveLength(count);
    expect(await client.call('COMMAND', 'INFO', 'get', 'nope')).toEqual([
      ['get', 2, ['readonly', 'fast'], 1, 1, 1, [], [], [], []],
      null,
    ]);
    expect(await client.call('COMMAND', 'DOCS', 'get')).toEqual([
      'get',
      ['summary', 'Returns a string', 'group', 'string'],
    ]);
  });

  it('names the module, and knows the newer commands from 1.2.3 on', async () => {
    const client = await connectToTestServer();
    expect(await client.call('MODULE', 'LIST')).toEqual([
      ['name', 'ai', 'ver', 10_205, 'path', '', 'args', []],
    ]);
    const older = await connectToTestServer({ redisaiVersion: 10_003 });
    expect(await older.call('MODULE', 'LIST')).toMatchObject([
      ['name', 'ai', 'ver', 10_003, 'path', '', 'args', []],
    ]);
    expect(await older.call('INFO', 'modules')).toContain('module:name=ai,ver=10003');
    for (const name of ['AI.MODELSTORE', 'AI.MODELEXECUTE', 'AI.DAGEXECUTE', 'AI.DAGEXECUTE_RO']) {
      expect(await older.call(name, 'x')).toMatchObject({
        error: expect.stringMatching(/^ERR unknown command/),
      });
      expect(await client.call(name, 'x')).toMatchObject({
        error: expect.not.stringMatching(/unknown command/),
      });
    }
    expect(await older.call('AI.MODELRUN', 'x', 'INPUTS')).toEqual({ error: 'ERR model key is empty' });
  });

  it('counts truly, and from 0 after CONFIG RESETSTAT', async () => {
    const server = await startTestServer({ nullModel: true, delayMs: 1 });
    const client = await server.connect();
    await client.pipeline([
      ['SET', 'a', '1'],
      ['GET', 'a'],
      ['GET', 'none'],
      ['GET'],
      ['INCR', 'a'],
      ['APPEND', 'a', 'x'],
      ['INCR', 'a'],
    ]);
    await server.connect();
    const info = fields(await client.call('INFO', 'all'));
    expect(info).toMatchObject({
      aibench_reference_server: '1',
      aibench_reference_server_version: '0.0.0-test',
      aibench_reference_server_faults: 'null_model=1 delay_ms=1',
      connected_clients: '2',
      total_connections_received: '2',
      total_commands_processed: '8',
      keyspace_hits: '4',
      keyspace_misses: '1',
      total_error_replies: '2',
      db0: 'keys=1,expires=0,avg_ttl=0',
    });
    expect(info['cmdstat_get']).toMatch(
      /^calls=2,usec=\d+,usec_per_call=[\d.]+,rejected_calls=1,failed_calls=0$/,
    );
    expect(info['cmdstat_incr']).toMatch(/^calls=2,.*,rejected_calls=0,failed_calls=1$/);
    expect(Number(info['used_memory'])).toBeGreaterThan(0);
    expect(await client.call('CONFIG', 'RESETSTAT')).toBe('OK');
    const after = fields(await client.call('INFO', 'stats', 'commandstats'));
    expect(after).toMatchObject({
      total_commands_processed: '1',
      keyspace_hits: '0',
      total_error_replies: '0',
    });
    expect(after['cmdstat_get']).toBeUndefined();
  });

  it('tells how the times of a command are distributed, and forgets them with CONFIG RESETSTAT', async () => {
    const server = await startTestServer({ nullModel: true, delayMs: 5 });
    const client = await server.connect();
    const model = Buffer.from('any');
    await client.call('AI.MODELSTORE', 'm', 'ONNX', 'CPU', 'BLOB', model);
    await client.call('AI.TENSORSET', 'in', 'FLOAT', '1', '1', 'VALUES', '1');
    for (let i = 0; i < 3; i++)
      await client.call('AI.MODELEXECUTE', 'm', 'INPUTS', '1', 'in', 'OUTPUTS', '1', 'out');
    expect(fields(await client.call('INFO'))['latency_percentiles_usec_ai.modelexecute']).toBeUndefined();
    const told = fields(await client.call('INFO', 'latencystats'))[
      'latency_percentiles_usec_ai.modelexecute'
    ]!;
    const [, ...percentiles] = /^p50=(\d+),p90=(\d+),p99=(\d+),p99.9=(\d+)$/.exec(told)!.map(Number);
    expect(percentiles).toEqual(percentiles.toSorted((a, b) => a - b));
    // The delay is in them; a clock may err by a little.
    expect(percentiles[0]).toBeGreaterThan(4_900);
    await client.call('CONFIG', 'RESETSTAT');
    expect(Object.keys(fields(await client.call('INFO', 'latencystats')))).toEqual([]);
  });

  it('serves ioredis, its ready check and its blobs', async () => {
    const { port } = await startTestServer();
    const redis = new Redis({ port, host: '127.0.0.1', connectionName: 'io', maxRetriesPerRequest: 0 });
    onTestFinished(() => redis.disconnect());
    const blob = Buffer.from([0, 1, 2, 253, 254, 255]);
    await redis.set('blob', blob);
    expect((await redis.getBuffer('blob'))?.equals(blob)).toBe(true);
    expect(await redis.client('GETNAME')).toBe('io');
    await expect(redis.call('AI.TENSORGET', 'none')).rejects.toThrow('tensor key is empty');
    const replies = await redis.pipeline().set('a', '1').incr('a').get('a').exec();
    expect(replies).toEqual([
      [null, 'OK'],
      [null, 2],
      [null, '2'],
    ]);
  });
});
