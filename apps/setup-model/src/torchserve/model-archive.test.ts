import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@aibench/testing';
import { strFromU8, unzipSync } from 'fflate';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ArchivedModel, archivedVersion, writeModelArchive } from './model-archive.js';

const model: ArchivedModel = {
  ...{
    name: 'm',
    version: '2.0',
    format: 'onnx' as const,
    bytes: Buffer.from('any bytes'),
    intraOpThreads: 3,
  },
  inputs: [{ name: 'transaction', dtype: 'float32', shape: [-1, 30] }],
  outputs: [{ name: 'out', dtype: 'float32', shape: [-1, 2] }],
};

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('writeModelArchive', () => {
  it('has the model, what runs it, and a manifest that names both', async () => {
    const files = unzipSync(await writeModelArchive(model));
    expect(Object.keys(files)).toEqual(['MAR-INF/MANIFEST.json', 'model.json', 'handler.py', 'model.onnx']);
    expect(JSON.parse(strFromU8(files['MAR-INF/MANIFEST.json']!))).toEqual({
      ...{ runtime: 'python', archiverVersion: '0.12.0', createdOn: '01/01/1980 00:00:00' },
      model: { modelName: 'm', modelVersion: '2.0', serializedFile: 'model.onnx', handler: 'handler.py' },
    });
    const { inputs, outputs, intraOpThreads } = model;
    expect(JSON.parse(strFromU8(files['model.json']!))).toEqual({ inputs, outputs, intraOpThreads });
    expect(strFromU8(files['model.onnx']!)).toBe('any bytes');
    const handler = readFileSync(join(repositoryRoot, 'servers', 'torchserve', 'handler.py'), 'utf8');
    expect(strFromU8(files['handler.py']!)).toBe(handler);
  });

  it('has the same bytes at any time and in any time zone', async () => {
    const first = await writeModelArchive(model);
    vi.useFakeTimers({ now: new Date('2031-05-06T07:08:09Z'), toFake: ['Date'] });
    vi.stubEnv('TZ', 'Asia/Kathmandu');
    expect(Buffer.from(await writeModelArchive(model)).equals(first)).toBe(true);
  });
});

describe('archivedVersion', () => {
  it('is what the manifest says', async () => {
    expect(archivedVersion('m.mar', await writeModelArchive(model))).toBe('2.0');
  });

  it.each(['', 'no zip', 'PK\u0005\u0006'])('refuses %j', (text) => {
    expect(() => archivedVersion('m.mar', Buffer.from(text))).toThrow('m.mar is no model archive');
  });
});
