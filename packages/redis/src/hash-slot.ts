import calculateSlot from 'cluster-key-slot';

/** Hash slots of a Redis Cluster. */
export const slotCount = 16_384;

/** The hash slot of a key: CRC16 of it, or of what stands in its first braces, modulo 16,384. */
export function hashSlot(key: string): number {
  return calculateSlot(key);
}
