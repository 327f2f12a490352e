import { AibenchError } from '@aibench/core';
import type { NullOutput } from './inference/inference-model.js';

/**
 * Reads `--null-output-shape`'s items: `1x2`, `output=1x2`.
 *
 * @throws AIBENCH_USAGE
 */
export function readNullOutputs(items: readonly string[]): NullOutput[] {
  return items.map((item) => {
    // A name may hold anything but a comma, TensorFlow's have slashes.
    const equals = item.lastIndexOf('=');
    const shape = item.slice(equals + 1);
    if (!/^[1-9]\d{0,8}(x[1-9]\d{0,8})*$/.test(shape)) {
      throw new AibenchError('AIBENCH_USAGE', `--null-output-shape: "${shape}" is no shape`, {
        hint: 'write extents with an x between them, a name in front where it matters: output=1x2',
      });
    }
    return { name: item.slice(0, Math.max(0, equals)), shape: shape.split('x').map(Number) };
  });
}
