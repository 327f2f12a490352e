import { RowLayout, type TensorSpec } from '@aibench/core';
import type { ImageSettings } from './image-settings.js';

/** Red, green, blue. */
const channelCount = 3;

/** The tensor of one image, as the model gets it. */
export function imageSpec({ size, layout, dtype }: ImageSettings): TensorSpec {
  const shape = layout === 'NHWC' ? [1, size, size, channelCount] : [1, channelCount, size, size];
  return { name: 'input', dtype, shape };
}

/** A row is an image and nothing else; its id is its place in the file. By default 602,112 bytes. */
export function imageRow(settings: ImageSettings): RowLayout {
  return new RowLayout([imageSpec(settings)], { hasId: false });
}

/** Writes a crop into a row. */
export type RowWriter = (crop: Uint8Array, row: Uint8Array<ArrayBuffer>) => void;

/**
 * How crops become rows.
 *
 * @returns takes a crop as R, G, B bytes, row by row, and a row whose place in its buffer is a multiple of 4
 */
export function rowWriter({ size, layout, dtype, normalization }: ImageSettings): RowWriter {
  const length = size * size * channelCount;
  const elementsOf = ({ buffer, byteOffset }: Uint8Array<ArrayBuffer>) =>
    dtype === 'float32'
      ? new Float32Array(buffer, byteOffset, length)
      : new Uint8Array(buffer, byteOffset, length);
  // Multiplied in double precision: as float32, a value from 0 to 255 times 1/255 is what it is divided by 255.
  const [red, green, blue] = dtype === 'float32' ? scales(normalization) : [same, same, same];
  const pixels = size * size;
  const [step, green0, blue0] = layout === 'NHWC' ? [channelCount, 1, 2] : [1, pixels, 2 * pixels];
  return (crop, row) => {
    const elements = elementsOf(row);
    for (let from = 0, to = 0; from < length; from += channelCount, to += step) {
      elements[to] = crop[from]! * red.factor + red.offset;
      elements[to + green0] = crop[from + 1]! * green.factor + green.offset;
      elements[to + blue0] = crop[from + 2]! * blue.factor + blue.offset;
    }
  };
}

/** What becomes of a channel's values from 0 to 255. */
interface Scale {
  readonly factor: number;
  readonly offset: number;
}

const same: Scale = { factor: 1, offset: 0 };

function scales(normalization: ImageSettings['normalization']): readonly [Scale, Scale, Scale] {
  switch (normalization) {
    case 'none':
      return alike({ factor: 1 / 255, offset: 0 });
    case 'minus-one-to-one':
      return alike({ factor: 2 / 255, offset: -1 });
    // Mean and standard deviation of value / 255 over ImageNet: what PyTorch's and many other models are trained with.
    case 'imagenet': {
      const scale = (mean: number, deviation: number): Scale => ({
        factor: 1 / 255 / deviation,
        offset: -mean / deviation,
      });
      return [scale(0.485, 0.229), scale(0.456, 0.224), scale(0.406, 0.225)];
    }
  }
}

function alike(scale: Scale): readonly [Scale, Scale, Scale] {
  return [scale, scale, scale];
}
