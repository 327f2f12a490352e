import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readGraphDef } from '@aibench/models';
import { runBinary, startTcpPeer, temporaryFolder } from '@aibench/testing';
import { describe, expect, it } from 'vitest';

function setUp(...flags: string[]) {
  return runBinary('setup-model', ['--server', 'triton', ...flags]);
}

/** Writes a repository that has to be fine, and gives its configuration, spaces and lines made one. */
async function configurationOf(...flags: string[]): Promise<string> {
  const folder = temporaryFolder();
  const { stderr, exitCode } = await setUp('--output-dir', folder, '--model', 'm', ...flags);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return readFileSync(join(folder, 'm', 'config.pbtxt'), 'utf8')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

describe('aibench-setup-model --server triton', () => {
  it.each([
    ['onnxruntime', ['1/model.onnx', 'config.pbtxt']],
    ['tensorflow', ['1/model.graphdef', 'config.pbtxt']],
    ['python', ['1/model.onnx', '1/model.py', 'config.pbtxt']],
  ])('writes a repository for %s, the same each time', async (backend, files) => {
    const folder = temporaryFolder();
    const args = [
      '--output-dir',
      join(folder, 'models'),
      '--backend',
      backend,
      '--enable-reference-data-redis',
    ];
    const { stdout, exitCode } = await setUp(...args);
    expect(exitCode).toBe(0);
    const paths = files.map((file) => join(folder, 'models', 'financialNet', file));
    expect(stdout.toString().trim().split('\n')).toEqual(paths);
    const first = paths.map((path) => readFileSync(path));
    expect(Math.min(...first.map(({ length }) => length))).toBeGreaterThan(100);
    await setUp(...args);
    expect(paths.map((path) => readFileSync(path))).toEqual(first);
    // Nothing is left aside.
    const left = readdirSync(folder, { recursive: true }).filter((name) => String(name).includes('partial'));
    expect(left).toEqual([]);
  });

  it('has no batch dimension unless it is asked for', async () => {
    const plain = await configurationOf('--enable-reference-data-redis');
    expect(plain).toContain('backend: "onnxruntime" default_model_filename: "model.onnx" max_batch_size: 0');
    expect(plain).toContain('name: "transaction" data_type: TYPE_FP32 dims: [ 1, 30 ]');
    expect(plain).toContain('name: "reference" data_type: TYPE_FP32 dims: [ 256 ]');
    expect(plain).toContain('output [ { name: "output" data_type: TYPE_FP32 dims: [ 1, 2 ] } ]');
    expect(plain).toContain('instance_group [ { count: 1 kind: KIND_CPU } ]');
    expect(plain).not.toMatch(/dynamic_batching|parameters/);
    const batched = await configurationOf(
      ...['--enable-reference-data-redis', '--batch-size', '16', '--queue-delay', '250us'],
      ...[
        '--preferred-batch-sizes',
        '8,16',
        '--instances',
        '3',
        '--device',
        'gpu:1',
        '--intra-op-threads',
        '2',
      ],
    );
    expect(batched).toContain('max_batch_size: 16');
    expect(batched).toContain('name: "transaction" data_type: TYPE_FP32 dims: [ 30 ]');
    expect(batched).toContain('name: "reference" data_type: TYPE_FP32 dims: [ 256 ]');
    expect(batched).toContain('dims: [ 2 ]');
    expect(batched).toContain(
      'dynamic_batching { preferred_batch_size: [ 8, 16 ] max_queue_delay_microseconds: 250 }',
    );
    expect(batched).toContain('instance_group [ { count: 3 kind: KIND_GPU gpus: [ 1 ] } ]');
    expect(batched).toContain('parameters { key: "intra_op_thread_count" value { string_value: "2" } }');
  });

  it("keeps the use case's shapes in the model, and gives it a batch where rows are joined", async () => {
    const shapesOf = async (...flags: string[]) => {
      const folder = temporaryFolder();
      await setUp(
        ...['--output-dir', folder, '--backend', 'tensorflow', '--enable-reference-data-redis', ...flags],
      );
      const bytes = readFileSync(join(folder, 'financialNet', '1', 'model.graphdef'));
      const names = { inputs: ['transaction', 'reference'], outputs: ['output'] };
      return readGraphDef(bytes, names).inputs.map(({ shape }) => shape);
    };
    expect(await shapesOf()).toEqual([[-1, 30], [256]]);
    expect(await shapesOf('--batch-size', '4')).toEqual([
      [-1, 30],
      [-1, 256],
    ]);
  });

  it('writes a model of the user, as another version', async () => {
    const folder = temporaryFolder();
    const own = join(temporaryFolder(), 'net.onnx');
    writeFileSync(own, 'any bytes');
    await setUp('--output-dir', folder, '--model', 'mine');
    const { exitCode, stderr } = await setUp(
      ...['--output-dir', folder, '--model', 'mine', '--model-file', own, '--model-version', '7'],
    );
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(readFileSync(join(folder, 'mine', '7', 'model.onnx'), 'utf8')).toBe('any bytes');
    expect(statSync(join(folder, 'mine', '1', 'model.onnx')).size).toBeGreaterThan(1_000);
  });

  it('writes nothing where one of the files cannot be', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'm', 'config.pbtxt'), { recursive: true });
    const { exitCode, stderr } = await setUp('--output-dir', folder, '--model', 'm');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot write ${join(folder, 'm', 'config.pbtxt')}: it is a folder`);
    expect(readdirSync(join(folder, 'm', '1'))).toEqual([]);
  });

  it('writes nothing where no server answers', async () => {
    const repository = join(temporaryFolder(), 'models');
    const { port, stop } = await startTcpPeer(() => {});
    await stop();
    const place = ['--model-repository', repository, '--host', `127.0.0.1:${port}`];
    const { exitCode, stderr } = await setUp(...place);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot connect to the gRPC server at 127.0.0.1:${port}: connection refused`);
    expect(existsSync(repository)).toBe(false);
  });

  it.each([
    [[], 2, '--model-repository'],
    [['--model-repository', '/x', '--host', 'http://h:8000'], 2, 'no address of a gRPC server'],
    [['--output-dir', '/x', '--device', 'TPU'], 2, '"TPU" is no device'],
    [['--output-dir', '/x', '--queue-delay', '1ms'], 2, '--queue-delay needs --batch-size'],
    [['--output-dir', '/x', '--preferred-batch-sizes', '4'], 2, 'needs --batch-size'],
    [['--output-dir', '/x', '--batch-size', '2', '--preferred-batch-sizes', '4'], 2, '"4" is no batch size'],
    [['--output-dir', '/x', '--batch-size', '8', '--preferred-batch-sizes', 'x'], 2, '"x" is no batch size'],
    [['--output-dir', '/x', '--model', '../up'], 2, 'cannot be the name of a folder'],
    [['--output-dir', '/x', '--model-version', '0'], 2, '--model-version'],
    [['--output-dir', '/x', '--model-file', '/etc/hostname'], 2, 'what kind of model is /etc/hostname?'],
    [['--output-dir', '/dev/null/x'], 1, 'cannot write /dev/null/x'],
  ])('refuses %j', async (flags, status, words) => {
    const { exitCode, stderr } = await setUp(...flags);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(exitCode).toBe(status);
  });
});
