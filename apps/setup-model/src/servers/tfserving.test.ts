import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluate, readSavedModel } from '@aibench/models';
import { type ReferenceServer, runBinary, startReferenceServer, temporaryFolder } from '@aibench/testing';
import { loadUseCase } from '@aibench/usecases';
import { beforeAll, describe, expect, it } from 'vitest';

const withReference = '--enable-reference-data-redis';
let folder: string;
let server: ReferenceServer;
let host: string;

beforeAll(async () => {
  folder = temporaryFolder();
  server = await startReferenceServer(['--protocols', 'tfserving', '--tfserving-models', folder]);
  host = server.addresses.tfserving;
});

async function setUp(...flags: readonly string[]) {
  const { exitCode, stdout, stderr } = await runBinary('setup-model', ['--server', 'tfserving', ...flags]);
  expect(
    stderr
      .trim()
      .replace(/\n.*: see --help$/, '')
      .split('\n').length,
  ).toBeLessThanOrEqual(1);
  return { exitCode, stdout: stdout.toString(), stderr };
}

function install(...flags: readonly string[]) {
  return setUp('--model-base-path', folder, '--tensorflow-serving-host', host, ...flags);
}

describe('aibench-setup-model --server tfserving', () => {
  it.each([
    ['financialNet_NoReference', 'out', []],
    ['financialNet', 'output', [withReference]],
  ])('puts %s where the server finds it, and sees it answer', async (model, output, flags) => {
    const { exitCode, stdout, stderr } = await install(...flags);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `^${host} \\(aibench-reference-server \\S+\\): ${model} version 1, SavedModel, [\\d,]+ bytes; answers ${output}\\[1,2\\] = 0\\.\\d+, 0\\.\\d+, as expected\n$`,
      ),
    );
    expect(readFileSync(join(folder, 'models.config'), 'utf8')).toContain(join(folder, model));
    expect(readdirSync(join(folder, model, '1'))).toEqual(['saved_model.pb']);
  });

  it('may be run again, but does not swap what the server has loaded', async () => {
    await install('--model', 'again');
    expect((await install('--model', 'again')).exitCode).toBe(0);
    const before = readFileSync(join(folder, 'again', '1', 'saved_model.pb'));
    const { exitCode, stderr } = await install('--model', 'again', withReference);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${host} serves another model as again version 1`);
    expect(stderr).toContain('--model-version');
    expect(readFileSync(join(folder, 'again', '1', 'saved_model.pb')).equals(before)).toBe(true);
    const next = await install('--model', 'again', withReference, '--model-version', '2');
    expect(next.stdout).toContain('again version 2');
  });

  it('sets a model up whose rows can be joined', async () => {
    const { exitCode, stdout } = await install(
      ...[withReference, '--model', 'batched', '--batch-size', '16', '--batch-timeout', '500us'],
      ...['--batch-threads', '2'],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain('as expected');
    expect(readFileSync(join(folder, 'batching.config'), 'utf8')).toBe(
      '# Written by aibench-setup-model.\nmax_batch_size { value: 16 }\nbatch_timeout_micros { value: 500 }\nnum_batch_threads { value: 2 }\n',
    );
    const { graph } = readSavedModel(readFileSync(join(folder, 'batched', '1', 'saved_model.pb')));
    expect(graph.inputs.map(({ shape }) => shape)).toEqual([
      [-1, 30],
      [-1, 256],
    ]);
  });

  it('writes the files without a server, whole and the same each time', async () => {
    const output = join(temporaryFolder(), 'a');
    const flags = ['--output-dir', output, withReference, '--server-base-path', '/models'];
    const { stdout, exitCode } = await setUp(...flags);
    expect(exitCode).toBe(0);
    const path = join(output, 'financialNet', '1', 'saved_model.pb');
    expect(stdout).toBe(`${path}\n${join(output, 'models.config')}\n`);
    expect(readFileSync(join(output, 'models.config'), 'utf8')).toContain('"/models/financialNet"');
    const first = readFileSync(path);
    await setUp(...flags);
    expect(readFileSync(path).equals(first)).toBe(true);

    const useCase = await loadUseCase('creditcard-fraud');
    const task = useCase.task({ withReference: true });
    const row = new Uint8Array(useCase.row.sizeBytes).fill(7, 8);
    const { graph } = readSavedModel(first);
    const inputs = [...task.readRequest(row).inputs, ...task.references.map((spec) => spec.read(row))];
    expect(evaluate(graph, inputs)).toEqual(task.expectedOutputs(row));
  });

  it("takes a model of the user's, with the variables beside it", async () => {
    const source = temporaryFolder();
    await setUp('--output-dir', source);
    const path = join(source, 'financialNet_NoReference', '1', 'saved_model.pb');
    mkdirSync(join(path, '..', 'variables'));
    writeFileSync(join(path, '..', 'variables', 'variables.index'), 'index');
    const { exitCode, stdout } = await install('--model', 'own', '--model-file', path);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('which has the right form');
    expect(readFileSync(join(folder, 'own', '1', 'variables', 'variables.index'), 'utf8')).toBe('index');
  });

  it.each([
    [[], 'where is the folder of models that the servers read?', 2],
    [['--model-base-path', 'x', '--model', 'a/b'], '"a/b" cannot be the name of a folder', 2],
    [['--model-base-path', 'x', '--model-version', '0'], 'is below 1', 2],
    [['--model-base-path', 'x', '--tensorflow-serving-host', 'ftp://a'], 'no address of a gRPC server', 2],
    [['--model-base-path', 'x', '--model-file', '/etc/hostname'], '/etc/hostname is no saved_model.pb', 2],
    [['--model-base-path', 'x', '--model-file', '/no/saved_model.pb'], 'there is no such file', 1],
  ])('refuses %j in one line', async (flags, words, status) => {
    const { exitCode, stderr } = await setUp(...flags);
    expect(stderr).toContain(words);
    expect(exitCode).toBe(status);
  });

  it('writes nothing where nobody is there', async () => {
    const empty = temporaryFolder();
    const other = await startReferenceServer(['--protocols', 'tfserving']);
    await other.stop();
    const address = other.addresses.tfserving;
    const { exitCode, stderr } = await setUp(
      ...['--model-base-path', empty, '--tensorflow-serving-host', address],
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot connect to the gRPC server at ${address}`);
    expect(readdirSync(empty)).toEqual([]);
  });

  it('says so where the server reads another folder', async () => {
    const { exitCode, stderr } = await setUp(
      ...['--model-base-path', temporaryFolder(), '--tensorflow-serving-host', host],
      ...['--model', 'elsewhere', '--load-timeout', '300ms'],
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${host} has not loaded model elsewhere version 1 within 300ms`);
    expect(stderr).toContain('--model-base-path');
  });

  it('fails where the answer is wrong', async () => {
    const models = temporaryFolder();
    const { addresses } = await startReferenceServer([
      ...['--protocols', 'tfserving', '--tfserving-models', models, '--wrong-every', '1'],
    ]);
    const { exitCode, stderr } = await setUp(
      ...['--model-base-path', models, '--tensorflow-serving-host', addresses.tfserving],
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/the answer is wrong: out is \[.*\] instead of \[.*\]/);
  });
});
