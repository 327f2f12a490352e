import { float32View } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { imageRow, imageSpec, rowWriter } from './image-row.js';
import { defaultSettings, type ImageSettings, imageSettings } from './image-settings.js';

const base = imageSettings(defaultSettings);

/** A crop of 16 x 16 pixels in which each of the 256 values occurs in each channel, no two channels alike. */
const size = 16;
const crop = Uint8Array.from(
  { length: size * size * 3 },
  (_, i) => (Math.floor(i / 3) * 7 + (i % 3) * 50) % 256,
);

function write(change: Partial<ImageSettings>) {
  const settings = { ...base, size, ...change };
  const row = new Uint8Array(imageRow(settings).sizeBytes);
  rowWriter(settings)(crop, row);
  return row;
}

describe('the row of an image', () => {
  it('has 602,112 bytes by default, and no id', () => {
    const row = imageRow(base);
    expect(row.sizeBytes).toBe(602_112);
    expect(row.hasId).toBe(false);
    expect(row.fields).toEqual([{ name: 'input', dtype: 'float32', shape: [1, 224, 224, 3] }]);
  });

  it('holds value / 255 as float32 knows it, H x W x C', () => {
    expect([...float32View(write({}))]).toEqual([...crop].map((value) => Math.fround(value / 255)));
  });

  it('holds channels behind one another where the layout is NCHW', () => {
    expect(imageSpec({ ...base, layout: 'NCHW' }).shape).toEqual([1, 3, 224, 224]);
    const [nhwc, nchw] = [float32View(write({})), float32View(write({ layout: 'NCHW' }))];
    for (let pixel = 0; pixel < size * size; pixel++) {
      for (let c = 0; c < 3; c++) expect(nchw[c * size * size + pixel]).toBe(nhwc[pixel * 3 + c]);
    }
  });

  it('holds the bytes themselves where the dtype is uint8, a quarter of the size', () => {
    expect(imageRow({ ...base, dtype: 'uint8' }).sizeBytes).toBe(150_528);
    expect(write({ dtype: 'uint8' })).toEqual(crop);
    const nchw = write({ dtype: 'uint8', layout: 'NCHW' });
    expect([...nchw.subarray(0, 3)]).toEqual([crop[0], crop[3], crop[6]]);
    expect(nchw[size * size]).toBe(crop[1]);
  });

  it.each([
    ['minus-one-to-one', (value: number) => value / 127.5 - 1],
    // Means and deviations as torchvision publishes them.
    [
      'imagenet',
      (value: number, c: number) => (value / 255 - [0.485, 0.456, 0.406][c]!) / [0.229, 0.224, 0.225][c]!,
    ],
  ] as const)('is normalised %s', (normalization, expected) => {
    const values = float32View(write({ normalization }));
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected(crop[i]!, i % 3), 6);
  });

  it('writes where the row lies in a larger buffer, and nowhere else', () => {
    const settings = { ...base, size };
    const { sizeBytes } = imageRow(settings);
    const rows = new Uint8Array(3 * sizeBytes);
    rowWriter(settings)(crop, rows.subarray(sizeBytes, 2 * sizeBytes));
    expect(rows.subarray(sizeBytes, 2 * sizeBytes)).toEqual(write({}));
    expect(rows.subarray(0, sizeBytes).every((byte) => byte === 0)).toBe(true);
    expect(rows.subarray(2 * sizeBytes).every((byte) => byte === 0)).toBe(true);
  });
});
