import { float32View } from '@aibench/core';
import { classCount, mobileNetLayers } from './mobilenet-layers.js';

/** What is measured of the seeded filters, see `calibrate-weights.ts`. */
export interface ActivationStatistics {
  /** Of each layer, in the order of `mobileNetLayers`: one value a channel. */
  readonly means: readonly Float32Array[];
  readonly variances: readonly Float32Array[];
  /** Of the classes. */
  readonly biases: Float32Array;
}

/** Base64 characters a line. */
const lineLength = 100;

/** Rounds numbers to the 8 significant bits that are stored. */
export function roundToStored(values: Float32Array): Float32Array {
  return fromHalves(toHalves(values));
}

/** Numbers as lines of base64, of each the upper half of its float32. */
export function encodeStatistics({ means, variances, biases }: ActivationStatistics): string {
  const parts = [...means, ...variances, biases].map(toHalves);
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part.buffer)));
  return bytes.toString('base64').replaceAll(new RegExp(`.{${lineLength}}`, 'g'), '$&\n');
}

/** The text of `mobilenet-statistics.ts`. */
export function renderStatistics(statistics: ActivationStatistics): string {
  return `// Written by calibrate.ts; see docs/models.md. Not to be edited by hand.

/** Means and variances of the seeded MobileNet's channels, and biases of its classes; see stored-statistics.ts. */
export const mobileNetStatistics = \`
${encodeStatistics(statistics)}
\`;
`;
}

/**
 * The numbers that {@link encodeStatistics} wrote.
 *
 * @throws RangeError where the text is not of the length that the layers call for
 */
export function decodeStatistics(text: string): ActivationStatistics {
  const values = fromHalves(new Uint16Array(new Uint8Array(Buffer.from(text, 'base64')).buffer));
  let at = 0;
  const take = (count: number): Float32Array => {
    at += count;
    return values.subarray(at - count, at);
  };
  const means = mobileNetLayers.map(({ outputChannels }) => take(outputChannels));
  const variances = mobileNetLayers.map(({ outputChannels }) => take(outputChannels));
  const biases = take(classCount);
  if (at !== values.length)
    throw new RangeError(`${values.length} statistics where the layers call for ${at}`);
  return { means, variances, biases };
}

function toHalves(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.slice().buffer);
  return Uint16Array.from(bits, (each) => (each + 0x8000) >>> 16);
}

function fromHalves(halves: Uint16Array): Float32Array {
  return float32View(new Uint8Array(Uint32Array.from(halves, (each) => each << 16).buffer));
}
