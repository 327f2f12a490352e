import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { float32View } from '@aibench/core';
import { writeGraphDef, writeOnnx, writeSavedModel } from '@aibench/models';
import { binaryPath, repositoryRoot, runBinary, startBinary, temporaryFolder } from '@aibench/testing';
import { type DataManifest, loadUseCase } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';

const rowSizeBytes = 602_112;
const answerSizeBytes = 1001 * 4;
const fixtures = join(repositoryRoot, 'fixtures', 'vision');
const useCase = 'vision-image-classification';
/** Files there that are no images: five that are bad by name, and the script. */
const badCount = 6;
const imageCount = readdirSync(fixtures).length - badCount;

const generate = (...args: string[]) => runBinary('generate-data', ['--use-case', useCase, ...args]);
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const lines = (text: string) => text.trimEnd().split('\n');

function readManifest(dataPath: string): DataManifest {
  return JSON.parse(readFileSync(`${dataPath}.manifest.json`, 'utf8')) as DataManifest;
}

describe('aibench-generate-data for images', () => {
  it('writes the same bytes to stdout and to a file, under both names, with a manifest', async () => {
    const path = join(temporaryFolder(), 'images.dat');
    const piped = await generate('--seed', '5', '--input-val-dir', fixtures);
    expect(piped).toMatchObject({ exitCode: 0 });
    expect(piped.stdout.length).toBe(imageCount * rowSizeBytes);
    const alias = join(dirname(binaryPath('generate-data')), 'start-vision.cjs');
    const { status, stderr } = spawnSync(
      process.execPath,
      [alias, '-seed=5', '-input-val-dir', fixtures, '-batch-size', '5', `-output-file=${path}`, '-limit=-1'],
      { encoding: 'utf8' },
    );
    expect(status).toBe(0);
    expect(readFileSync(path).equals(piped.stdout)).toBe(true);
    expect(readManifest(path)).toMatchObject({
      manifestVersion: 1,
      useCase,
      settings: {
        'image-size': 224,
        'image-layout': 'NHWC',
        'image-dtype': 'float32',
        'image-normalization': 'none',
      },
      rows: imageCount,
      rowSizeBytes,
      sizeBytes: imageCount * rowSizeBytes,
      sha256: sha256(piped.stdout),
      seed: 5,
      source: fixtures,
      sourceOptions: { limit: -1, 're-use-factor': 1, 'on-bad-image': 'skip' },
      leftOut: [
        'bad-cut-off.jpg',
        'bad-cut-off.png',
        'bad-damaged.png',
        'bad-empty.jpg',
        'bad-text.jpg',
        'make-images.mjs',
      ],
    });
    expect(readManifest(path)).not.toHaveProperty('expected');
    expect(stderr).toContain('left out bad-text.jpg: it is no image\n');
    expect(stderr).toContain(`${badCount} files left out\n`);
    expect(stderr).toContain(`the last ${imageCount % 5} rows make no whole batch of 5`);
  });

  it('names what it reads or draws, and is silent where it is asked to be', async () => {
    const drawn = await generate('--seed', '5', '--synthetic', '1');
    expect(drawn.stderr).toContain('drawing images of smooth colours, shapes and noise, seed 5\n');
    const quiet = await generate('--seed', '5', '--input-val-dir', fixtures, '--limit', '3', '--quiet');
    expect(quiet.stderr).toBe('');
  });

  it('stays below 400 MB, however many images there are', async () => {
    const args = ['--input-val-dir', fixtures, '--max-transactions', '600', '--debug', '1', '--seed', '1'];
    const { stderr, exitCode } = await generate(...args, '--output-file', '/dev/null');
    expect(exitCode).toBe(0);
    const [, peakMb] = /peak resident memory (\d+) MB/.exec(stderr) ?? [];
    expect(Number(peakMb)).toBeGreaterThan(10);
    expect(Number(peakMb)).toBeLessThan(400);
  });

  it('shows the flags of a use case under a heading of its own', async () => {
    const { stdout } = await generate('--help');
    const [, own = ''] = /\nOf vision-image-classification:\n(.*?)\n\n/s.exec(stdout.toString()) ?? [];
    for (const name of [
      'input-val-dir',
      'synthetic',
      're-use-factor',
      'limit',
      'on-bad-image',
      'image-layout',
    ]) {
      expect(own).toContain(`--${name} `);
    }
    expect(own).not.toContain('--seed');
  });
});

