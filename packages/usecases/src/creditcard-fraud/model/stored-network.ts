import { float32View } from '@aibench/core';
import type { NetworkWeights } from './train-network.js';

/** A trained network as it stands in the source: text that a build copies as it is. */
export interface StoredNetwork {
  /** Values in each layer, inputs first. */
  readonly layerSizes: readonly number[];
  /** Areas under the curve on held-out rows, rounded; see `measureModel`. */
  readonly balancedAuc: number;
  readonly naturalAuc: number;
  /** Base64, in lines, of float32: input means, input scales, then each layer's weights and biases. */
  readonly parameters: string;
}

/** Base64 characters a line. */
const lineLength = 100;

/** A network's numbers as lines of base64. */
export function encodeNetwork(network: NetworkWeights): string {
  const parts = [network.inputMeans, network.inputScales, ...network.layers];
  const bytes = Buffer.concat(
    parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  );
  return bytes.toString('base64').replaceAll(new RegExp(`.{${lineLength}}`, 'g'), '$&\n');
}

/**
 * The network that {@link encodeNetwork} wrote.
 *
 * @throws RangeError where the text is not of the length that the layers call for
 */
export function decodeNetwork({ layerSizes, parameters }: StoredNetwork): NetworkWeights {
  const values = float32View(Buffer.from(parameters, 'base64'));
  let at = 0;
  const take = (count: number): Float32Array => {
    at += count;
    return values.subarray(at - count, at);
  };
  const inputCount = layerSizes[0] ?? 0;
  const inputMeans = take(inputCount);
  const inputScales = take(inputCount);
  const layers = layerSizes.slice(1).map((outputs, i) => take((layerSizes[i]! + 1) * outputs));
  if (at !== values.length)
    throw new RangeError(`${values.length} parameters where the layers call for ${at}`);
  return { inputMeans, inputScales, layers };
}
