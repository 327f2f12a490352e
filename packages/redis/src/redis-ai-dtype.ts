import { AibenchError, type Dtype } from '@aibench/core';

/** Element types as AI.TENSORSET names them; RedisAI has no unsigned 64-bit integers. */
const names: Readonly<Record<Dtype, string | undefined>> = {
  float32: 'FLOAT',
  uint8: 'UINT8',
  int64: 'INT64',
  uint64: undefined,
};

/**
 * The name of an element type in RedisAI's commands.
 *
 * @throws AIBENCH_USAGE for a type that RedisAI does not have
 */
export function redisAiDtype(dtype: Dtype): string {
  const name = names[dtype];
  if (name === undefined) throw new AibenchError('AIBENCH_USAGE', `RedisAI has no tensors of ${dtype}`);
  return name;
}
