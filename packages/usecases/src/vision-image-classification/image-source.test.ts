import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { float32View } from '@aibench/core';
import { readCrops } from '@aibench/images';
import { afterAll, describe, expect, it } from 'vitest';
import type { SourceOptions } from '../use-case.js';
import { cropPlace } from './crop-place.js';

// The built module: worker threads can't run TypeScript.
const { useCase } = (await import(
  new URL('../../dist/vision-image-classification/index.js', import.meta.url).href
)) as typeof import('./index.js');

const fixtures = join(dirname(fileURLToPath(import.meta.url)), '../../../../fixtures/vision');
const root = mkdtempSync(join(tmpdir(), 'aibench-test-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A folder with copies of fixtures, in no order. */
function folderOf(...names: readonly string[]): string {
  const folder = mkdtempSync(join(root, 'images-'));
  for (const name of names.toReversed()) copyFileSync(join(fixtures, name), join(folder, name));
  return folder;
}

const base = { inputPath: undefined, seed: 5, rowLimit: 0, threads: 2, groupId: 0, groupCount: 1 } as const;
const rowSizeBytes = 602_112;

async function read(options: Partial<SourceOptions>, settings = {}) {
  const leftOut: string[] = [];
  const { openSource, row } = useCase.withSettings!(settings);
  const source = await openSource({
    ...base,
    onLeftOut: (name, reason) => leftOut.push(`${name}: ${reason}`),
    ...options,
  });
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of source.chunks()) {
      expect(chunk.byteLength % row.sizeBytes).toBe(0);
      chunks.push(Buffer.from(chunk));
    }
  } finally {
    await source.close();
  }
  const bytes = Buffer.concat(chunks);
  return { bytes, rows: bytes.byteLength / row.sizeBytes, leftOut, rowCount: source.rowCount };
}

const good = ['drawing.png', 'grey.jpg', 'larger.jpg', 'photo-cmyk.jpg', 'tiny.png'];

