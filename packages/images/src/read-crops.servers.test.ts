// Golden pixels: what OpenCV makes of the same files. Both come with a JPEG decoder of the same family (libjpeg-turbo,
// by default with the slow, exact transform and smooth enlargement of the colours), whose results agree to the byte
// today. The standard would let decoders differ by one step of each coefficient (ITU-T T.83), and another version may
// enlarge colours otherwise, so that a value may be off by 1 here, and no more.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWithPython, repositoryRoot, runPython, temporaryFolder } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { readCrops } from './read-crops.js';

const fixtures = join(repositoryRoot, 'fixtures', 'vision');
const names = readdirSync(fixtures).filter((name) => /\.(jpg|png|webp)$/.test(name));
const script = join(repositoryRoot, 'packages', 'testing', 'python', 'opencv-images.py');
const shorterSide = 256;

interface OpenCvImage {
  readonly name: string;
  /** 0 where OpenCV cannot read it. */
  readonly width: number;
  readonly height: number;
  readonly resized: boolean;
}

await describeWithPython('opencv', 'OpenCV', (python) => {
  const golden = (async () => {
    const folder = temporaryFolder();
    const paths = names.map((name) => join(fixtures, name));
    const { exitCode, stdout, stderr } = await runPython(python, [
      script,
      String(shorterSide),
      folder,
      ...paths,
    ]);
    expect(exitCode, stderr).toBe(0);
    const images = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as OpenCvImage);
    return new Map(
      images.map((image) => [
        image.name,
        { ...image, pixels: image.width === 0 ? undefined : readFileSync(join(folder, `${image.name}.rgb`)) },
      ]),
    );
  })();

  describe.each(names.filter((name) => !name.startsWith('bad-')))('%s', (name) => {
    it('has the pixels that OpenCV reads', async () => {
      const { width, height, resized, pixels } = (await golden).get(name)!;
      const corners = [
        { left: 0, top: 0 },
        { left: width - shorterSide, top: height - shorterSide },
      ];
      const crops = await readCrops({
        path: join(fixtures, name),
        shorterSide,
        cropSize: shorterSide,
        cropCount: corners.length,
        placeOf: (crop, size) => {
          expect(size).toEqual({ width, height });
          return corners[crop]!;
        },
      });
      for (const [i, { left, top }] of corners.entries()) {
        const { most, meanSquare } = difference(crops[i]!, pixels!, width, left, top);
        if (!resized) expect(most).toBeLessThanOrEqual(1);
        else expect(10 * Math.log10(255 ** 2 / meanSquare)).toBeGreaterThanOrEqual(35);
      }
    });
  });

  it('covers images that are resized and such that are not', async () => {
    const resized = [...(await golden).values()]
      .filter(({ width }) => width > 0)
      .map((image) => image.resized);
    expect(resized.filter((is) => is).length).toBeGreaterThanOrEqual(6);
    expect(resized.filter((is) => !is).length).toBeGreaterThanOrEqual(12);
  });
});

function difference(crop: Uint8Array, image: Uint8Array, width: number, left: number, top: number) {
  let most = 0;
  let squares = 0;
  for (let y = 0; y < shorterSide; y++) {
    for (let x = 0; x < shorterSide * 3; x++) {
      const step = Math.abs(crop[y * shorterSide * 3 + x]! - image[((top + y) * width + left) * 3 + x]!);
      most = Math.max(most, step);
      squares += step * step;
    }
  }
  return { most, meanSquare: squares / crop.length };
}
