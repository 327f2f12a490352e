import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { useCase as fraud } from './creditcard-fraud/index.js';
import {
  type DataManifest,
  type ExpectedManifest,
  expectedPath,
  manifestPath,
  manifestVersion,
  readManifest,
  renderManifest,
  useCaseOfData,
} from './data-manifest.js';
import { openExpected } from './stored-answers.js';
import { useCase as vision } from './vision-image-classification/index.js';

const folder = mkdtempSync(join(tmpdir(), 'aibench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'images.dat');

const manifest: DataManifest = {
  manifestVersion,
  suiteVersion: '1.2.3',
  useCase: vision.name,
  settings: { ...vision.settings, 'image-layout': 'NCHW', 'image-dtype': 'uint8' },
  format: 'redisai',
  rows: 3,
  rowSizeBytes: 150_528,
  sizeBytes: 3 * 150_528,
  sha256: '00',
  seed: 7,
  source: 'synthetic',
  maxTransactions: 0,
  group: { id: 0, count: 1 },
};
const { sizeBytes } = manifest;

describe('readManifest', () => {
  it('reads what was written, and nothing where there is none', async () => {
    expect(await readManifest(join(folder, 'none.dat'))).toBeUndefined();
    writeFileSync(manifestPath(path), renderManifest(manifest));
    expect(await readManifest(path)).toEqual(manifest);
  });

  it.each([
    ['{', /JSON|property name/],
    ['null', /its version is undefined/],
    ['{"manifestVersion":2}', /its version is 2, not 1/],
    ['{"manifestVersion":1}', /names no use case/],
    ['{"manifestVersion":1,"useCase":"x"}', /tells no sizes/],
    [
      '{"manifestVersion":1,"useCase":"x","rowSizeBytes":1,"sizeBytes":1,"settings":3}',
      /settings are no object/,
    ],
  ])('refuses %s', async (text, message) => {
    const bad = join(folder, 'bad.dat');
    writeFileSync(manifestPath(bad), text);
    await expect(readManifest(bad)).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: expect.stringMatching(message),
    });
    await expect(readManifest(bad)).rejects.toThrow(manifestPath(bad));
  });
});

describe('useCaseOfData', () => {
  it('has the settings of the data', () => {
    const found = useCaseOfData(vision, { path, sizeBytes, manifest });
    expect(found.settings).toEqual(manifest.settings);
    expect(found.row.fields).toEqual([{ name: 'input', dtype: 'uint8', shape: [1, 3, 224, 224] }]);
    expect(found.task({ withReference: false }).inputs[0]!.shape).toEqual([1, 3, 224, 224]);
    // The one that it was made of is as it was.
    expect(vision.row.sizeBytes).toBe(602_112);
  });

  it('is the use case with what the user asks for where there is no manifest', () => {
    const none = { path, sizeBytes, manifest: undefined };
    expect(useCaseOfData(vision, none, { 'image-size': 299 }).row.sizeBytes).toBe(299 * 299 * 3 * 4);
    expect(useCaseOfData(fraud, none)).toBe(fraud);
  });

  it('takes a manifest without settings, as those of use cases that have none are', () => {
    const { settings: _, ...rest } = manifest;
    const old: DataManifest = { ...rest, useCase: fraud.name, rowSizeBytes: 1152, sizeBytes: 1152 };
    expect(useCaseOfData(fraud, { path, sizeBytes: 1152, manifest: old })).toBe(fraud);
  });

  const images = { path, sizeBytes, manifest };
  it.each<[string, Parameters<typeof useCaseOfData>, RegExp]>([
    [
      'another use case',
      [fraud, images],
      /holds rows of vision-image-classification, not of creditcard-fraud/,
    ],
    [
      'another setting',
      [vision, images, { 'image-layout': 'NHWC' }],
      /was made with --image-layout NCHW, not NHWC/,
    ],
    ['another size', [vision, { ...images, sizeBytes: 5 }], /has 5 bytes instead of 451584/],
    [
      'another row',
      [vision, { ...images, manifest: { ...manifest, rowSizeBytes: 602_112 } }],
      /holds rows of 602112 bytes, not 150528/,
    ],
    [
      'a setting that it does not take',
      [vision, { ...images, manifest: { ...manifest, settings: { 'image-layout': 'NWHC' } } }],
      /--image-layout: "NWHC" is none of NHWC, NCHW/,
    ],
    [
      'a setting that there is not',
      [vision, { ...images, manifest: { ...manifest, settings: { 'image-colours': 3 } } }],
      /no setting image-colours/,
    ],
  ])('refuses %s, naming both', (_, args, message) => {
    expect(() => useCaseOfData(...args)).toThrow(
      expect.objectContaining({ code: 'AIBENCH_INPUT', message: expect.stringMatching(message) }),
    );
  });
});

describe('openExpected', () => {
  const answers = Float32Array.from({ length: 3 * 4 }, (_, i) => i);
  const expected: ExpectedManifest = {
    ...{ output: 'out', shape: [4], sizeBytes: 48, sha256: '00', model: 'm', modelSha256: '00' },
    dtype: 'float32',
  };
  const withAnswers = { ...manifest, expected };

  it('reads the answers of rows', () => {
    writeFileSync(expectedPath(path), new Uint8Array(answers.buffer));
    const file = openExpected(path, withAnswers)!;
    expect(new Float32Array(file.read(1, 2).buffer)).toEqual(answers.subarray(4, 12));
    expect(() => file.read(2, 2)).toThrow(
      expect.objectContaining({
        code: 'AIBENCH_INPUT',
        message: expect.stringContaining('no answers of rows 2 to 3'),
      }),
    );
    file.close();
  });

  it('is nothing where the manifest tells of none', () => {
    expect(openExpected(path, manifest)).toBeUndefined();
    expect(openExpected(path, undefined)).toBeUndefined();
  });

  it('refuses a file that is missing or has another size', () => {
    const hint = expect.stringContaining('--with-expected');
    expect(() => openExpected(join(folder, 'none.dat'), withAnswers)).toThrow(
      expect.objectContaining({ code: 'AIBENCH_INPUT', hint }),
    );
    writeFileSync(expectedPath(path), new Uint8Array(47));
    expect(() => openExpected(path, withAnswers)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('has 47 bytes, which are not 3 answers of 16'),
      }),
    );
  });
});
