import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@aibench/testing';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { plainJpegSize } from './jpeg-size.js';

const folder = join(repositoryRoot, 'fixtures', 'vision');
const read = (name: string) => readFileSync(join(folder, name));
const names = readdirSync(folder).filter((name) => /\.(jpg|png|webp)$/.test(name));

describe('plainJpegSize', () => {
  it.each(
    names.filter((name) =>
      /^(grey|photo-(full|halved|progressive)|larger|much-larger)[\w-]*\.jpg$/.test(name),
    ),
  )('of %s is what sharp says, or nothing', async (name) => {
    const { width, height, orientation, space } = await sharp(read(name)).metadata();
    const isPlain = orientation === undefined && space !== 'cmyk';
    expect(plainJpegSize(read(name))).toEqual(isPlain ? { width, height } : undefined);
  });

  it.each(names.filter((name) => !name.endsWith('.jpg') || /turned|cmyk|bad-(empty|text)/.test(name)))(
    'leaves %s to sharp',
    (name) => {
      expect(plainJpegSize(read(name))).toBeUndefined();
    },
  );

  it('knows it by the header alone, or not at all, wherever the file ends', () => {
    const whole = read('photo-full-colours.jpg');
    for (let end = 0; end < 700; end++) {
      expect([undefined, { width: 256, height: 288 }]).toContainEqual(plainJpegSize(whole.subarray(0, end)));
    }
    expect(plainJpegSize(whole.subarray(0, 700))).toEqual({ width: 256, height: 288 });
  });

  it('ends on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        plainJpegSize(Uint8Array.of(0xff, 0xd8, 0xff, ...bytes));
      }),
    );
  });
});
