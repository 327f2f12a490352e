import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { drawImage, syntheticSize } from './synthetic-image.js';

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('drawn images', () => {
  it('are the same bytes everywhere', () => {
    expect(sha256(drawImage(1, 2, 64, 48))).toBe(
      'd6e367dc504848560db1ae34231a1e4350ccd161370da3612e661d615aad7200',
    );
  });

  it('differ with the seed and with the place', () => {
    const digests = [drawImage(1, 1, 64, 48), drawImage(2, 1, 64, 48), drawImage(1, 2, 64, 48)].map(sha256);
    expect(new Set(digests).size).toBe(3);
  });

  it('have the shorter side asked for, lying or upright', () => {
    const sizes = Array.from({ length: 60 }, (_, place) => syntheticSize(5, place, 256));
    for (const { width, height } of sizes) expect(Math.min(width, height)).toBe(256);
    const kinds = new Set(sizes.map(({ width, height }) => Math.sign(width - height)));
    expect([...kinds].sort()).toEqual([-1, 0, 1]);
  });

  it('use most of the range, and are as hard to compress as photographs', async () => {
    for (let place = 0; place < 4; place++) {
      const pixels = drawImage(3, place, 640, 480);
      const values = [...pixels].sort((a, b) => a - b);
      const quantile = (share: number) => values[Math.floor(share * (values.length - 1))]!;
      expect(quantile(0.95) - quantile(0.05)).toBeGreaterThan(80);
      const jpeg = await sharp(pixels, { raw: { width: 640, height: 480, channels: 3 } })
        .jpeg({ quality: 90 })
        .toBuffer();
      // Photographs of COCO's size and quality take 1 to 5 bits a pixel.
      const bitsPerPixel = (8 * jpeg.length) / (640 * 480);
      expect(bitsPerPixel).toBeGreaterThan(1);
      expect(bitsPerPixel).toBeLessThan(5);
    }
  });
});
