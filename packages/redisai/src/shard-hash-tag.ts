import { AibenchError } from '@aibench/core';
import { hashSlot } from '@aibench/redis';

/** Far more than any master with a slot at all needs. */
const maxTries = 1_000_000;

/**
 * The hash tag by which keys are put on one master of a Redis Cluster: `{n}`
 * with the smallest n from 0 whose slot the master owns. Whoever knows the map
 * of slots finds the same one.
 *
 * @param owns whether the master owns a slot
 */
export function shardHashTag(owns: (slot: number) => boolean): string {
  for (let n = 0; n < maxTries; n++) if (owns(hashSlot(String(n)))) return `{${n}}`;
  throw new AibenchError('AIBENCH_SERVER', 'a master of the cluster owns no slot that keys can be put in');
}
