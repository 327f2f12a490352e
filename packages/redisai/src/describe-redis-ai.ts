import { AibenchError } from '@aibench/core';
import {
  type AiCommandFamily,
  describeRedis,
  parseInfo,
  type RedisConnection,
  type RedisDescription,
  replyText,
} from '@aibench/redis';

/** Who answers where RedisAI is expected. */
export interface RedisAiDescription extends RedisDescription {
  /** The commands to use: the newer ones wherever they do all that is needed. */
  readonly aiCommands: AiCommandFamily;
  /** The module's settings (`INFO modules`): `threads_per_queue`, `inter_op_parallelism`, ... */
  readonly settings: Readonly<Record<string, string>>;
}

/** RedisAI 1.2.4 brought ROUTING, without which AI.DAGEXECUTE cannot do without a reference tensor. */
const firstRoutingVersion = 10_204;

/**
 * Asks a server who it is and sees that it has the AI commands.
 *
 * @throws AIBENCH_SERVER naming `host:port` when it has not
 */
export async function describeRedisAi(connection: RedisConnection): Promise<RedisAiDescription> {
  const description = await describeRedis(connection);
  const { aiCommands, modules, product, version } = description;
  if (aiCommands === undefined) {
    throw new AibenchError(
      'AIBENCH_SERVER',
      `${connection.address} is ${product} ${version} without RedisAI`,
      {
        hint: 'load its module, or start aibench-reference-server in its place',
      },
    );
  }
  const moduleVersion = modules.find(({ name }) => name.toLowerCase() === 'ai')?.version ?? 0;
  const lacksRouting = moduleVersion > 0 && moduleVersion < firstRoutingVersion;
  return {
    ...description,
    aiCommands: lacksRouting ? 'run' : aiCommands,
    settings: await readSettings(connection),
  };
}

const settingNames = [
  'threads_per_queue',
  'inter_op_parallelism',
  'intra_op_parallelism',
  'model_execution_timeout',
];

async function readSettings(connection: RedisConnection): Promise<Record<string, string>> {
  const info = parseInfo(replyText(await connection.call('INFO', 'modules').catch(() => null)));
  return Object.fromEntries(
    settingNames.flatMap((name) => {
      const value = info.get(`ai_${name}`);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
