import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '@aibench/core';
import { compileGraph, readGraphDef } from '@aibench/models';
import { connectRedis, parseRedisAddress, type RedisReply } from '@aibench/redis';
import { describeModel } from '@aibench/redisai';
import { type ReferenceServer, runBinary, startReferenceServer, temporaryFolder } from '@aibench/testing';
import { loadUseCase } from '@aibench/usecases';
import { beforeAll, describe, expect, it } from 'vitest';

let server: ReferenceServer;
let address: string;

beforeAll(async () => {
  server = await startReferenceServer();
  address = server.addresses.redis;
});

function setUp(...flags: string[]) {
  return runBinary('setup-model', ['--host', address, ...flags]);
}

async function ask(host: string, ...command: readonly [string, ...string[]]): Promise<RedisReply> {
  const connection = await connectRedis(parseRedisAddress(host));
  try {
    return await connection.call(...command);
  } finally {
    await connection.close();
  }
}

/** Writes the suite's model as a file, to be used as somebody's own. */
async function exportModel(...flags: string[]): Promise<string> {
  const { stdout } = await runBinary('setup-model', ['--output-dir', temporaryFolder(), ...flags]);
  return stdout.toString().trim();
}

/** Some row with reference data. */
function makeRow(id: number): Uint8Array {
  const values = Float32Array.from({ length: 286 }, (_, i) => Math.sin(id * 1_000 + i));
  return Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(id)).buffer), Buffer.from(values.buffer)]);
}

