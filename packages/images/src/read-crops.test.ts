import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot, temporaryFolder } from '@aibench/testing';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { readCrops } from './read-crops.js';

const fixture = (name: string) => join(repositoryRoot, 'fixtures', 'vision', name);

/** Crops of 224 pixels, one at each place. */
function cropsAt(path: string, ...places: (readonly [number, number])[]) {
  return readCrops({
    path,
    shorterSide: 256,
    cropSize: 224,
    cropCount: places.length,
    placeOf: (crop) => ({ left: places[crop]![0], top: places[crop]![1] }),
  });
}

/** A PNG in which every pixel tells its place. */
async function placesImage(width: number, height: number, change = (image: Sharp) => image) {
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    pixels.set([x % 256, y % 256, (x >> 8) * 16 + (y >> 8)], i * 3);
  }
  const path = join(temporaryFolder(), 'places.png');
  await change(sharp(pixels, { raw: { width, height, channels: 3 } })).toFile(path);
  return path;
}

describe('readCrops', () => {
  it('gives R, G, B of the pixels from the place on, row by row', async () => {
    const path = await placesImage(300, 256);
    const [crop] = await cropsAt(path, [70, 20]);
    expect(crop!.length).toBe(224 * 224 * 3);
    const pixel = (x: number, y: number) => [...crop!.subarray((y * 224 + x) * 3, (y * 224 + x) * 3 + 3)];
    expect(pixel(0, 0)).toEqual([70, 20, 0]);
    expect(pixel(1, 0)).toEqual([71, 20, 0]);
    expect(pixel(0, 1)).toEqual([70, 21, 0]);
    expect(pixel(223, 223)).toEqual([(70 + 223) % 256, 243, 16]);
  });

  it.each([
    'larger.jpg',
    'larger-turned-6.jpg',
    'much-larger.jpg',
    'alpha.png',
    'photo-cmyk.jpg',
    'tiny-grey.png',
  ])('gives the same crop of %s alone and among others', async (name) => {
    const [first, second] = await cropsAt(fixture(name), [32, 0], [0, 32]);
    const [alone] = await cropsAt(fixture(name), [0, 32]);
    expect(Buffer.compare(alone!, second!)).toBe(0);
    expect(Buffer.compare(alone!, first!)).not.toBe(0);
  });

  it('chooses places by the size of the upright, resized image', async () => {
    const sizes: object[] = [];
    for (const name of ['larger.jpg', 'larger-turned-6.jpg', 'tiny.png', 'tiny-grey.png']) {
      await readCrops({
        ...{ path: fixture(name), shorterSide: 256, cropSize: 224, cropCount: 1 },
        placeOf: (_, resized) => {
          sizes.push(resized);
          return { left: 0, top: 0 };
        },
      });
    }
    expect(sizes).toEqual([
      { width: 341, height: 256 },
      { width: 256, height: 341 },
      { width: 341, height: 256 },
      { width: 256, height: 466 },
    ]);
  });

  it('leaves alpha out: colours count that nothing shows', async () => {
    const [faded] = await cropsAt(fixture('alpha.png'), [70, 10]);
    const [full] = await cropsAt(fixture('drawing.png'), [70, 10]);
    expect(Buffer.compare(faded!, full!)).toBe(0);
  });

  it('makes all three channels of grey', async () => {
    const [crop] = await cropsAt(fixture('grey.png'), [5, 5]);
    for (let i = 0; i < crop!.length; i += 3) {
      if (crop![i] !== crop![i + 1] || crop![i] !== crop![i + 2]) expect.fail(`differ at ${i}`);
    }
  });

  it('reads a file that is too large to be held in memory, by its path', async () => {
    const path = await placesImage(2400, 2400, (image) => image.png({ compressionLevel: 0 }));
    expect(readFileSync(path).length).toBeGreaterThan(16 << 20);
    const [crop] = await cropsAt(path, [3, 4]);
    expect(crop!.length).toBe(224 * 224 * 3);
  });

  it.each([
    ['bad-cut-off.jpg', /it is damaged or cut off/],
    ['bad-cut-off.png', /it is damaged or cut off/],
    ['bad-damaged.png', /it is damaged or cut off/],
    ['bad-empty.jpg', /it is empty/],
    ['bad-text.jpg', /it is no image/],
    ['none.jpg', /there is no such file/],
    ['', /it is a folder|it is no image/],
  ])('tells what is wrong with %j', async (name, message) => {
    await expect(cropsAt(fixture(name), [0, 0])).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: expect.stringMatching(message),
    });
    await expect(cropsAt(fixture(name), [0, 0])).rejects.toThrow(fixture(name));
  });

  it.each([
    [480, 360],
    [2600, 1900],
  ])('notices damage below a crop of %i x %i pixels', async (width, height) => {
    const path = await placesImage(width, height, (image) => image.jpeg({ quality: 60 }));
    const [crop] = await cropsAt(path, [0, 0]);
    const [again] = await cropsAt(path, [0, 0], [1, 1]);
    expect(Buffer.compare(crop!, again!)).toBe(0);
    const jpeg = readFileSync(path);
    const lastPart = Math.floor(jpeg.length / 40);
    writeFileSync(path, jpeg.subarray(0, jpeg.length - lastPart));
    await expect(cropsAt(path, [0, 0])).rejects.toThrow(/damaged or cut off/);
  });

  it('refuses an image that is too long to be resized, and one without pixels', async () => {
    const long = await placesImage(2000, 8);
    await expect(cropsAt(long, [0, 0])).rejects.toThrow(/2000 x 8 pixels, too long for its width/);
    const svg = join(temporaryFolder(), 'a.svg');
    writeFileSync(svg, '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"/>');
    await expect(cropsAt(svg, [0, 0])).rejects.toThrow(/SVG/);
  });
});