describe('images of a folder', () => {
  it('become rows in the order of their names, each the crop of its place', async () => {
    const folder = folderOf(...good);
    const { bytes, rows, rowCount } = await read({ inputPath: folder });
    expect(rows).toBe(good.length);
    expect(rowCount).toBe(good.length);
    for (const [place, name] of good.entries()) {
      const [crop] = await readCrops({
        ...{ path: join(folder, name), shorterSide: 256, cropSize: 224, cropCount: 1 },
        placeOf: (_, size) => cropPlace(base.seed, place, 0, size, 224),
      });
      const row = float32View(bytes.subarray(place * rowSizeBytes, (place + 1) * rowSizeBytes));
      for (let i = 0; i < row.length; i++) {
        if (row[i] !== Math.fround(crop![i]! / 255)) expect.fail(`${name}, value ${i}`);
      }
    }
  });

  it('are the same bytes for any number of threads, and others for another seed', async () => {
    const inputPath = folderOf(...good);
    const { bytes } = await read({ inputPath, threads: 0 });
    for (const threads of [1, 5]) expect((await read({ inputPath, threads })).bytes.equals(bytes)).toBe(true);
    expect((await read({ inputPath, seed: 6 })).bytes.equals(bytes)).toBe(false);
  });

  it('give several crops each, the first as if there were one, and go on with new ones in the next pass', async () => {
    const inputPath = folderOf(...good.slice(0, 2));
    const once = await read({ inputPath });
    const thrice = await read({ inputPath, values: { 're-use-factor': 3 } });
    const passes = await read({ inputPath, rowLimit: 6 });
    expect(thrice.rows).toBe(6);
    expect(passes.rows).toBe(6);
    const row = ({ bytes }: { bytes: Buffer }, i: number) =>
      bytes.subarray(i * rowSizeBytes, (i + 1) * rowSizeBytes);
    const same = (a: Buffer, b: Buffer) => a.equals(b);
    expect(same(row(thrice, 0), row(once, 0)) && same(row(thrice, 3), row(once, 1))).toBe(true);
    // Image 0, crops 0 to 2: behind one another there, one a pass here.
    expect([0, 1, 2].every((crop) => same(row(thrice, crop), row(passes, 2 * crop)))).toBe(true);
    expect(new Set([0, 1, 2].map((crop) => row(thrice, crop).toString('latin1'))).size).toBe(3);
  });

  it.each([
    [{ limit: 2 }, 0, 2],
    [{ limit: 99 }, 0, 5],
    [{ limit: -1 }, 3, 3],
    [{ 're-use-factor': 2 }, 3, 3],
  ])('are limited by %j and %i rows to %i', async (values, rowLimit, rows) => {
    const read1 = await read({ inputPath: folderOf(...good), values, rowLimit });
    expect(read1.rows).toBe(rows);
    expect(read1.rowCount).toBe(rows);
  });

  it('of groups make up the whole', async () => {
    const inputPath = folderOf(...good);
    const { bytes } = await read({ inputPath, rowLimit: 8 });
    const groups = [
      await read({ inputPath, rowLimit: 8, groupCount: 2, groupId: 0 }),
      await read({ inputPath, rowLimit: 8, groupCount: 2, groupId: 1 }),
    ];
    // Places 0 to 4, then 0 to 2 again: the even ones are of the first group.
    const order = [0, 1, 0, 1, 0, 0, 1, 0];
    const taken = [0, 0];
    const woven = order.map((group) => {
      const start = taken[group]!++ * rowSizeBytes;
      return groups[group]!.bytes.subarray(start, start + rowSizeBytes);
    });
    expect(Buffer.concat(woven).equals(bytes)).toBe(true);
    expect(groups.map(({ rows, rowCount }) => [rows, rowCount])).toEqual([
      [5, 5],
      [3, 3],
    ]);
  });

  it('that cannot be read are left out by name, and move no other', async () => {
    const bad = ['bad-cut-off.jpg', 'bad-empty.jpg', 'bad-text.jpg'];
    const folder = folderOf(...bad, 'larger.jpg', 'tiny.png');
    mkdirSync(join(folder, 'a-folder.jpg'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'zz.jpg'));
    const { bytes, rows, leftOut } = await read({ inputPath: folder });
    expect(rows).toBe(2);
    expect(leftOut).toEqual([
      'bad-cut-off.jpg: it is damaged or cut off',
      'bad-empty.jpg: it is empty',
      'bad-text.jpg: it is no image',
      'zz.jpg: there is no such file',
    ]);
    const passes = await read({ inputPath: folder, rowLimit: 5 });
    expect(passes.rows).toBe(5);
    expect(passes.leftOut).toEqual(leftOut);
    expect(passes.bytes.subarray(0, 2 * rowSizeBytes).equals(bytes)).toBe(true);
  });

  it('that cannot be read end the run where that is asked for, after all before them', async () => {
    const inputPath = folderOf('alpha.png', 'bad-text.jpg', 'larger.jpg');
    await expect(read({ inputPath, values: { 'on-bad-image': 'fail' } })).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: `${join(inputPath, 'bad-text.jpg')}: it is no image`,
      hint: expect.stringContaining('--on-bad-image skip'),
    });
  });

  it('have to be some: none, a file, and nothing are refused', async () => {
    const error = (inputPath: string, message: string | RegExp) =>
      expect(read({ inputPath })).rejects.toMatchObject({
        code: 'AIBENCH_INPUT',
        message: expect.stringMatching(message),
        hint: expect.stringContaining('--input-val-dir'),
      });
    await error(folderOf(), /holds no files/);
    await error(join(fixtures, 'grey.jpg'), /is a file, not a folder/);
    await error(join(root, 'none'), /there is no folder/);
    await error(folderOf('bad-text.jpg', 'bad-empty.jpg'), /none of 2 files is an image/);
    const withLimit = read({ inputPath: folderOf('bad-text.jpg', 'bad-empty.jpg'), rowLimit: 10 });
    await expect(withLimit).rejects.toThrow(/none of 2 files/);
  });

  it('are of another form with other settings', async () => {
    const inputPath = folderOf('larger.jpg');
    const nhwc = await read({ inputPath }, { 'image-dtype': 'uint8' });
    const nchw = await read({ inputPath }, { 'image-dtype': 'uint8', 'image-layout': 'NCHW' });
    const wide = await read({ inputPath }, { 'image-size': 299 });
    expect(nhwc.bytes.length).toBe(224 * 224 * 3);
    expect(wide.bytes.length).toBe(299 * 299 * 3 * 4);
    expect(nchw.bytes[1]).toBe(nhwc.bytes[3]);
    expect(nchw.bytes[224 * 224]).toBe(nhwc.bytes[1]);
  });

  it('stop when the source is closed', async () => {
    const source = await useCase.openSource({ ...base, inputPath: folderOf(...good), rowLimit: 1_000_000 });
    let rows = 0;
    for await (const _ of source.chunks()) {
      rows += 1;
      if (rows === 3) await source.close();
    }
    expect(rows).toBe(3);
    await source.close();
  });

  it('are sorted by code unit, upper case first', async () => {
    const folder = folderOf();
    const names = ['B.jpg', 'a.jpg', '10.jpg', '9.jpg', 'é.jpg'];
    for (const name of names) writeFileSync(join(folder, name), 'no image');
    const leftOut: string[] = [];
    await expect(read({ inputPath: folder, onLeftOut: (name) => leftOut.push(name) })).rejects.toThrow();
    expect(leftOut).toEqual(['10.jpg', '9.jpg', 'B.jpg', 'a.jpg', 'é.jpg']);
  });
});

