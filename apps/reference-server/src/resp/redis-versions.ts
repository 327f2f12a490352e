/** Version of Redis whose replies are emulated: its command set and RESP3, not its speed or persistence. */
export const redisVersion = '7.2.0';

/** RedisAI's version as text: 10205 is 1.2.5. */
export function redisAiVersionText(version: number): string {
  return `${Math.floor(version / 10_000)}.${Math.floor(version / 100) % 100}.${version % 100}`;
}