describe('--with-expected', () => {
  it("stores the model's answer to each row, and tells of it in the manifest", async () => {
    const path = join(temporaryFolder(), 'images.dat');
    const args = ['--seed', '5', '--synthetic', '6', '--output-file', path];
    expect(await generate(...args, '--with-expected')).toMatchObject({ exitCode: 0 });
    const answers = readFileSync(`${path}.expected`);
    expect(answers.length).toBe(6 * answerSizeBytes);
    const { graph, readRequest, expectedOutputs } = (await loadUseCase(useCase)).task({
      withReference: false,
    });
    expect(readManifest(path).expected).toEqual({
      ...{ output: 'MobilenetV1/Predictions/Reshape_1', dtype: 'float32', shape: [1001] },
      ...{ sizeBytes: answers.length, sha256: sha256(answers) },
      ...{ model: 'mobilenet_v1_100_224_NxHxWxC', modelSha256: sha256(writeOnnx(graph())) },
    });
    const row = readFileSync(path).subarray(rowSizeBytes, 2 * rowSizeBytes);
    expect(readRequest(row).inputs[0]!.data.length).toBe(rowSizeBytes);
    const expected = float32View(expectedOutputs(row)[0]!.data);
    const stored = float32View(answers.subarray(answerSizeBytes, 2 * answerSizeBytes));
    for (let i = 0; i < 1001; i++) expect(Math.abs(stored[i]! - expected[i]!)).toBeLessThanOrEqual(1e-4);

    const again = join(temporaryFolder(), 'images.dat');
    await generate(
      '--seed',
      '5',
      '--synthetic',
      '6',
      '--output-file',
      again,
      '--with-expected',
      '--threads',
      '4',
    );
    expect(readFileSync(`${again}.expected`).equals(answers)).toBe(true);

    // Data that is made anew has no answers of other data beside it.
    await generate('--seed', '6', '--synthetic', '1', '--output-file', path);
    expect(readdirSync(dirname(path)).sort()).toEqual(['images.dat', 'images.dat.manifest.json']);
  });

  it("takes the user's model, in any of three forms", async () => {
    const folder = temporaryFolder();
    const graph = (await loadUseCase(useCase)).task({ withReference: false }).graph();
    writeFileSync(join(folder, 'model.onnx'), writeOnnx(graph));
    writeFileSync(join(folder, 'model.pb'), writeGraphDef(graph));
    writeFileSync(join(folder, 'saved_model.pb'), writeSavedModel(graph));
    const answers: Buffer[] = [];
    for (const [i, name] of ['model.onnx', 'model.pb', 'saved_model.pb'].entries()) {
      const path = join(folder, `${i}.dat`);
      const model = join(folder, name);
      const made = await generate(
        ...[
          '--seed',
          '5',
          '--synthetic',
          '2',
          '--output-file',
          path,
          '--with-expected',
          '--model-file',
          model,
        ],
      );
      expect(made.stderr).toMatch(/: 2 rows/);
      expect(readManifest(path).expected).toMatchObject({ model });
      answers.push(readFileSync(`${path}.expected`));
    }
    for (const each of answers) {
      const [values, first] = [float32View(each), float32View(answers[0]!)];
      for (let i = 0; i < values.length; i++) expect(Math.abs(values[i]! - first[i]!)).toBeLessThan(1e-5);
    }
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'images.dat');
    await generate('--seed', '5', '--synthetic', '1', '--output-file', path, '--with-expected');
    const digests = () => readdirSync(folder).map((name) => sha256(readFileSync(join(folder, name))));
    const before = digests();
    const running = startBinary('generate-data', [
      ...['--use-case', useCase, '--seed', '6', '--synthetic', '100000', '--output-file', path],
      ...['--with-expected', '--debug', '2'],
    ]);
    await running.waitFor(/: \d+ rows\n/);
    expect(readdirSync(folder).length).toBe(5);
    running.kill('SIGINT');
    const { exitCode, stderr } = await running.ended;
    expect(exitCode).toBe(130);
    expect(lines(stderr).at(-1)).toBe('aibench-generate-data: interrupted');
    expect(digests()).toEqual(before);
  });
});

describe('in a pipeline', () => {
  it('ends with one line when its reader leaves', () => {
    const binary = `'${process.execPath}' '${binaryPath('generate-data')}' --use-case ${useCase}`;
    const script = `${binary} --seed 1 --input-val-dir '${fixtures}' --max-transactions 100000 | head -c ${rowSizeBytes}; exit \${PIPESTATUS[0]}`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { maxBuffer: 2 ** 30 });
    expect(status).toBe(1);
    expect(stdout.length).toBe(rowSizeBytes);
    expect(lines(stderr.toString()).at(-1)).toBe(
      'aibench-generate-data: cannot write stdout: the reader has closed the pipe',
    );
  });
});