describe('aibench-setup-model', () => {
  describe.each(['10205', '10003'])('on RedisAI %s', (version) => {
    it.each([
      ['TF', false, 'financialNet_NoReference', 'out'],
      ['TF', true, 'financialNet', 'output'],
      ['ONNX', false, 'financialNet_NoReference', 'out'],
      ['ONNX', true, 'financialNet', 'output'],
    ] as const)(
      'stores %s, with reference data: %s, and sees it answer',
      async (backend, withReference, model, output) => {
        const { addresses } = await startReferenceServer(['--redisai-version', version]);
        const { exitCode, stdout, stderr } = await runBinary('setup-model', [
          ...['-host', addresses.redis, '-backend', backend, `-enable-reference-data-redis=${withReference}`],
          ...['--tag', 'v1', '--batch-size', '8', '--min-batch-size', '1', '--min-batch-timeout', '5ms'],
        ]);
        expect(stderr).toBe('');
        expect(exitCode).toBe(0);
        const line = stdout.toString();
        expect(line).toMatch(/^\S+ \(aibench-reference-server \S+\): /);
        expect(line).toContain(`${addresses.redis} `);
        expect(line).toContain(`${model}, ${backend} on CPU, `);
        expect(line).toMatch(new RegExp(`answers ${output}\\[1,2\\] = 0\\.\\d+, 0\\.\\d+, as expected\n$`));
        const connection = await connectRedis(parseRedisAddress(addresses.redis));
        expect(await describeModel(connection, model)).toEqual({
          ...{ backend, device: 'CPU', tag: 'v1' },
          ...{ batchSize: 8, minBatchSize: 1, minBatchTimeoutMs: 5 },
        });
        // The probe leaves nothing behind but the model.
        expect(await connection.call('DBSIZE')).toBe(1);
        await connection.close();
      },
    );
  });

  it('sets every host up, and stops at the first that fails', async () => {
    const other = await startReferenceServer();
    const both = await runBinary('setup-model', [
      '--host',
      `${address},${other.addresses.redis}`,
      '--model',
      'm',
    ]);
    expect(both.stdout.toString().trim().split('\n')).toHaveLength(2);
    expect(both.exitCode).toBe(0);
    await other.stop();
    const one = await runBinary('setup-model', ['--host', `${address},${other.addresses.redis}`]);
    expect(one.exitCode).toBe(1);
    expect(one.stderr).toContain(other.addresses.redis);
  });

  it('fails where the answer is wrong', async () => {
    const wrong = await startReferenceServer(['--wrong-every', '1']);
    const { exitCode, stderr } = await runBinary('setup-model', ['--host', wrong.addresses.redis]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/the answer is wrong: out is \[.*\] instead of \[.*\]/);
    expect(stderr).toContain(wrong.addresses.redis);
  });

  it('fails in one line where the server cannot run the model', async () => {
    const failing = await startReferenceServer(['--fail-every', '1']);
    const { exitCode, stderr } = await runBinary('setup-model', ['--host', failing.addresses.redis]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/answered for row 0: ERR injected failure/);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('writes the files without a server, whole and the same each time', async () => {
    const folder = temporaryFolder();
    const args = [
      '--output-dir',
      join(folder, 'a', 'b'),
      '--enable-reference-data-redis',
      '--host',
      'nowhere',
    ];
    const { stdout, exitCode } = await runBinary('setup-model', [...args, '--backend', 'ONNX']);
    const path = join(folder, 'a', 'b', 'financialNet.onnx');
    expect(stdout.toString()).toBe(`${path}\n`);
    expect(exitCode).toBe(0);
    const first = readFileSync(path);
    expect(first.length).toBeGreaterThan(10_000);
    await runBinary('setup-model', [...args, '--backend', 'ONNX']);
    expect(readFileSync(path).equals(first)).toBe(true);
  });

  it('writes a model that answers joined rows as it answers each, for servers that batch', async () => {
    const path = await exportModel('--enable-reference-data-redis', '--backend', 'TF');
    const names = { inputs: ['transaction', 'reference'], outputs: ['output'] };
    const graph = readGraphDef(readFileSync(path), names);
    expect(graph.inputs.map(({ shape }) => shape)).toEqual([
      [-1, 30],
      [-1, 256],
    ]);
    const task = (await loadUseCase('creditcard-fraud')).task({ withReference: true });
    const [reference] = task.references;
    const rows = [1, 2].map((id) => makeRow(id));
    const join = (tensors: readonly Tensor[], shape: number[]): Tensor => ({
      ...tensors[0]!,
      shape,
      data: Buffer.concat(tensors.map(({ data }) => data)),
    });
    const [answer] = compileGraph(graph)([
      join(
        rows.map((row) => task.readRequest(row).inputs[0]!),
        [2, 30],
      ),
      join(
        rows.map((row) => reference!.read(row)),
        [2, 256],
      ),
    ]);
    const expected = Buffer.concat(rows.map((row) => task.expectedOutputs(row)[0]!.data));
    expect(Buffer.from(answer!.data).equals(expected)).toBe(true);
  });

  it('stores a model of the user, its kind told by the extension or the flag', async () => {
    const onnx = await exportModel('--backend', 'ONNX');
    const known = await setUp('--model', 'mine', '--model-file', onnx);
    expect(known.stderr).toBe('');
    expect(known.stdout.toString()).toMatch(/mine, ONNX on CPU, .*, which has the right form\n$/);

    const frozen = join(temporaryFolder(), 'model.bin');
    writeFileSync(frozen, readFileSync(await exportModel()));
    const unknown = await setUp('--model-file', frozen);
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toContain('--backend');
    const told = await setUp(
      ...['--model', 'mine2', '--model-file', frozen, '--backend', 'TF'],
      ...['--inputs', 'transaction', '--outputs', 'out'],
    );
    expect(told.exitCode).toBe(0);
    expect(String(await ask(address, 'EXISTS', 'mine2'))).toBe('1');
  });

  it('fails where the user has taken another model', async () => {
    const withReference = await exportModel('--backend', 'ONNX', '--enable-reference-data-redis');
    const { exitCode, stderr } = await setUp('--model-file', withReference);
    expect(exitCode).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(address);
  });

  it('leaves data of the user alone', async () => {
    await ask(address, 'SET', 'referenceTensor:{0}', 'mine');
    await setUp('--enable-reference-data-redis');
    expect(String(await ask(address, 'GET', 'referenceTensor:{0}'))).toBe('mine');
  });

  it.each([
    [['--server', 'redisia'], 2, 'redisai'],
    [['--backend', 'TORCH'], 2, "the suite's models are written for TF and ONNX"],
    [['--device', 'TPU'], 2, '"TPU" is no device'],
    [['--min-batch-size', '4'], 2, 'needs --batch-size'],
    [['--min-batch-timeout', '4ms'], 2, 'needs --min-batch-size'],
    [['--use-case', 'vision'], 2, 'creditcard-fraud'],
    [['--hosts', 'x'], 2, 'did you mean --host?'],
    [['--model-file', '/nonexistent/m.onnx'], 1, 'there is no such file'],
    [['--model-file', '/tmp'], 1, 'it is a folder'],
    [['--host', '127.0.0.1:1'], 1, 'connection refused'],
    [['--device', 'GPU'], 1, 'GPU'],
  ])('refuses %j', async (flags, status, words) => {
    const { exitCode, stderr } = await setUp(...flags);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(exitCode).toBe(status);
  });

  it('refuses an empty model and a folder in the way', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'empty.onnx'), '');
    const empty = await setUp('--model-file', join(folder, 'empty.onnx'));
    expect(empty.stderr).toContain('is empty');
    expect(empty.exitCode).toBe(1);
    mkdirSync(join(folder, 'financialNet_NoReference.pb'));
    const inTheWay = await setUp('--output-dir', folder);
    expect(inTheWay.stderr).toContain('it is a folder');
    expect(inTheWay.exitCode).toBe(1);
    expect(statSync(join(folder, 'financialNet_NoReference.pb')).isDirectory()).toBe(true);
  });

  it('shows the flags of the server in its help', async () => {
    const { stdout, exitCode } = await runBinary('setup-model', ['--server=redisai', '--help']);
    expect(exitCode).toBe(0);
    for (const name of ['--server', '--output-dir', '--batch-size', '--cluster-mode']) {
      expect(stdout.toString()).toContain(name);
    }
  });
});
