import type { ServerStatsReader } from '@aibench/harness';
import { parseInfo, replyText } from '@aibench/redis';
import { replyFields, type Shard, type Shards } from '@aibench/redisai';

type FlatMap = Record<string, string | number>;

/**
 * Reads each server's own statistics, under the Go suite's names: `ai_info.*`
 * of the model (`AI.INFO`), `cmdstat_ai.*` (INFO COMMANDSTATS), INFO MEMORY,
 * INFO CPU and the CPU times of RedisAI's threads (`ai_*`, INFO MODULES).
 */
export class RedisAiStats implements ServerStatsReader {
  readonly #shards: Shards;
  readonly #reset: boolean;

  /** @param reset whether to set the statistics to zero after each reading */
  constructor(shards: Shards, options: { readonly reset: boolean }) {
    this.#shards = shards;
    this.#reset = options.reset;
  }

  async read(): Promise<Record<string, FlatMap>> {
    const { list } = this.#shards;
    const maps = await Promise.all(list.map((shard) => this.#readShard(shard)));
    return Object.fromEntries(list.map(({ connection }, i) => [connection.address, maps[i]!]));
  }

  async #readShard({ connection, model }: Shard): Promise<FlatMap> {
    const sections = ['modules', 'commandstats', 'memory', 'cpu'];
    const info = sections.map((section) => connection.call('INFO', section));
    const [aiInfo, ...replies] = await Promise.all([connection.call('AI.INFO', model), ...info]);
    if (this.#reset) {
      await Promise.all([
        connection.call('AI.INFO', model, 'RESETSTAT'),
        connection.call('CONFIG', 'RESETSTAT'),
      ]);
    }
    const map: FlatMap = {};
    for (const [name, value] of replyFields(aiInfo)) map[`ai_info.${name}`] = plain(value);
    for (const [name, value] of parseInfo(replies.map((reply) => replyText(reply)).join('\r\n'))) {
      const isOtherCommand = name.startsWith('cmdstat_') && !/^cmdstat_ai\./i.test(name);
      if (!isOtherCommand && name !== 'module') map[name] = plain(value);
    }
    return map;
  }

  close(): Promise<void> {
    return this.#shards.close();
  }
}

/** Numbers as numbers; they are text in RESP2. */
function plain(text: string): string | number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