describe('bad input', () => {
  const folder = temporaryFolder();
  cpSync(join(fixtures, 'bad-text.jpg'), join(folder, 'a.jpg'));
  const empty = temporaryFolder();
  const output = join(temporaryFolder(), 'images.dat');
  const text = join(fixtures, 'bad-text.jpg');

  it.each<[string, readonly string[], number, RegExp]>([
    ['an empty folder', ['--input-val-dir', empty], 1, /holds no files \(--input-val-dir/],
    ['a folder that is a file', ['--input-val-dir', text], 1, /is a file, not a folder of images/],
    ['a folder that is not there', ['--input-val-dir', join(empty, 'none')], 1, /there is no folder/],
    ['no image at all', ['--input-val-dir', folder], 1, /none of 1 files is an image/],
    [
      'a bad image',
      ['--input-val-dir', fixtures, '--on-bad-image', 'fail'],
      1,
      /bad-cut-off\.jpg: it is damaged or cut off \(--on-bad-image skip/,
    ],
    ['an input file', ['--input-file', text], 2, /--input-file is not for .*--input-val-dir/],
    ['a full disk', ['--synthetic', '3', '--output-file', '/dev/full'], 1, /the disk is full/],
    ['another layout', ['--image-layout', 'NWHC'], 2, /--image-layout: "NWHC" is none of NHWC, NCHW/],
    [
      'bytes that are normalised',
      ['--image-dtype', 'uint8', '--image-normalization', 'imagenet'],
      2,
      /gives fractions .*--image-dtype uint8/,
    ],
    [
      'another use case',
      ['--use-case', 'creditcard-fraud', '--synthetic', '3'],
      2,
      /--synthetic is a flag of vision/,
    ],
    [
      'answers beside stdout',
      ['--with-expected', '--synthetic', '1'],
      2,
      /no place for answers beside stdout/,
    ],
    [
      'answers beside a device',
      ['--with-expected', '--synthetic', '1', '--output-file', '/dev/null'],
      2,
      /no place for answers beside \/dev\/null/,
    ],
    [
      'answers of a use case that stores none',
      ['--use-case', 'creditcard-fraud', '--with-expected', '--output-file', output],
      2,
      /answers of creditcard-fraud are not stored/,
    ],
    [
      'answers that there is no model for',
      ['--with-expected', '--image-size', '299', '--output-file', output],
      2,
      /takes images of 224 x 224 .*--model-file/,
    ],
    [
      'a model that is none',
      ['--with-expected', '--model-file', text, '--output-file', output],
      1,
      /bad-text\.jpg is no ONNX model/,
    ],
    [
      'a model that is not there',
      ['--with-expected', '--model-file', join(empty, 'none.pb'), '--output-file', output],
      1,
      /none\.pb: there is no such file .*--model-file/,
    ],
    ['a model without need', ['--model-file', text, '--output-file', output], 2, /--with-expected/],
  ])('%s is told in one line', async (_, args, status, message) => {
    const { exitCode, stderr, stdout } = await generate('--seed', '1', '--threads', '1', ...args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(status);
    expect(stderr).not.toMatch(/^\s+at /m);
    const errors = lines(stderr).filter((line) => !/, seed 1$|: left out |: see --help$/.test(line));
    expect(errors.length).toBe(1);
    expect(stdout.length % rowSizeBytes).toBe(0);
    expect(readdirSync(dirname(output))).toEqual([]);
  });

  it('the weights of a model that takes images in another layout are taken over', async () => {
    const nchw = (await loadUseCase(useCase)).withSettings!({ 'image-layout': 'NCHW' });
    const model = join(empty, 'nchw.onnx');
    writeFileSync(model, writeOnnx(nchw.task({ withReference: false }).graph()));
    const args = ['--with-expected', '--synthetic', '1', '--seed', '1', '--output-file', output];
    expect((await generate(...args)).exitCode).toBe(0);
    const own = readFileSync(`${output}.expected`);
    expect((await generate(...args, '--model-file', model)).exitCode).toBe(0);
    expect(readFileSync(`${output}.expected`).equals(own)).toBe(true);
    unlinkSync(model);
    for (const name of readdirSync(dirname(output))) unlinkSync(join(dirname(output), name));
  });

  it('a model of another form is refused when it is asked', async () => {
    const fraud = await loadUseCase('creditcard-fraud');
    const model = join(empty, 'fraud.onnx');
    writeFileSync(model, writeOnnx(fraud.task({ withReference: false }).graph()));
    const args = ['--with-expected', '--synthetic', '1', '--model-file', model, '--output-file', output];
    const { exitCode, stderr } = await generate('--seed', '1', ...args);
    expect(exitCode).toBe(1);
    expect(lines(stderr).at(-1)).toMatch(/the model cannot answer: .*--model-file and the --image- flags/);
    unlinkSync(model);
    expect(readdirSync(dirname(output))).toEqual([]);
  });
});
