import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@aibench/testing';
import { manifestPath, manifestVersion } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';
import { openDataOutput } from './data-output.js';

const about = {
  manifestVersion,
  suiteVersion: '1.2.3',
  useCase: 'creditcard-fraud',
  format: 'redisai',
  rows: 1,
  rowSizeBytes: 3,
  seed: 7,
  source: 'synthetic',
  maxTransactions: 0,
  group: { id: 0, count: 1 },
} as const;

const noTerminal = { isTTY: false } as NodeJS.WriteStream;

describe('openDataOutput', () => {
  it('refuses to write rows to a terminal', async () => {
    await expect(
      openDataOutput({ path: '', stdout: { isTTY: true } as NodeJS.WriteStream, withExpected: false }),
    ).rejects.toMatchObject({
      code: 'AIBENCH_USAGE',
      message: expect.stringContaining('terminal'),
      hint: expect.stringContaining('--output-file'),
    });
  });

  it('shows data and manifest only when both are whole', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'f.dat');
    const output = await openDataOutput({ path, stdout: noTerminal, withExpected: false });
    await output.write(Buffer.from('ab'));
    await output.write(Buffer.from('c'));
    expect(readdirSync(folder)).not.toContain('f.dat');
    await output.commit(about);
    await output.discard();
    expect(readdirSync(folder).sort()).toEqual(['f.dat', 'f.dat.manifest.json']);
    expect(readFileSync(path, 'utf8')).toBe('abc');
    expect(JSON.parse(readFileSync(manifestPath(path), 'utf8'))).toEqual({
      ...about,
      sizeBytes: 3,
      // FIPS 180-2, appendix B.1: the digest of "abc".
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    });
  });

  it('leaves older data and its manifest alone when the new data is given up', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'f.dat');
    writeFileSync(path, 'old');
    writeFileSync(manifestPath(path), 'old manifest');
    const output = await openDataOutput({ path, stdout: noTerminal, withExpected: false });
    await output.write(Buffer.from('new'));
    await output.discard();
    expect(readdirSync(folder).sort()).toEqual(['f.dat', 'f.dat.manifest.json']);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readFileSync(manifestPath(path), 'utf8')).toBe('old manifest');
  });

  it('keeps older data when the manifest cannot be written', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'f.dat');
    writeFileSync(path, 'old');
    mkdirSync(manifestPath(path));
    const output = await openDataOutput({ path, stdout: noTerminal, withExpected: false });
    await output.write(Buffer.from('new'));
    await expect(output.commit(about)).rejects.toMatchObject({
      code: 'AIBENCH_OUTPUT',
      message: expect.stringContaining(manifestPath(path)),
    });
    await output.discard();
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder).sort()).toEqual(['f.dat', 'f.dat.manifest.json']);
  });
});
