import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataManifest, renderManifest } from '@aibench/usecases';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseRunData, openRunData } from './run-data.js';

const vision = 'vision-image-classification';
const defaults = {
  ...{ useCase: vision, file: '', dataSettings: [], enableReferenceDataRedis: false },
  ...{ batchSize: 1, verify: false, allowTruncated: false },
};

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aibench-run-data-'));
  file = join(folder, 'images.dat');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A data file of one image, and its manifest. */
function writeData(sizeBytes: number, manifest: Partial<DataManifest>): void {
  writeFileSync(file, new Uint8Array(sizeBytes));
  const whole = {
    ...{ manifestVersion: 1, suiteVersion: '0', useCase: vision, format: 'redisai', rows: 1, seed: 1 },
    ...{ rowSizeBytes: sizeBytes, sizeBytes, sha256: '', source: 'synthetic', maxTransactions: 1 },
    group: { id: 0, count: 1 },
    ...manifest,
  } as DataManifest;
  writeFileSync(`${file}.manifest.json`, renderManifest(whole));
}

describe('the data of a run', () => {
  it('is that of the use case where nothing else is said', async () => {
    const data = await chooseRunData({ ...defaults, useCase: 'creditcard-fraud', verify: true });
    expect(data).toEqual({
      ...{ useCase: 'creditcard-fraud', settings: undefined, withReference: false, batchSize: 1 },
      expected: undefined,
    });
    const { useCase, task } = await openRunData(data);
    expect([useCase.row.sizeBytes, task.defaultModelName]).toEqual([1_152, 'financialNet_NoReference']);
  });

  it('is what the manifest says where the user does not', async () => {
    expect((await chooseRunData({ ...defaults, useCase: '' })).useCase).toBe('creditcard-fraud');
    writeData(602_112, {});
    expect((await chooseRunData({ ...defaults, useCase: '', file })).useCase).toBe(vision);
  });

  it('has the settings that its manifest tells of', async () => {
    writeData(150_528, { settings: { 'image-layout': 'NCHW', 'image-dtype': 'uint8' } });
    const data = await chooseRunData({ ...defaults, file, batchSize: 2 });
    const { useCase, task } = await openRunData(data);
    expect(useCase.row.sizeBytes).toBe(150_528);
    expect(task.inputs).toMatchObject([{ name: 'input', dtype: 'uint8', shape: [2, 3, 224, 224] }]);
  });

  it('has those that the user tells of, where nobody else does', async () => {
    const data = await chooseRunData({ ...defaults, dataSettings: ['image-size=96', 'image-layout=NCHW'] });
    const { task } = await openRunData(data);
    expect(task.inputs).toMatchObject([{ shape: [1, 3, 96, 96] }]);
  });

  it.each([
    [['size=3'], 'vision-image-classification has no setting "size"', /image-size/],
    [['image-size=big'], 'image-size=big is no whole number', undefined],
    [['image-layout=WHCN'], /image-layout/, undefined],
  ])('refuses the settings %j', async (dataSettings, message, hint) => {
    const failure = await chooseRunData({ ...defaults, dataSettings }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'AIBENCH_USAGE', message: expect.stringMatching(message) });
    if (hint !== undefined) expect(failure).toMatchObject({ hint: expect.stringMatching(hint) });
  });

  it.each([
    [{ useCase: 'creditcard-fraud' }, {}, 'holds rows of vision-image-classification', '--use-case'],
    [{ dataSettings: ['image-layout=NCHW'] }, {}, 'was made with --image-layout NHWC', '--image-layout'],
    [{}, { sizeBytes: 1_204_224 }, 'it is not the file that was made', '--file'],
  ])('refuses a file that its manifest contradicts, asked %j', async (flags, manifest, message, flag) => {
    writeData(602_112, { settings: { 'image-layout': 'NHWC' }, ...manifest });
    await expect(chooseRunData({ ...defaults, file, ...flags })).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(flag),
    });
  });

  it('leaves a file that is cut off to whoever opens it', async () => {
    writeData(602_112, {});
    writeFileSync(file, new Uint8Array(600_000));
    expect((await chooseRunData({ ...defaults, file })).useCase).toBe(vision);
    writeFileSync(file, new Uint8Array(1_204_224));
    expect((await chooseRunData({ ...defaults, file, allowTruncated: true })).useCase).toBe(vision);
    await expect(chooseRunData({ ...defaults, file })).rejects.toThrow('it is not the file that was made');
  });

  it('compares answers with those that are stored, and says so where there are none', async () => {
    writeData(602_112, {});
    await expect(chooseRunData({ ...defaults, file, verify: true })).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: `--verify: no right answers are stored beside ${file}`,
      hint: expect.stringContaining('--with-expected'),
    });
    const answer = Float32Array.from({ length: 1_001 }, (_, i) => i);
    const stored = { output: 'x', dtype: 'float32', shape: [1_001], sizeBytes: 4_004, sha256: '' } as const;
    writeData(602_112, { expected: { ...stored, model: 'own', modelSha256: '' } });
    writeFileSync(`${file}.expected`, new Uint8Array(answer.buffer));
    const data = await chooseRunData({ ...defaults, file, verify: true });
    const { task, close } = await openRunData(structuredClone(data));
    const [tensor] = task.expectedOutputs(new Uint8Array(602_112), 0);
    expect(Buffer.from(tensor!.data).equals(Buffer.from(answer.buffer))).toBe(true);
    close();
  });

  it('has one row a request where the use case has no others', async () => {
    const data = await chooseRunData({ ...defaults, useCase: 'creditcard-fraud', batchSize: 2 });
    await expect(openRunData(data)).rejects.toMatchObject({ code: 'AIBENCH_USAGE' });
  });
});
