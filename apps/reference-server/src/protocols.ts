import { AibenchError } from '@aibench/core';

const protocols = ['redis', 'tfserving', 'triton', 'torchserve', 'flask'] as const;

/** A protocol that the server speaks. */
export type Protocol = (typeof protocols)[number];

/**
 * Reads `--protocols`.
 *
 * @throws AIBENCH_USAGE for an unknown one, and for none
 */
export function readProtocols(names: readonly string[]): ReadonlySet<Protocol> {
  const chosen = names.map((name) => {
    const found = protocols.find((protocol) => protocol === name.toLowerCase());
    if (found !== undefined) return found;
    throw new AibenchError('AIBENCH_USAGE', `--protocols: "${name}" is none of ${protocols.join(', ')}`);
  });
  if (chosen.length === 0) {
    throw new AibenchError('AIBENCH_USAGE', '--protocols names none', {
      hint: `pass ${protocols.join(',')}`,
    });
  }
  return new Set(chosen);
}
