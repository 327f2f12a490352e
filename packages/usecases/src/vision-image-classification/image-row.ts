import { RowLayout, type TensorSpec } from '@aibench/core';
import type { ImageSettings } from './image-settings.js';

/** Red, green, blue. */
const channelCount = 3;

/**
 * Mean and standard deviation of value / 255 over ImageNet, channel by channel: what PyTorch's and many other models
 * were trained with.
 */
const imagenet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

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
  const tables = Array.from({ length: channelCount }, (_, channel) =>
    valueTable(dtype, normalization, channel),
  );
  const elementsOf = ({ buffer, byteOffset }: Uint8Array<ArrayBuffer>) =>
    dtype === 'float32'
      ? new Float32Array(buffer, byteOffset, length)
      : new Uint8Array(buffer, byteOffset, length);
  const [red, green, blue] = tables as [ValueTable, ValueTable, ValueTable];
  if (layout === 'NHWC') {
    return (crop, row) => {
      const elements = elementsOf(row);
      for (let i = 0; i < length; i += channelCount) {
        elements[i] = red[crop[i]!]!;
        elements[i + 1] = green[crop[i + 1]!]!;
        elements[i + 2] = blue[crop[i + 2]!]!;
      }
    };
  }
  const pixels = size * size;
  return (crop, row) => {
    const elements = elementsOf(row);
    for (let pixel = 0, i = 0; pixel < pixels; pixel++, i += channelCount) {
      elements[pixel] = red[crop[i]!]!;
      elements[pixels + pixel] = green[crop[i + 1]!]!;
      elements[2 * pixels + pixel] = blue[crop[i + 2]!]!;
    }
  };
}

type ValueTable = Float32Array | Uint8Array;

/** What becomes of each of the 256 values. */
function valueTable(
  dtype: ImageSettings['dtype'],
  normalization: ImageSettings['normalization'],
  channel: number,
): ValueTable {
  if (dtype === 'uint8') return Uint8Array.from({ length: 256 }, (_, value) => value);
  return Float32Array.from({ length: 256 }, (_, value) => {
    const share = value / 255;
    if (normalization === 'none') return share;
    if (normalization === 'minus-one-to-one') return share * 2 - 1;
    return (share - imagenet.mean[channel]!) / imagenet.deviation[channel]!;
  });
}