describe('images that are drawn', () => {
  it('are the same for any number of threads, and as many as asked for', async () => {
    const values = { synthetic: 5, 're-use-factor': 6 };
    const { bytes, rows, rowCount } = await read({ values, threads: 0 });
    expect([rows, rowCount]).toEqual([30, 30]);
    expect((await read({ values, threads: 3 })).bytes.equals(bytes)).toBe(true);
    const { bytes: more } = await read({ values: { synthetic: 5 }, rowLimit: 7 });
    expect(more.length).toBe(7 * rowSizeBytes);
    // The first crop of each image is the same, however many follow.
    expect(
      more
        .subarray(rowSizeBytes, 2 * rowSizeBytes)
        .equals(bytes.subarray(6 * rowSizeBytes, 7 * rowSizeBytes)),
    ).toBe(true);
  });

  it('of groups make up the whole', async () => {
    const values = { synthetic: 3 };
    const { bytes } = await read({ values });
    const even = await read({ values, groupCount: 2, groupId: 0 });
    const odd = await read({ values, groupCount: 2, groupId: 1 });
    const parts = [even.bytes.subarray(0, rowSizeBytes), odd.bytes, even.bytes.subarray(rowSizeBytes)];
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect([even.rowCount, odd.rowCount]).toEqual([2, 1]);
  });

  it('are limited as those of a folder are', async () => {
    expect((await read({ values: { synthetic: 3, limit: 2 } })).rows).toBe(2);
    const usage = { code: 'AIBENCH_USAGE', message: expect.stringContaining('--limit 0 leaves no image') };
    await expect(read({ values: { limit: 0 } })).rejects.toMatchObject(usage);
  });

  it('are not drawn where there is a folder', async () => {
    const both = read({ inputPath: fixtures, values: { synthetic: 3 } });
    await expect(both).rejects.toMatchObject({
      code: 'AIBENCH_USAGE',
      hint: expect.stringContaining('--synthetic'),
    });
  });

  it('are 1000 where no number is given', async () => {
    const source = await useCase.openSource(base);
    expect(source.rowCount).toBe(1000);
    expect(source.description).toBe('synthetic');
    await source.close();
  });
});

describe('the packages that read images', () => {
  it('are loaded by nobody who reads none', () => {
    const { dependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as Record<string, Record<string, unknown>>;
    expect(dependencies).not.toHaveProperty('@aibench/images');
    expect(dependencies).not.toHaveProperty('sharp');
    expect(peerDependenciesMeta).toHaveProperty('@aibench/images', { optional: true });
  });
});
